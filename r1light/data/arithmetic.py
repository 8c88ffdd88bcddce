"""Sums of two whole numbers: the miniature world's mathematics."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from r1light.core.types import Problem
from r1light.data.splits import Split, seeded, split_of

PROMPTS = {"en": "Compute {left}+{right}", "zh": "计算{left}+{right}"}


@dataclass(frozen=True, slots=True)
class Sum:
    """Two numbers to add."""

    left: int
    right: int

    @property
    def split(self) -> Split:
        """The same for both orders of the numbers."""
        return split_of(f"{min(self.left, self.right)}+{max(self.left, self.right)}")


def random_sum(rng: random.Random, min_digits: int, max_digits: int) -> Sum:
    """Two numbers, each with its number of digits drawn evenly, then its value."""
    return Sum(*(_random_number(rng, rng.randint(min_digits, max_digits)) for _ in range(2)))


def _random_number(rng: random.Random, digits: int) -> int:
    return rng.randrange(10 ** (digits - 1) if digits > 1 else 0, 10**digits)


class Arithmetic:
    """Sums of two numbers of a few digits; "train" and "test" share no sum, in either order.

    Example:
        >>> source = Arithmetic(Arithmetic.Config(train_size=2), split="train")
        >>> [problem.grader for problem in source]
        ['math', 'math']
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """What the sums look like, and how many there are."""

        min_digits: int = 2
        """The fewest digits of a number."""
        max_digits: int = 4
        """The most digits of a number."""
        language: Literal["en", "zh"] = "en"
        """The language of the question, and the one asked of the thinking."""
        train_size: int = 16384
        """Problems in the training split."""
        test_size: int = 512
        """Problems in the held-out split."""
        seed: int = 0
        """Chooses the problems; the split of a sum does not depend on it."""

        def __post_init__(self) -> None:
            if not 1 <= self.min_digits <= self.max_digits <= 18:
                raise ValueError(
                    f"min_digits={self.min_digits} and max_digits={self.max_digits} must obey "
                    "1 <= min_digits <= max_digits <= 18"
                )
            possible = (10**self.max_digits - 10 ** (self.min_digits - 1)) ** 2 // 40
            if not 0 <= self.train_size <= 8 * possible or not 0 <= self.test_size <= possible:
                raise ValueError(
                    f"train_size={self.train_size} and test_size={self.test_size}: there are not that many "
                    f"sums of {self.min_digits} to {self.max_digits} digits"
                )

    def __init__(self, config: Config, split: Split = "train") -> None:
        self.config = config
        self.split = split

    def __len__(self) -> int:
        return self.config.train_size if self.split == "train" else self.config.test_size

    def __iter__(self) -> Iterator[Problem]:
        config, seen = self.config, set[Sum]()
        rng = seeded("arithmetic", config.seed, self.split)
        while len(seen) < len(self):
            drawn = random_sum(rng, config.min_digits, config.max_digits)
            if drawn.split == self.split and drawn not in seen:
                seen.add(drawn)
                yield self._problem(drawn)

    def _problem(self, drawn: Sum) -> Problem:
        return Problem(
            id=f"arithmetic/{self.split}/{drawn.left}+{drawn.right}",
            prompt=PROMPTS[self.config.language].format(left=drawn.left, right=drawn.right),
            grader="math",
            answer=str(drawn.left + drawn.right),
            language=self.config.language,
        )
