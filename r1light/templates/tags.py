"""The `<think>` and `<answer>` blocks of a completion, found in one pass over the text."""

from __future__ import annotations

import re
import unicodedata

from r1light.core.types import Parsed

_TAG = re.compile(r"</?(?:think|answer)>")
_ORDER = ["<think>", "</think>", "<answer>", "</answer>"]


def has_tags(text: str) -> bool:
    """Whether any of the four tags stands in the text."""
    return _TAG.search(text) is not None


def parse_tags(text: str) -> Parsed:
    """Take a completion apart, its prefill in front. Linear in the length of the text; never raises.

    Well formed is exactly one `<think>` block followed by exactly one `<answer>` block, both with something
    in them, and only white space before, between and after. A text that is not may still have parts: its
    answer is the last closed `<answer>` block, and its thought what stands between the first `<think>` (or
    the start, where a `</think>` comes first) and the last `</think>` (or, where none follows, the first
    `<answer>` or the end).

    Example:
        >>> parse_tags("<think> 2+3 </think> <answer> 5 </answer>")
        Parsed(thinking='2+3', answer='5', well_formed=True)
        >>> parse_tags("so it is <answer>5</answer>")
        Parsed(thinking=None, answer='5', well_formed=False)
    """
    tags = list(_TAG.finditer(text))
    thinking, answer = _thinking(text, tags), _answer(text, tags)
    in_order = [tag.group() for tag in tags] == _ORDER
    both = says_something(thinking) and says_something(answer)
    return Parsed(thinking, answer, in_order and both and _bare(text, tags))


def says_something(part: str | None) -> bool:
    """Whether there is a character that can be seen: zero-width ones fill no block."""
    return any(unicodedata.category(character)[0] not in "CZ" for character in part or "")


def _bare(text: str, tags: list[re.Match[str]]) -> bool:
    """Whether nothing but white space stands outside the two blocks."""
    outside = (text[: tags[0].start()], text[tags[1].end() : tags[2].start()], text[tags[3].end() :])
    return not any(part.strip() for part in outside)


def _answer(text: str, tags: list[re.Match[str]]) -> str | None:
    """The inside of the last closed answer block."""
    answer, start = None, None
    for tag in tags:
        if tag.group() == "<answer>":
            start = tag.end()
        elif tag.group() == "</answer>" and start is not None:
            answer, start = (start, tag.start()), None
    return None if answer is None else text[answer[0] : answer[1]].strip()


def _thinking(text: str, tags: list[re.Match[str]]) -> str | None:
    """The thought, closed or cut short."""
    first = next((tag for tag in tags if "think" in tag.group()), None)
    if first is None:
        return None
    start = first.end() if first.group() == "<think>" else 0
    closing = [tag.start() for tag in tags if tag.group() == "</think>"]
    if closing:
        return text[start : closing[-1]].strip()
    answers = (tag.start() for tag in tags if tag.group() == "<answer>" and tag.start() >= start)
    return text[start : next(answers, len(text))].strip()
