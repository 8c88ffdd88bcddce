r"""What an answer says, out of the words, boxes and dollar signs around it.

An answer is read as a plain number, as an expression for the algebra system, or as text. Where several
candidates stand side by side without saying which is meant, none is taken: a list of guesses is no answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from r1light.graders.extraction import final_part
from r1light.graders.formula_list import expand_plus_minus
from r1light.graders.plain_number import PlainNumber, read_number
from r1light.graders.spelling import to_latex, unicode_to_latex
from r1light.graders.units import CHANGING_HAN, CHANGING_WORDS, canonical_unit

Kind = Literal["number", "expression", "text", "nothing"]


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer or a reference answer, read.

    Attributes:
        kind: What it is; "nothing" where there is no one value in it.
        text: An expression or number as LaTeX for the algebra system, or a text in its normal form.
        number: The number, where it is a plain one.
        core: What was read: the answer without the words and wrappers around it.
        source: The part of the text that it was found in.
    """

    kind: Kind
    text: str = ""
    number: PlainNumber | None = None
    core: str = field(default="", compare=False, repr=False)
    source: str = field(default="", compare=False, repr=False)


_LEAD_IN = re.compile(
    r"\b(?:answer|result|solution|value)(?:\s+is|\s+are|\s*[:=])+"
    r"(?:\s+(?:therefore|then|thus|simply|equal to)\b)*\s*:?"
    r"|(?:答案|结果|答)(?:应该|应|就)?\s*[是为:=]+|等于|(?:解得|可得|求得|得到)[\s:]*",
    re.IGNORECASE,
)
_FIRST_WORDS = re.compile(
    r"^(?:(?:so|thus|hence|therefore|then|it is|it's|we get|we have|about|approximately)\b[\s,:]*"
    r"|(?:所以|因此|从而|于是|故|即|则|大约|约)[\s,:]*)+",
    re.IGNORECASE,
)
_SEGMENT = re.compile(
    r"\$\$([^$]+)\$\$|(?<!\\)\$((?:[^$\\]|\\.)+)\$(?!\d)|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL
)
_CONNECTOR = re.compile(r"[\s,;]*(?:and|or|和|或|、)?[\s,;]*", re.IGNORECASE)
_SAYS = re.compile(r"\b(?:is|are|equals)\b|[=是为]")
_LISTED = re.compile(r"\s*,\s*(?:and|or)\s+|\s+(?:and|or)\s+|\s*[和或、]\s*", re.IGNORECASE)
_LISTED_MACRO = re.compile(r"[,\s]*\\(?:text|mbox|mathrm)\s*\{\s*,?\s*(?:and|or)\s*,?\s*\}[,\s]*")
_TEXT_MACRO = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|textrm|operatorname)\s*\{([^{}]*)\}")
_PROSE = re.compile(r"[\w\s,.;:'()\"“”、。!?-]+")
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_NUMBER = re.compile(r"(?<![0-9A-Za-z_.])[-+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s*/\s*\d+)?\s*%?(?![a-zA-Z_])")
_BASED = re.compile(r"([0-9A-Fa-f]+)\s*_\s*\{?\s*([1-9][0-9]?)\s*\}?")
_WORDS_BEFORE = re.compile(
    r"\\(?:text|mbox|textrm)\s*\{[^{}]*[^\W\d_]{3}[^{}]*\}(?!\s*(?:\^\s*\{?\s*[23]\s*\}?)?\s*$)"
)
_MARKDOWN = re.compile(
    r"(?<![\w)\]}*])\*\*(?=\S)([^*\n]+?)\*\*(?![\w*])|`([^`\n]+)`|^#{1,6}(?=\s)", re.MULTILINE
)
_TIME = re.compile(r"0?(\d{1,2}:\d{2})\s*(?:([ap])\.?\s*m\.?)?", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.。]\s+(?=\S)|\n|。")
_ARTICLE = re.compile(r"^(?:the|a|an)\s+")
_START, _END = " \t\n,;:。、", " \t\n.,;:。、"  # a point in front belongs to .5, a mark behind to 5!
_NAMES = (
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln exp sqrt max min gcd lcm mod det "
    "pi theta alpha beta gamma delta lambda omega phi infty infinity and or"
)
_MATH_WORDS = frozenset(_NAMES.split())


