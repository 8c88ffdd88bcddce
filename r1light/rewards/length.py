"""Rewards for a completion's length: DAPO's soft punishment near the cap, and accuracy on a cosine scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from r1light.core.errors import ConfigError
from r1light.core.protocols import Grader
from r1light.core.types import Completion, Sample, Score
from r1light.rewards.accuracy import Accuracy


def soft_overlong(tokens: int, cap: int, buffer: int, *, cut: bool) -> float:
    """DAPO's soft overlong punishment (arXiv:2503.14476, eq. 13), in [-1, 0].

    Args:
        tokens: The completion's length.
        cap: The longest it may be.
        buffer: Tokens before the cap over which the punishment grows from 0 to -1; 0 for none.
        cut: Whether it was cut at the cap, and so has no end of its own: -1.

    Example:
        >>> [soft_overlong(tokens, 100, 20, cut=False) for tokens in (80, 90, 100)]
        [0.0, -0.5, -1.0]
    """
    if not buffer:
        return 0.0
    return -1.0 if cut else max(-1.0, min(0.0, (cap - buffer - tokens) / buffer))


def cosine(tokens: int, cap: int, at_zero: float, at_cap: float) -> float:
    """From one value at length 0 to another at the cap, along half a cosine wave (arXiv:2502.03373, 3.1).

    Example:
        >>> [round(cosine(tokens, 100, 1.0, 0.5), 3) for tokens in (0, 50, 100)]
        [1.0, 0.75, 0.5]
    """
    share = min(1.0, tokens / cap)
    return at_cap + (at_zero - at_cap) * (1.0 + math.cos(math.pi * share)) / 2.0


class Overlong:
    """The soft overlong punishment as a reward: 0 up to `buffer` tokens before the cap, then down to -1.

    `stage.algorithm=dapo` has it built in (`stage.overlong_buffer`); the two together are refused.
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """Where it begins and ends."""

        max_tokens: int | None = None
        """The cap, in tokens; null for the stage's `max_tokens`."""
        buffer: int | None = None
        """Tokens before the cap over which the punishment grows; null for a fifth of the cap."""

        def __post_init__(self) -> None:
            for name, value in (("max_tokens", self.max_tokens), ("buffer", self.buffer)):
                if value is not None and value < 1:
                    raise ValueError(f"{name}={value} must be at least 1, or null")

    def __init__(self, config: Config, max_tokens: int | None = None) -> None:
        """Take the stage's cap for a config that names none.

        Raises:
            ConfigError: If there is no cap, or the buffer is not below it.
        """
        self.cap = _cap(config.max_tokens, max_tokens, "overlong")
        self.buffer = max(1, self.cap // 5) if config.buffer is None else config.buffer
        if self.buffer >= self.cap:
            raise ConfigError(f"reward overlong: buffer={self.buffer} must be below max_tokens={self.cap}")

    def __call__(self, samples: Sequence[Sample]) -> list[Score]:
        """Score each sample by its completion's length alone."""
        return [Score.ok(self._of(sample.completion)) for sample in samples]

    def _of(self, completion: Completion) -> float:
        tokens, cut = len(completion.token_ids), completion.finish_reason == "length"
        return soft_overlong(tokens, self.cap, self.buffer, cut=cut)


class LengthCosine:
    """Accuracy scaled by length: right and short earns most, wrong and short loses most (arXiv:2502.03373).

    It stands in the place of `accuracy`. A wrong answer loses less the longer the thought was, so that it
    pays to think on; a completion that was cut gets `cut`. A partly right answer (a score between 0 and 1)
    lies that far between the values for wrong and for right. The paper's own values are 2, 1, -10, 0 and -10;
    the defaults here keep the reward within [-1, 1], on the scale of the other rewards.
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """The reward at the ends of the length scale."""

        right_short: float = 1.0
        """Right, at length 0."""
        right_long: float = 0.5
        """Right, at the cap."""
        wrong_short: float = -1.0
        """Wrong, at length 0."""
        wrong_long: float = -0.5
        """Wrong, at the cap."""
        cut: float = -1.0
        """Cut at the cap."""
        max_tokens: int | None = None
        """The cap, in tokens; null for the stage's `max_tokens`."""

        def __post_init__(self) -> None:
            for name in ("right_short", "right_long", "wrong_short", "wrong_long", "cut"):
                if not math.isfinite(getattr(self, name)):
                    raise ValueError(f"{name}={getattr(self, name)} must be a finite number")
            if self.max_tokens is not None and self.max_tokens < 1:
                raise ValueError(f"max_tokens={self.max_tokens} must be at least 1, or null")

    def __init__(self, config: Config, graders: Mapping[str, Grader], max_tokens: int | None = None) -> None:
        """Take the graders by the names that problems use.

        Raises:
            ConfigError: If neither the config nor the stage has a cap.
        """
        self.config = config
        self.cap = _cap(config.max_tokens, max_tokens, "length_cosine")
        self.accuracy = Accuracy(graders)

    def __call__(self, samples: Sequence[Sample]) -> list[Score]:
        """Score the samples; a grader's abstention and error stay what they are."""
        graded = self.accuracy(samples)
        return [self._scaled(score, sample) for score, sample in zip(graded, samples, strict=True)]

    def _scaled(self, accuracy: Score, sample: Sample) -> Score:
        if accuracy.value is None:
            return accuracy
        config, completion = self.config, sample.completion
        if completion.finish_reason == "length":
            return Score.ok(config.cut, "cut at the cap")
        tokens = len(completion.token_ids)
        right = cosine(tokens, self.cap, config.right_short, config.right_long)
        wrong = cosine(tokens, self.cap, config.wrong_short, config.wrong_long)
        return Score.ok(wrong + accuracy.value * (right - wrong), accuracy.detail)


def _cap(own: int | None, of_stage: int | None, name: str) -> int:
    cap = of_stage if own is None else own
    if cap is None:
        raise ConfigError(
            f"reward {name} needs a cap, and this stage has no max_tokens; set "
            f"reward.components.{name}.max_tokens=..."
        )
    return cap
