"""Tasks that are made of rows, one problem each, and what they are built from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Protocol

from r1light.algorithms.estimators import Estimate
from r1light.core.errors import DataError
from r1light.core.types import Benchmark, Problem
from r1light.data.bad_references import is_bad
from r1light.data.columns import IncompleteRowError
from r1light.data.rows import MAX_ROW_BYTES, HubSplit, Row, read_rows
from r1light.evaluation.local_file import local_file
from r1light.evaluation.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Answered:
    """A problem and what became of its completions, in the order in which they were drawn."""

    problem: Problem
    outcomes: tuple[Outcome, ...]


class Figures(Protocol):
    """The method `figures` of a task that has figures of its own."""

    def __call__(self, answered: Sequence[Answered], seed: int) -> Mapping[str, Estimate]:
        """Figures by name, such as `rating`.

        Args:
            answered: All problems of the task that were asked, each with at least one completion.
            seed: Decides random draws, such as those of a bootstrap.
        """
        ...


@dataclass(frozen=True, slots=True)
class TaskConfig:
    """Where a task's rows stand."""

    path: str | None = None
    """A file or folder with the benchmark's own columns; null looks into `stage.data_dir`, and without
    that takes it from the hub."""

    def __post_init__(self) -> None:
        if self.path == "":
            raise ValueError("path must name a file or a folder, or be null")


@dataclass(frozen=True, slots=True)
class Hub:
    """Where a benchmark stands on the hub.

    Attributes:
        path: `owner/name` of the data set.
        part: Its configuration, split and revision.
    """

    path: str
    part: HubSplit


@dataclass(frozen=True, slots=True)
class Rows:
    """A task: its rows as problems.

    Attributes:
        about: What is known of it.
        read: Reads the rows, at every iteration.
    """

    about: Benchmark
    read: Callable[[], Iterator[Problem]]

    def __iter__(self) -> Iterator[Problem]:
        return self.read()


@dataclass(frozen=True, slots=True)
class RowTask:
    """A benchmark of which each row is one problem; called, it gives the task.

    Attributes:
        name: Its registered name, with which the ids of its problems begin.
        about: What is known of it.
        hub: Where it stands on the hub, or None where it does not.
        problem: A row, and the id that it has by its place, to a problem; None for a row that is not asked.
        files: Paths below `stage.data_dir` where it is looked for, besides those that all tasks have by
            their names; see `local_file`.
        max_row_bytes: The longest line of a JSON-lines file; tests of programs are long.
    """

    name: str
    about: Benchmark
    hub: Hub | None
    problem: Callable[[Row, str], Problem | None]
    files: tuple[str, ...] = ()
    max_row_bytes: int = MAX_ROW_BYTES

    Config: ClassVar[type[TaskConfig]] = TaskConfig

    def __call__(self, config: TaskConfig, data_dir: Path | None = None) -> Rows:
        """The task, of which nothing is read yet.

        Args:
            config: Where its rows stand.
            data_dir: A folder with the files of benchmarks, or None for the hub.
        """
        return Rows(self.about, lambda: self._problems(config, data_dir))

    def _problems(self, config: TaskConfig, data_dir: Path | None) -> Iterator[Problem]:
        """The problems.

        Raises:
            DataError: The rows are absent, or one is broken.
        """
        for number, row in enumerate(self.rows(config.path, data_dir), start=1):
            problem = self._problem(row, f"{self.name}/{number}")
            if problem is not None:
                yield replace(problem, meta={**problem.meta, "source": self.name})

    def _problem(self, row: Row, name: str) -> Problem | None:
        """The problem of a row; None for one that is not asked, or has a reference answer known to be bad."""
        try:
            problem = self.problem(row, name)
        except IncompleteRowError:
            if is_bad(name, ""):
                return None
            raise
        return None if problem is None or is_bad(name, problem.answer or "?") else problem

    def rows(self, path: str | None, data_dir: Path | None) -> Iterator[Row]:
        """The rows of a file, of the task's file in a folder, or of the hub.

        Raises:
            DataError: They are absent, or one is broken.
        """
        if path is not None and not Path(path).expanduser().exists():
            raise DataError(f"task {self.name}: there is no file {path}; {self.about.obtain}")
        if path is None and data_dir is not None:
            path = str(local_file(data_dir, self.name, self.files, self.about.obtain))
        if path is None:
            return from_hub(self.name, self.about, self.hub)
        part = HubSplit(None, "test") if self.hub is None else self.hub.part
        return read_rows(path, part, self.max_row_bytes)


def from_hub(name: str, about: Benchmark, hub: Hub | None) -> Iterator[Row]:
    """The rows of a benchmark on the hub.

    Args:
        name: The task's name.
        about: What is known of it.
        hub: Where it stands there, or None where it does not.

    Raises:
        DataError: They cannot be had; says from where they can.
    """
    how = f"name the folder of the file by stage.data_dir=, or the file by stage.task.{name}.path="
    if hub is None:
        raise DataError(f"task {name} has no data here: {about.obtain}; {how}")
    try:
        yield from read_rows(hub.path, hub.part)
    except DataError as error:
        if error.__cause__ is None:  # the rows are there, and one is broken
            raise
        why = (str(error.__cause__).strip() or type(error.__cause__).__name__).splitlines()[0]
        raise DataError(f"task {name} has no data here: {about.obtain}; {how} (the hub: {why})") from error