def read_answer(text: str) -> Reading:
    r"""Read an answer as a model gives it, words around it or not. Never raises.

    Example:
        >>> read_answer(r"So the answer is \boxed{\frac{1}{2}}.").number.value
        Fraction(1, 2)
        >>> read_answer("x^2 + 1"), read_answer("the Moon").text, read_answer("somewhere from 3 to 5").kind
        (Reading(kind='expression', text='$x^2 + 1$', number=None), 'moon', 'nothing')
    """
    return read_part(final_part(text))


def read_part(part: str) -> Reading:
    """Read the part of a text that holds its answer, see `final_part`."""
    return _read(part, in_sentences=True)


def read_reference(text: str) -> Reading:
    """Read a reference answer: as `read_answer`, but a value in a sentence is not taken for the whole of it.

    Example:
        >>> read_reference("$x=39$ and $y=-13$").text, read_reference("a minimum at $x=1$").kind
        ('$x=39, y=-13$', 'nothing')
    """
    return _read(final_part(text), in_sentences=False)


def _read(part: str, in_sentences: bool) -> Reading:
    core = _core(unicode_to_latex(_without_markdown(part)))
    reading = _read_core(core, in_sentences) if core else Reading("nothing")
    return replace(reading, core=core, source=part)


def _read_core(core: str, in_sentences: bool) -> Reading:
    number = read_number(core)
    if number is not None:
        return _number(number)
    if _BASED.fullmatch(core):
        return Reading("text", _BASED.sub(r"\1_\2", core))
    if _is_words(core):
        return _read_words(core, in_sentences)
    segments = list(_SEGMENT.finditer(core))
    if segments:
        return _read_segments(core, segments, in_sentences)
    if re.search(r"(?<!\\)\$", core) or (not in_sentences and _WORDS_BEFORE.search(core)):
        return Reading("nothing")
    return _read_formula(core)


def normal_text(text: str) -> str:
    r"""Lower case, single spaces, no `\text{}`, no leading article, no punctuation at the ends."""
    plain = " ".join(_TEXT_MACRO.sub(r" \1 ", text).split())
    return _ARTICLE.sub("", plain.strip(_END + "!\"'“”()").casefold())


def _core(text: str) -> str:
    """The part that answers: after the last "the answer is", first sentence, without wrappers."""
    text = _LISTED_MACRO.sub(", ", text.replace("\\!", "")) if "\\" in text else text
    text = text.strip()
    lead_ins = [match.end() for match in _LEAD_IN.finditer(text)]
    if lead_ins and text[lead_ins[-1] :].strip(_END):
        text = _SENTENCE_END.split(text[lead_ins[-1] :].strip(), maxsplit=1)[0]
    text = _trim(_FIRST_WORDS.sub("", _trim(text)))
    whole = _SEGMENT.fullmatch(text)
    return _trim(next(filter(None, whole.groups()), "")) if whole else text


def _without_markdown(text: str) -> str:
    """Emphasis, code marks and headings taken off; x**2 keeps its stars."""
    return _MARKDOWN.sub(lambda match: match[1] or match[2] or "", text).strip()


def _trim(text: str) -> str:
    return text.lstrip(_START).rstrip(_END)


def _is_words(core: str) -> bool:
    r"""Whether an answer is in words: a time, two words, a word of four letters, or one in a `\text{}`."""
    if _TIME.fullmatch(core):
        return True
    plain = _TEXT_MACRO.sub(r" \1 ", core)
    marked = plain != core
    if not _PROSE.fullmatch(plain) or (marked and re.search("[0-9]", plain)):
        return False
    words = [word for word in _WORD.findall(plain) if len(word) > 1 or not word.isascii()]
    words = [word for word in words if word.lower() not in _MATH_WORDS]
    return len(words) > 1 or any(marked or len(word) > 3 or not word.isascii() for word in words)


