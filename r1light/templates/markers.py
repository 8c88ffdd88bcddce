"""A thought between two markers with a summary behind them, found in one pass over the text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from r1light.core.types import Parsed
from r1light.templates.tags import says_something


@dataclass(frozen=True, slots=True)
class Markers:
    """What opens a thought and what closes it; the two may be one and the same.

    White space around a marker is written by `write` and not needed by `parse`.

    Attributes:
        opening: What stands before a thought.
        closing: What stands between the thought and the summary.
        empty_thoughts: Whether a thought may say nothing.

    Example:
        >>> Markers("|m|", "|m|").parse("|m| 2+3 |m| 5")
        Parsed(thinking='2+3', answer='5', well_formed=True)
    """

    opening: str
    closing: str
    empty_thoughts: bool = False

    def __post_init__(self) -> None:
        if not self.opening.strip() or not self.closing.strip():
            raise ValueError(f"opening={self.opening!r} and closing={self.closing!r} must not be empty")

    def write(self, thinking: str, summary: str) -> str:
        """Opening, thought, closing, summary; an empty thought keeps both markers."""
        return f"{self.opening}{thinking.strip()}{self.closing}{summary.strip()}"

    def stand_in(self, text: str) -> bool:
        """Whether either marker stands in the text."""
        return self.opening.strip() in text or self.closing.strip() in text

    def parse(self, text: str) -> Parsed:
        """Take a text apart. Linear in its length; never raises.

        Well formed is exactly one opening marker with only white space before it, then a thought, exactly one
        closing marker, and a summary, both with something in them. A text that is not may still have parts:
        its summary is what follows the last closing marker, and its thought what stands between the first
        opening marker (or the start, where a closing one comes first) and the last closing one (or the end).
        """
        opening, closing = self.opening.strip(), self.closing.strip()
        longest_first = sorted({opening, closing}, key=len, reverse=True)
        found = list(re.finditer("|".join(map(re.escape, longest_first)), text))
        if not found:
            return Parsed(None, None, False)
        behind_first = found[1:] if opening == closing else found
        closings = [one for one in behind_first if one.group() == closing]
        start = found[0].end() if found[0].group() == opening else 0
        if not closings:
            return Parsed(text[start:].strip(), None, False)
        thinking = text[start : max(start, closings[-1].start())].strip()
        summary = text[closings[-1].end() :].strip()
        in_order = [one.group() for one in found] == [opening, closing]
        said = says_something(summary) and (self.empty_thoughts or says_something(thinking))
        return Parsed(thinking, summary, in_order and said and not text[: found[0].start()].strip())
