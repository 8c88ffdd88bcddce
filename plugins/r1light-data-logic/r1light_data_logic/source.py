"""The data source `logic`: puzzles with one solution each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from r1light.api import DataError, Problem, Split, seeded, split_of
from r1light_data_logic.answer import written
from r1light_data_logic.puzzle import Puzzle, random_puzzle

MOST_MISSES = 20_000
"""Puzzles drawn in vain, one after another, before it is said that there are no more."""


class Logic:
    """Knights and knaves; "train" and "test" share no puzzle."""

    @dataclass(frozen=True, slots=True)
    class Config:
        """How large the puzzles are, and how many there are."""

        people: list[int] = field(default_factory=lambda: [2, 3])
        """How many inhabitants a puzzle may have; drawn evenly."""
        train_size: int = 4096
        """Problems in the training split."""
        test_size: int = 256
        """Problems in the held-out split."""
        seed: int = 0
        """Chooses the problems; the split of a puzzle does not depend on it."""

        def __post_init__(self) -> None:
            if not self.people or not all(2 <= count <= 8 for count in self.people):
                raise ValueError(f"people={self.people} must hold whole numbers from 2 to 8")
            if self.train_size < 0 or self.test_size < 0:
                raise ValueError(f"train_size={self.train_size}, test_size={self.test_size}: not negative")

    def __init__(self, config: Config, split: Split = "train") -> None:
        self.config = config
        self.split = split

    def __len__(self) -> int:
        return self.config.train_size if self.split == "train" else self.config.test_size

    def __iter__(self) -> Iterator[Problem]:
        rng, seen, misses = seeded("logic", self.config.seed, self.split), set[str](), 0
        people = rng.choice(self.config.people)
        while len(seen) < len(self):
            puzzle = random_puzzle(rng, people)
            question = puzzle.question()
            if split_of(question) == self.split and question not in seen:
                seen.add(question)
                misses, people = 0, rng.choice(self.config.people)
                yield self._problem(puzzle, len(seen))
            elif (misses := misses + 1) == MOST_MISSES:
                raise DataError(
                    f"data=logic found only {len(seen)} puzzles of {len(self)} in its {self.split} split: "
                    f"lower data.{self.split}_size, or name larger numbers in data.people"
                )

    def _problem(self, puzzle: Puzzle, number: int) -> Problem:
        (knights,) = puzzle.solutions()
        return Problem(
            id=f"logic/{self.split}/{self.config.seed}/{number}",
            prompt=puzzle.question(),
            grader="logic",
            answer=written(puzzle.names, knights),
            language="en",
            meta={**puzzle.to_meta(), "source": "logic"},
        )
