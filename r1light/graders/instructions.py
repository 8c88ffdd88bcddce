"""One check for each instruction of IFEval (arXiv:2311.07911, table 1), by the names that its data use.

They decide as the published checks do, odd corners included, so that scores compare; but each takes time in
proportion to the text, whatever a model wrote. One exception: where a letter to be counted is no letter of
the alphabet (two prompts ask for "#" and "!"), the published check draws a letter at random, and this one
counts what was asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from r1light.graders.prose_units import capital_words, language_of, sentence_count

Options = Mapping[str, Any]
"""Numbers and words of an instruction, by the names of the data."""

_ANSWERS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_WORD = re.compile(r"\w+")
_HIGHLIGHT = re.compile(r"\*[^\n*]*\*")
_BOLD = re.compile(r"\*\*([^\n*]*)\*\*")
_STARRED = re.compile(r"^[^\S\n]*\*[^*].*$", re.MULTILINE)
_DASHED = re.compile(r"^[^\S\n]*-", re.MULTILINE)
_DIVIDER = re.compile(r"\s?\*\*\*\s?")
_ENDS_WORD = frozenset(".,?!'\"")
_POSTSCRIPTS = {"P.P.S": r"p\.\s?p\.\s?s", "P.S.": r"p\.\s?s\."}


def _holds(count: int, relation: str, bound: int) -> bool:
    """Whether a count is `less than` or `at least` a bound."""
    if relation not in ("less than", "at least"):
        raise ValueError(f"the relation {relation!r} must be 'less than' or 'at least'")
    return count < bound if relation == "less than" else count >= bound


def _found(word: str, text: str) -> int:
    """How often a keyword, which the data give as a pattern, stands in a text."""
    return sum(1 for _ in re.finditer(word, text, re.IGNORECASE))


def _keywords(text: str, options: Options) -> bool:
    return all(re.search(word, text, re.IGNORECASE) for word in options["keywords"])


def _keyword_frequency(text: str, options: Options) -> bool:
    count = _found(options["keyword"].strip(), text)
    return _holds(count, options["relation"], options["frequency"])


def _forbidden(text: str, options: Options) -> bool:
    words = options["forbidden_words"]
    return not any(re.search(rf"\b{word}\b", text, re.IGNORECASE) for word in words)


def _letter_frequency(text: str, options: Options) -> bool:
    count = text.lower().count(options["letter"].strip().lower())
    return _holds(count, options["let_relation"], options["let_frequency"])


def _language(text: str, options: Options) -> bool:
    return language_of(text) in (None, options["language"])


def _sentences(text: str, options: Options) -> bool:
    return _holds(sentence_count(text), options["relation"], options["num_sentences"])


def _words(text: str, options: Options) -> bool:
    return _holds(len(_WORD.findall(text)), options["relation"], options["num_words"])


def _paragraphs(text: str, options: Options) -> bool:
    """Paragraphs between dividers; one that is empty counts for nothing at an end, and breaks it within."""
    parts = [part.strip() for part in _DIVIDER.split(text)]
    if not all(parts[1:-1]):
        return False
    ends = {0, len(parts) - 1}
    return bool(len(parts) - sum(not parts[end] for end in ends) == options["num_paragraphs"])


def _nth_paragraph(text: str, options: Options) -> bool:
    """The number of paragraphs between blank lines, and the first word of one of them."""
    parts = text.split("\n\n")
    count = sum(bool(part.strip()) for part in parts)
    nth = options["nth_paragraph"]
    if nth > count or not (part := parts[nth - 1].strip()):
        return False
    first = part.split()[0].lstrip("'").lstrip('"')
    end = next((place for place, sign in enumerate(first) if sign in _ENDS_WORD), len(first))
    return bool(count == options["num_paragraphs"] and first[:end].lower() == options["first_word"].lower())


def _placeholders(text: str, options: Options) -> bool:
    """Brackets that close in the line they open in."""
    count = 0
    for line in text.split("\n"):
        opened = line.find("[")
        while opened >= 0 and (closed := line.find("]", opened + 1)) >= 0:
            count += 1
            opened = line.find("[", closed + 1)
    return count >= int(options["num_placeholders"])


def _postscript(text: str, options: Options) -> bool:
    marker = options["postscript_marker"].strip()
    return re.search(_POSTSCRIPTS.get(marker, marker.lower()), text.lower()) is not None


def _bullets(text: str, options: Options) -> bool:
    count = len(_STARRED.findall(text)) + len(_DASHED.findall(text))
    return count == int(options["num_bullets"])


def _constrained(text: str, options: Options) -> bool:
    del options
    return any(answer in text for answer in _ANSWERS)


def _highlights(text: str, options: Options) -> bool:
    single = sum(bool(found.strip("*").strip()) for found in _HIGHLIGHT.findall(text))
    double = sum(bool(found.strip()) for found in _BOLD.findall(text))
    return single + double >= int(options["num_highlights"])


def _sections(text: str, options: Options) -> bool:
    head = rf"\s?{options['section_spliter'].strip()}\s?\d+\s?"
    return sum(1 for _ in re.finditer(head, text)) >= int(options["num_sections"])


def _json(text: str, options: Options) -> bool:
    del options
    text = text.strip()
    for fence in ("```json", "```Json", "```JSON", "```"):
        text = text.removeprefix(fence)
    try:
        json.loads(text.removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


def _title(text: str, options: Options) -> bool:
    """Double angular brackets around something, in one line."""
    del options
    for line in text.split("\n"):
        opened, closed = line.find("<<"), line.rfind(">>")
        if 0 <= opened < closed - 2 and line[opened : closed + 2].lstrip("<").rstrip(">").strip():
            return True
    return False


def _two_responses(text: str, options: Options) -> bool:
    del options
    parts = [part.strip() for part in text.split("******")]
    told = [part for part in parts if part]
    return all(parts[1:-1]) and len(told) == 2 and told[0] != told[1]


def _repeats_prompt(text: str, options: Options) -> bool:
    asked: str = options["prompt_to_repeat"].strip().lower()
    return text.strip().lower().startswith(asked)


def _ends_with(text: str, options: Options) -> bool:
    return text.strip().strip('"').lower().endswith(options["end_phrase"].strip().lower())


def _capital_words(text: str, options: Options) -> bool:
    return _holds(capital_words(text), options["capital_relation"], options["capital_frequency"])


def _all_capital(text: str, options: Options) -> bool:
    del options
    return text.isupper() and language_of(text) in (None, "en")


def _all_lower(text: str, options: Options) -> bool:
    del options
    return text.islower() and language_of(text) in (None, "en")


def _no_comma(text: str, options: Options) -> bool:
    del options
    return "," not in text


def _quoted(text: str, options: Options) -> bool:
    del options
    text = text.strip()
    return len(text) > 1 and text[0] == text[-1] == '"'


CHECKS: Mapping[str, Callable[[str, Options], bool]] = {
    "change_case:capital_word_frequency": _capital_words,
    "change_case:english_capital": _all_capital,
    "change_case:english_lowercase": _all_lower,
    "combination:repeat_prompt": _repeats_prompt,
    "combination:two_responses": _two_responses,
    "detectable_content:number_placeholders": _placeholders,
    "detectable_content:postscript": _postscript,
    "detectable_format:constrained_response": _constrained,
    "detectable_format:json_format": _json,
    "detectable_format:multiple_sections": _sections,
    "detectable_format:number_bullet_lists": _bullets,
    "detectable_format:number_highlighted_sections": _highlights,
    "detectable_format:title": _title,
    "keywords:existence": _keywords,
    "keywords:forbidden_words": _forbidden,
    "keywords:frequency": _keyword_frequency,
    "keywords:letter_frequency": _letter_frequency,
    "language:response_language": _language,
    "length_constraints:nth_paragraph_first_word": _nth_paragraph,
    "length_constraints:number_paragraphs": _paragraphs,
    "length_constraints:number_sentences": _sentences,
    "length_constraints:number_words": _words,
    "punctuation:no_comma": _no_comma,
    "startend:end_checker": _ends_with,
    "startend:quotation": _quoted,
}
"""Whether a text that is not blank follows an instruction, by the instruction's name."""
