"""What makes a thought unfit to learn from: mixed languages, long paragraphs, code blocks, repetition.

The paper leaves out "chain-of-thought with mixed languages, long paragraphs, and code blocks" (DeepSeek-R1,
arXiv:2501.12948v1, 2.3.3), and repetition in the cold start (v2, B.3.2). The thresholds are ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from r1light.curation.languages import script_share, spoken
from r1light.curation.overlap import words

_FENCE = re.compile(r"```|^[ \t>]*~~~", re.MULTILINE)
_BREAK = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a text is unfit.

    Attributes:
        reason: One word for counting.
        detail: What was measured.
    """

    reason: str
    detail: str


class Readability:
    r"""Looks for the first fault of a text, from what is measured on it.

    Example:
        >>> readable = Readability(Readability.Config(), lambda text, language: 1.0, lambda text, n: 0.0)
        >>> readable.fault("2+3 is 5.", "en") is None
        True
        >>> readable.fault("```python\nprint(5)\n```", "en").reason
        'code_block'
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """Thresholds; the paper tells none. Each can be switched off."""

        min_consistency: float | None = 0.9
        """The least share of words in the problem's language, in [0, 1]; null bears any mixture."""
        languages: list[str] = field(default_factory=lambda: ["en", "zh"])
        """Where a problem names no language, the text is to be in one of these, whichever fits best (ISO
        639-1; the paper's data are in English and Chinese); empty bears any mixture there."""
        least_words: int = 10
        """Different words from which on the language is told by the words; below, by their scripts alone: so
        short a text cannot tell English from Dutch."""
        max_paragraph: int | None = 2000
        """The longest paragraph, in characters between two line breaks; null for any length."""
        code_blocks: bool = False
        """Whether a thought may have fenced code blocks."""
        ngram: int = 8
        """Words, signs and characters of a stretch that counts as repeated."""
        max_repeated: float | None = 0.3
        """The largest share of such stretches that stood in the text before, in [0, 1]; null for any."""

        def __post_init__(self) -> None:
            for name in ("min_consistency", "max_repeated"):
                share = getattr(self, name)
                if share is not None and not 0 <= share <= 1:
                    raise ValueError(f"{name}={share} must be a share in [0, 1], or null")
            if self.least_words < 0:
                raise ValueError(f"least_words={self.least_words} must not be negative")
            if self.max_paragraph is not None and self.max_paragraph < 1:
                raise ValueError(f"max_paragraph={self.max_paragraph} must be at least 1, or null")
            if self.ngram < 1:
                raise ValueError(f"ngram={self.ngram} must be at least 1")

    def __init__(
        self,
        config: Config,
        consistency: Callable[[str, str], float | None],
        repeated_share: Callable[[str, int], float],
    ) -> None:
        """Take the measures.

        Args:
            config: The thresholds.
            consistency: (text, language) to the share in [0, 1] of its words in it; None where none tells.
            repeated_share: (text, n) to the share in [0, 1] of its n-grams that stood in it before.
        """
        self.config = config
        self._consistency = consistency
        self._repeated_share = repeated_share

    def fault(self, text: str, language: str | None) -> Fault | None:
        """The first fault, or None: code block, long paragraph, mixed language, repetition, in this order.

        Args:
            text: What is to be read, such as a thought.
            language: The language asked for, or None.
        """
        config = self.config
        if not config.code_blocks and has_code_block(text):
            return Fault("code_block", "a fenced block stands in it")
        longest = longest_paragraph(text)
        if config.max_paragraph is not None and longest > config.max_paragraph:
            return Fault("long_paragraph", f"a paragraph of {longest} characters")
        return self._mixed(text, language) or self._repeats(text)

    def _mixed(self, text: str, language: str | None) -> Fault | None:
        least = self.config.min_consistency
        asked = [language] if language is not None else self.config.languages
        if least is None:
            return None
        own = words(text.casefold())
        told = len(set(spoken(own))) >= self.config.least_words
        shares = [self._consistency(text, each) if told else script_share(own, each) for each in asked]
        found = [(share, each) for share, each in zip(shares, asked, strict=True) if share is not None]
        if not found:
            return None
        share, nearest = max(found, key=lambda pair: pair[0])
        return Fault("mixed_language", f"{share:.0%} of its words are {nearest}") if share < least else None

    def _repeats(self, text: str) -> Fault | None:
        most = self.config.max_repeated
        if most is None:
            return None
        share = self._repeated_share(text, self.config.ngram)
        detail = f"{share:.0%} of its {self.config.ngram}-grams stood in it before"
        return Fault("repetition", detail) if share > most else None


def has_code_block(text: str) -> bool:
    r"""Whether a fence opens anywhere: three backticks, or three tildes at the start of a line.

    A fence that is never closed counts; code in single backticks does not.

    Example:
        >>> has_code_block("so `x` is 5"), has_code_block("so\n~~~\nx = 5")
        (False, True)
    """
    return _FENCE.search(text) is not None


def longest_paragraph(text: str) -> int:
    r"""The characters of the longest stretch without a line break, white space at its ends aside.

    Models write no hard line breaks within a paragraph, so a line is one.

    Example:
        >>> longest_paragraph("ab\n\n abcd \ne")
        4
    """
    return max(len(line.strip()) for line in _BREAK.split(text))
