"""`data=jsonl`: problems from JSON lines, JSON or Parquet, local or from the hub, columns by any name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from r1light.core.types import Problem
from r1light.data.columns import Columns, Fixed, answer_of, problem_of
from r1light.data.rows import Row
from r1light.data.splits import Split
from r1light.data.table import Choice, Incomplete, Place, TableSource


class Jsonl:
    """The rows of a table as problems.

    Example:
        >>> config = Jsonl.Config(path="train.jsonl", columns=Columns(prompt="question"))
        >>> config.grader, config.test_share
        ('math', 0.05)
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """Where the rows stand, which column holds what, and which rows are taken."""

        path: str
        """A .jsonl, .ndjson, .json, .csv or .parquet file, a folder of such, or `owner/name` on the hub."""
        test_path: str | None = None
        """The same with the held-out rows; null holds out a share of `path`."""
        subset: str | None = None
        """The configuration of a data set on the hub, such as `main`; null where it has one only."""
        train_split: str = "train"
        """The split on the hub to train on."""
        test_split: str | None = None
        """The split on the hub to hold out; null holds out a share of `train_split`."""
        revision: str | None = None
        """Branch, tag or commit on the hub; null takes the newest."""
        test_share: float = 0.05
        """The share of `path` that is held out, by a hash of the prompt, where nothing else says what is."""
        columns: Columns = field(default_factory=Columns)
        """Which column holds what."""
        grader: str = "math"
        """The grader of every row, where `columns.grader` names no column."""
        language: str | None = None
        """The language asked of the thinking (ISO 639-1) where no column says it; null for none."""
        shuffle_seed: int | None = None
        """Shuffles the problems of each split by this seed; null keeps the order of the rows."""
        limit: int | None = None
        """The most problems to train on, after shuffling; null for all."""
        test_limit: int | None = None
        """The most problems to hold out, after shuffling; null for all."""
        incomplete: Incomplete = "refuse"
        """Whether rows without a prompt or an answer are an error, or are left out."""

        def __post_init__(self) -> None:
            self.place()
            self.choice("train")
            self.choice("test")

        def place(self) -> Place:
            """Where the rows stand."""
            return Place(
                self.path,
                self.test_path,
                self.subset,
                self.train_split,
                self.test_split,
                self.revision,
                self.test_share,
            )

        def choice(self, split: Split) -> Choice:
            """Which rows of a split are taken."""
            limit = self.limit if split == "train" else self.test_limit
            return Choice(self.shuffle_seed, limit, self.incomplete)

    def __init__(self, config: Config, split: Split = "train") -> None:
        self.config = config
        self._table = TableSource(config.place(), config.choice(split), split, self._problem)

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._table)

    def _problem(self, row: Row, name: str) -> Problem:
        config = self.config
        fixed = Fixed(config.grader, config.language)
        return problem_of(row, name, config.columns, fixed, answer_of(config.columns)(row))
