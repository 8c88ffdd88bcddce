"""Countdown: reach a target from some numbers with + - * /, each number once (TinyZero's game)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from r1light.core.errors import DataError
from r1light.core.types import Problem
from r1light.data.splits import Split, seeded, split_of

Operator = Literal["+", "-", "*", "/"]
MOST_MISSES = 20_000
"""Games drawn in vain, one after another, before it is said that there are no more."""
OPERATORS: tuple[Operator, ...] = ("+", "-", "*", "/")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a way to a target: an expression of numbers of the game, and its whole, positive value."""

    expression: str
    value: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """A way that uses every number once; its last step is the whole.

    Example:
        >>> Attempt((Step("3+5", 8), Step("(3+5)*7", 56))).value
        56
    """

    steps: tuple[Step, ...]

    @property
    def value(self) -> int:
        """What it comes to."""
        return self.steps[-1].value

    @property
    def expression(self) -> str:
        """All of it as one expression."""
        return self.steps[-1].expression


@dataclass(frozen=True, slots=True)
class Game:
    """The numbers, in the order they are shown, the target, and what may join the numbers."""

    numbers: tuple[int, ...]
    target: int
    operators: tuple[Operator, ...] = OPERATORS

    @property
    def split(self) -> Split:
        """The same for every order of the numbers, and for all operators."""
        return split_of(f"{sorted(self.numbers)}={self.target}")


def combine(left: int, operator: Operator, right: int) -> int | None:
    """The value, or None where it is not a positive whole number."""
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right if left > right else None
    if operator == "*":
        return left * right
    return left // right if right and left % right == 0 else None


def random_attempt(
    rng: random.Random, numbers: Sequence[int], operators: Sequence[Operator] = OPERATORS
) -> Attempt:
    """Combine the numbers in a random order by random operators until one value is left.

    `operators` has "+", as others may lead to no positive whole value.
    """
    # a pool entry: value, its expression, and whether the expression needs brackets inside a product
    pool = [(number, str(number), False) for number in numbers]
    steps: list[Step] = []
    while len(pool) > 1:
        first, second = rng.sample(range(len(pool)), 2)
        operator = rng.choice(operators)
        left, right = pool[first], pool[second]
        value = combine(left[0], operator, right[0])
        if value is None:
            continue
        steps.append(Step(_expression(left, operator, right), value))
        pool = [entry for index, entry in enumerate(pool) if index not in (first, second)]
        pool.append((value, steps[-1].expression, operator in "+-"))
    return Attempt(tuple(steps))


def _expression(left: tuple[int, str, bool], operator: Operator, right: tuple[int, str, bool]) -> str:
    """Join two expressions with no more brackets than the value needs."""
    left_text = f"({left[1]})" if left[2] and operator in "*/" else left[1]
    right_is_sum = right[2] and operator != "+"
    right_is_product = operator == "/" and not right[1].isdigit()
    right_text = f"({right[1]})" if right_is_sum or right_is_product else right[1]
    return f"{left_text}{operator}{right_text}"


def random_solved_game(
    rng: random.Random,
    counts: Sequence[int],
    max_number: int,
    max_target: int,
    operators: tuple[Operator, ...] = OPERATORS,
) -> tuple[Game, Attempt]:
    """A solvable game and an attempt that solves it: its target is the value of that random attempt."""
    while True:
        numbers = tuple(rng.randint(1, max_number) for _ in range(rng.choice(tuple(counts))))
        attempt = random_attempt(rng, numbers, operators)
        if attempt.value <= max_target and attempt.value not in numbers:
            return Game(numbers, attempt.value, operators), attempt


def question(game: Game) -> str:
    """The words of a game.

    Example:
        >>> question(Game((3, 5, 12), 27))
        'Use 3, 5, 12 once each with + - * / to make 27'
    """
    return f"Use {listed(game.numbers)} once each with {' '.join(game.operators)} to make {game.target}"


def listed(numbers: Sequence[int]) -> str:
    """Numbers as a question shows them."""
    return ", ".join(map(str, numbers))


class Countdown:
    """Solvable countdown games; "train" and "test" share no game, in any order of its numbers."""

    @dataclass(frozen=True, slots=True)
    class Config:
        """How large the games are, and how many there are."""

        counts: list[int] = field(default_factory=lambda: [3, 4])
        """How many numbers a game may have; drawn evenly."""
        max_number: int = 99
        """Numbers are drawn evenly from 1 to this."""
        max_target: int = 100
        """Games whose target is above this are not asked."""
        operators: list[Operator] = field(default_factory=lambda: list(OPERATORS))
        """What may join the numbers; + is among them."""
        train_size: int = 16384
        """Problems in the training split."""
        test_size: int = 512
        """Problems in the held-out split."""
        seed: int = 0
        """Chooses the problems; the split of a game does not depend on it."""

        def __post_init__(self) -> None:
            if not self.counts or not all(2 <= count <= 6 for count in self.counts):
                raise ValueError(f"counts={self.counts} must hold whole numbers from 2 to 6")
            if self.max_number < 5 or self.max_target < 10:
                raise ValueError(
                    f"max_number={self.max_number} must be at least 5, "
                    f"max_target={self.max_target} at least 10"
                )
            if "+" not in self.operators or len(set(self.operators)) < len(self.operators):
                raise ValueError(f"operators={self.operators} must hold + and each operator once")
            if self.train_size < 0 or self.test_size < 0:
                raise ValueError(f"train_size={self.train_size}, test_size={self.test_size}: not negative")

    def __init__(self, config: Config, split: Split = "train") -> None:
        self.config = config
        self.split = split

    def __len__(self) -> int:
        return self.config.train_size if self.split == "train" else self.config.test_size

    def __iter__(self) -> Iterator[Problem]:
        config, seen = self.config, set[tuple[tuple[int, ...], int]]()
        rng = seeded("countdown", config.seed, self.split)
        misses, count = 0, rng.choice(config.counts)
        while len(seen) < len(self):
            game, attempt = random_solved_game(
                rng, [count], config.max_number, config.max_target, tuple(config.operators)
            )
            key = (tuple(sorted(game.numbers)), game.target)
            if game.split == self.split and key not in seen:
                seen.add(key)
                misses, count = 0, rng.choice(config.counts)
                yield self._problem(game, attempt)
            elif (misses := misses + 1) == MOST_MISSES:
                raise DataError(
                    f"data=countdown found only {len(seen)} games of {len(self)} in its {self.split} split: "
                    f"lower data.{self.split}_size, or raise data.max_number or data.max_target"
                )

    def _problem(self, game: Game, attempt: Attempt) -> Problem:
        return Problem(
            id=f"countdown/{self.split}/{','.join(map(str, game.numbers))}={game.target}",
            prompt=question(game),
            grader="countdown",
            language="en",
            meta={
                "numbers": list(game.numbers),
                "target": game.target,
                "operators": list(game.operators),
                "solution": attempt.expression,
            },
        )
