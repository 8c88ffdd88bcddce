"""A reward for short completions that have an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from r1light.api import Sample, Score


class Brevity:
    """1 - tokens / `limit`, and 0 from the limit on.

    It is paid for well-formed completions with an answer alone: else saying nothing would pay best.
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """How long is too long."""

        limit: int = 200
        """Tokens from which on a completion scores 0."""

        def __post_init__(self) -> None:
            if self.limit < 1:
                raise ValueError(f"limit={self.limit} must be at least 1")

    def __init__(self, config: Config) -> None:
        self.config = config

    def __call__(self, samples: Sequence[Sample]) -> list[Score]:
        """Score each sample by the number of its tokens."""
        return [Score.ok(self._value(sample)) for sample in samples]

    def _value(self, sample: Sample) -> float:
        if not sample.parsed.well_formed or sample.parsed.answer is None:
            return 0.0
        return brevity(len(sample.completion.token_ids), self.config.limit)


def brevity(tokens: int, limit: int) -> float:
    """What a number of tokens is worth, in [0, 1].

    Example:
        >>> brevity(50, limit=200)
        0.75
    """
    return max(0.0, 1.0 - tokens / limit)
