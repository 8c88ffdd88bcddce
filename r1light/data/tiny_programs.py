"""`data=tiny_programs`: find the function behind three values, and write it as a program that tests judge.

The miniature world's programming: the function is `a*x+b` or `x*x+b`. A function is held out with all its
values, so that one that is tested was never seen.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from r1light.core.errors import DataError
from r1light.core.types import Problem, TestCase
from r1light.data.splits import Split, seeded, split_of

MOST_FACTOR, MOST_OFFSET, MOST_START = 9, 30, 4
SHOWN = 3
"""Values that a question shows."""
HIDDEN = (7, 10, 23)
"""Where the tests look besides: no table of the shown values passes them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A function of x: `factor * x + offset`, or `x * x + offset` where there is no factor.

    Example:
        >>> Rule(2, 3).expression, Rule(2, 3).value(10), Rule(None, 4).expression
        ('2*x+3', 23, 'x*x+4')
    """

    factor: int | None
    offset: int

    @property
    def expression(self) -> str:
        """It in Python."""
        return f"{'x' if self.factor is None else self.factor}*x+{self.offset}"

    @property
    def split(self) -> Split:
        """The same wherever its values begin."""
        return split_of(f"f(x)={self.expression}")

    def value(self, x: int) -> int:
        """What it comes to at x."""
        return (x if self.factor is None else self.factor) * x + self.offset


@dataclass(frozen=True, slots=True)
class Riddle:
    """A function, and the first x whose value is shown."""

    rule: Rule
    start: int

    @property
    def shown(self) -> list[int]:
        """Every x whose value is shown."""
        return list(range(self.start, self.start + SHOWN))

    @property
    def question(self) -> str:
        """Its words.

        Example:
            >>> Riddle(Rule(2, 3), 1).question
            'Write f(x) with f(1)=5, f(2)=7, f(3)=9'
        """
        return "Write f(x) with " + ", ".join(f"f({x})={self.rule.value(x)}" for x in self.shown)


def riddles(split: Split) -> list[Riddle]:
    """All of a split, in a fixed order; a ninth of the functions are squares."""
    factors = [*range(2, MOST_FACTOR + 1), None]
    rules = [Rule(factor, offset) for factor in factors for offset in range(MOST_OFFSET + 1)]
    starts = range(1, MOST_START + 1)
    return [Riddle(rule, start) for rule in rules if rule.split == split for start in starts]


def program(expression: str) -> str:
    """The program that gives an expression of x.

    Example:
        >>> program("2*x+3")
        'def f(x): return 2*x+3'
    """
    return f"def f(x): return {expression}"


class TinyPrograms:
    """Functions to find and to write; "train" and "test" share none.

    Example:
        >>> source = TinyPrograms(TinyPrograms.Config(train_size=2), split="train")
        >>> [problem.grader for problem in source]
        ['code', 'code']
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """How many there are."""

        train_size: int = 900
        """Problems in the training split."""
        test_size: int = 80
        """Problems in the held-out split."""
        seed: int = 0
        """Chooses the problems; the split of a function does not depend on it."""

        def __post_init__(self) -> None:
            if self.train_size < 0 or self.test_size < 0:
                raise ValueError(f"train_size={self.train_size}, test_size={self.test_size}: not negative")

    def __init__(self, config: Config, split: Split = "train") -> None:
        """Choose the problems.

        Raises:
            DataError: There are not that many.
        """
        self.split = split
        found, size = riddles(split), config.train_size if split == "train" else config.test_size
        if size > len(found):
            raise DataError(
                f"data=tiny_programs has {len(found)} problems in its {split} split, not {size}: lower "
                f"data.{split}_size"
            )
        self._riddles = _chosen(seeded("tiny_programs", config.seed, split), found, size)

    def __len__(self) -> int:
        return len(self._riddles)

    def __iter__(self) -> Iterator[Problem]:
        return map(self._problem, self._riddles)

    def _problem(self, riddle: Riddle) -> Problem:
        rule, places = riddle.rule, (*riddle.shown, *HIDDEN)
        return Problem(
            id=f"tiny_programs/{self.split}/{rule.expression}@{riddle.start}",
            prompt=riddle.question,
            grader="code",
            answer=program(rule.expression),
            tests=tuple(TestCase(assertion=f"assert f({x}) == {rule.value(x)}") for x in places),
            language="en",
            meta={"language": "python"},
        )


def _chosen(rng: random.Random, found: list[Riddle], size: int) -> list[Riddle]:
    rng.shuffle(found)
    return found[:size]
