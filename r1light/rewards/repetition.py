"""A penalty for text that says the same thing again and again, in any writing."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from r1light.core.types import Sample, Score
from r1light.rewards.words import letters_and_signs


class Repetition:
    """The share of repeated n-grams times `max_penalty`, from 0 down (arXiv:2502.03373, C.2).

    It sees the completion's text. A unit is a word or a number; a sign; and one character of a script that
    is written without spaces (Han, Kana, Thai, ...). An n-gram is repeated where it stood before in the text.
    Deviation from the paper: units of text for tokens, so that the penalty does not depend on a tokenizer;
    and one penalty a completion, as rewards are, for one a token.

    Example:
        >>> repeated_share("no no no no no", 3)  # three trigrams, one of them different
        0.6666666666666667
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """How long a repeated stretch is, and what it costs."""

        ngram: int = 8
        """Units of a stretch; below about 5, ordinary working (`so x is`) counts as repetition too."""
        max_penalty: float = -1.0
        """What a text of nothing but repetition approaches; not above 0."""

        def __post_init__(self) -> None:
            if self.ngram < 1:
                raise ValueError(f"ngram={self.ngram} must be at least 1")
            if not -float("inf") < self.max_penalty <= 0:
                raise ValueError(f"max_penalty={self.max_penalty} must be a finite number not above 0")

    def __init__(self, config: Config) -> None:
        self.config = config

    def __call__(self, samples: Sequence[Sample]) -> list[Score]:
        """Score each sample by its completion's text."""
        config = self.config
        shares = [repeated_share(sample.completion.text, config.ngram) for sample in samples]
        return [Score.ok(share * config.max_penalty if share else 0.0) for share in shares]


def repeated_share(text: str, ngram: int) -> float:
    """The n-grams that stood in the text before, over all its n-grams; 0 for a text shorter than one."""
    units = letters_and_signs(unicodedata.normalize("NFKC", text).casefold())
    total = len(units) - ngram + 1
    if total < 1:
        return 0.0
    return 1.0 - len({tuple(units[start : start + ngram]) for start in range(total)}) / total