def _read_words(core: str, in_sentences: bool) -> Reading:
    """Words: a text of its own, or a sentence around the one number in it."""
    time = _TIME.fullmatch(core)
    if time:
        return Reading("text", f"{time[1]} {time[2] or ''}".strip().lower())
    numbers = list(_NUMBER.finditer(core))
    if not numbers:
        return Reading("text", normal_text(core))
    if not in_sentences:
        return Reading("nothing")
    number = _number_in_words(core, numbers[0]) if len(numbers) == 1 else None
    if number is not None:
        return _number(number)
    _, found, tail = core.rpartition(" is ")
    return _read_core(_trim(tail), in_sentences) if found and _trim(tail) else Reading("nothing")


def _number_in_words(core: str, found: re.Match[str]) -> PlainNumber | None:
    """The one number of a sentence, with the unit that ends it, if no word makes another of it."""
    before, rest = core[: found.start()], core[found.start() :]
    whole = read_number(rest)
    if _changes(before if whole else core):
        return None
    return whole or read_number(found.group().strip())


def _changes(text: str) -> bool:
    """Whether words may make another value of the one beside them, or deny it."""
    words = [word.lower() for word in _WORD.findall(text)]
    denied = any(word in CHANGING_WORDS or word.endswith("n't") for word in words)
    return denied or bool(CHANGING_HAN.search(text))


def _denies(before: str, after: str) -> bool:
    """Whether the clause around a formula makes another of it: "is not", "less than", "is wrong"."""
    return _changes(f"{_SAYS.split(before)[-1]} {after}") or bool(CHANGING_HAN.search(before[-3:]))


def _read_segments(core: str, segments: list[re.Match[str]], in_sentences: bool) -> Reading:
    """Formulas between dollar signs: one with words around it, a list, or the last in a sentence."""
    number = read_number(_SEGMENT.sub(lambda found: next(filter(None, found.groups()), ""), core))
    if number is not None:
        return _number(number)
    insides = [next(filter(None, segment.groups()), "").strip() for segment in segments]
    gaps = [core[left.end() : right.start()] for left, right in pairwise(segments)]
    before, after = core[: segments[0].start()].strip(), core[segments[-1].end() :].strip()
    listed = len(segments) > 1 and not before and all(_CONNECTOR.fullmatch(gap) for gap in gaps)
    if listed and (in_sentences or not after):
        return _read_list(insides)
    if in_sentences and _denies(gaps[-1] if gaps else before, after):
        return Reading("nothing")
    if len(segments) == 1 and not before and (in_sentences or not after or canonical_unit(after)):
        return _inside(insides[0])
    if len(segments) == 1 and insides[0].startswith("=") and not after:
        return _inside(insides[0][1:])
    if in_sentences and (len(segments) == 1 or _SAYS.search(gaps[-1])):
        return _inside(insides[-1])
    return Reading("nothing")


def _read_list(insides: list[str]) -> Reading:
    """Formulas side by side; a long one may end a pair of dollar signs and go on in the next."""
    cut = any(inside.endswith(("+", "-", "=", "*", "/", "(")) for inside in insides[:-1])
    return _read_formula((" " if cut else ", ").join(insides))


def _inside(formula: str) -> Reading:
    number = read_number(_trim(formula))
    return _number(number) if number is not None else _read_formula(_trim(formula))


def _read_formula(formula: str) -> Reading:
    """A formula without dollar signs, in LaTeX or as on a keyboard; "2 or 3" is the set of both."""
    if "," in formula or not re.search(r"[\[({\\]", formula):
        formula = _LISTED.sub(", ", formula)
    return Reading("expression", to_latex(expand_plus_minus(formula)))


def _number(number: PlainNumber) -> Reading:
    return Reading("number", f"${number.latex()}$", number)
