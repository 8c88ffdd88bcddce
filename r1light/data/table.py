"""Problems from tables: where the rows of each split stand, which are held out, their order and number."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from r1light.core.errors import DataError
from r1light.core.types import Problem
from r1light.data.columns import IncompleteRowError, canonical_prompt
from r1light.data.rows import HubSplit, Row, is_local, read_rows
from r1light.data.splits import Split, place_of, seeded

_log = logging.getLogger(__name__)

Incomplete = Literal["refuse", "skip"]
"""Whether a row without a prompt or an answer is an error, or is left out with a line in the log."""

ToProblem = Callable[[Row, str], Problem]
"""A row and the id it has by its place, to a problem."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows of both splits stand.

    Attributes:
        path: A file, a folder or a data set on the hub, with the training rows.
        test_path: The same with the held-out rows, or None where they stand in `path`.
        subset: The configuration of a data set on the hub, or None.
        train_split: The split on the hub with the training rows.
        test_split: The split on the hub with the held-out rows, or None where a share is held out.
        revision: The revision on the hub, or None.
        test_share: The share in [0, 1) of `path` that is held out where there are no held-out rows as such.
        name: What ids begin with; None for the file's name without its suffix.
    """

    path: str
    test_path: str | None = None
    subset: str | None = None
    train_split: str = "train"
    test_split: str | None = None
    revision: str | None = None
    test_share: float = 0.0
    name: str | None = None

    def __post_init__(self) -> None:
        if not self.path:
            raise ValueError("path must name a file, a folder, or a data set on the hub")
        if self.test_path == self.path:
            raise ValueError(f"test_path={self.test_path} is the path of the training rows too")
        if not 0 <= self.test_share < 1:
            raise ValueError(f"test_share={self.test_share} must be in [0, 1)")

    @property
    def cut(self) -> float | None:
        """The share that is held out of `path`, or None where held-out rows stand elsewhere."""
        apart = self.test_path is not None or (self.test_split is not None and not is_local(self.path))
        return None if apart else self.test_share

    def rows(self, split: Split) -> tuple[str, Iterator[Row]]:
        """What the ids of a split begin with, and the rows, those of both splits if it is cut."""
        held_out = split == "test" and self.cut is None
        path = (self.test_path or self.path) if held_out else self.path
        name = (self.test_split or self.train_split) if held_out else self.train_split
        return self.name or Path(path).stem, iter(read_rows(path, HubSplit(self.subset, name, self.revision)))


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows of a split are taken, and in which order.

    Attributes:
        shuffle_seed: Decides the order; None keeps that of the rows.
        limit: The most problems to take, after shuffling; None for all.
        incomplete: What becomes of rows without a prompt or an answer.
    """

    shuffle_seed: int | None = None
    limit: int | None = None
    incomplete: Incomplete = "refuse"

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit={self.limit} must be at least 1, or null")


class TableSource:
    """The problems of one split of a table; rows are read once, when they are first asked for.

    What is held out by share is decided by a hash of the prompt, spelling apart: it never moves when rows are
    added or reordered, and equal prompts stay on one side.
    """

    def __init__(self, place: Place, choice: Choice, split: Split, to_problem: ToProblem) -> None:
        self.place = place
        self.choice = choice
        self.split = split
        self._to_problem = to_problem
        self._problems: list[Problem] | None = None

    def __len__(self) -> int:
        return len(self._read())

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._read())

    def _read(self) -> list[Problem]:
        """The problems, read if they were not yet.

        Raises:
            DataError: A row cannot be read or is no problem, two have one id, or nothing is held out.
        """
        if self._problems is None:
            if self.split == "test" and self.place.cut == 0:
                return []
            problems = list(self._of_split())
            if self.choice.shuffle_seed is not None:
                seeded("table", self.choice.shuffle_seed, self.split).shuffle(problems)
            self._problems = problems[: self.choice.limit]
        return self._problems

    def _of_split(self) -> Iterator[Problem]:
        cut = self.place.cut
        seen: dict[str, str] = {}
        for where, problem in self._of_place():
            if seen.setdefault(problem.id, where) != where:
                raise DataError(
                    f"{where} has the id {problem.id!r} of {seen[problem.id]} too; ids must be unique, or "
                    "leave data.columns.id=null to number the rows"
                )
            if cut is None or (place_of(canonical_prompt(problem.prompt)) < cut) == (self.split == "test"):
                yield problem

    def _of_place(self) -> Iterator[tuple[str, Problem]]:
        """The problems of all complete rows, each with its place."""
        stem, rows = self.place.rows(self.split)
        left_out: list[str] = []
        for number, row in enumerate(rows, start=1):
            try:
                yield row.where, self._to_problem(row, f"{stem}/{self.split}/{number}")
            except IncompleteRowError as error:
                if self.choice.incomplete == "refuse":
                    raise
                left_out.append(str(error).partition(";")[0])
        if left_out:
            _log.warning("%d incomplete rows are left out; the first: %s", len(left_out), left_out[0])


@dataclass(frozen=True, slots=True)
class BenchmarkConfig:
    """Where the rows of a known data set stand, and how many are taken."""

    path: str | None = None
    """A local file or folder with the data set's own columns; null takes it from the hub."""
    test_path: str | None = None
    """The same with the held-out rows; null takes the hub's test split, or a share of a local `path`."""
    test_share: float = 0.05
    """The share of a local `path` that is held out, by a hash of the prompt, where no `test_path` is."""
    limit: int | None = None
    """The most problems to train on; null for all."""
    test_limit: int | None = None
    """The most problems to hold out; null for all."""
    incomplete: Incomplete = "refuse"
    """Whether rows without a prompt or an answer are an error, or are left out."""

    def __post_init__(self) -> None:
        Place(self.path or "hub", self.test_path, test_share=self.test_share)
        Choice(limit=self.limit)
        Choice(limit=self.test_limit)

    def source(self, hub: Place, split: Split, to_problem: ToProblem) -> TableSource:
        """The problems of one split.

        Args:
            hub: Where the data set stands on the hub.
            split: Which split.
            to_problem: How a row becomes a problem.
        """
        path = self.path or hub.path
        place = replace(hub, path=path, test_path=self.test_path, test_share=self.test_share)
        limit = self.limit if split == "train" else self.test_limit
        return TableSource(place, Choice(limit=limit, incomplete=self.incomplete), split, to_problem)
