"""Knights and knaves (Xie et al. 2024, arXiv:2410.23123): who tells the truth and who lies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from r1light.algorithms.estimators import Estimate, pass_at_1
from r1light.core.errors import DataError
from r1light.core.types import Benchmark, Problem
from r1light.data.columns import cell, text_cell
from r1light.data.rows import HubSplit, Row, read_rows
from r1light.evaluation.task import Answered, Hub, from_hub

_NAME = "knights_and_knaves"
_HUB = "K-and-K/knights-and-knaves"
_WORDS = (
    "\n\nReason step by step first. End your response with a line that says 'Answer:' without the quotes, "
    "and below it one line for each inhabitant, such as '(1) Zoey is a knight' or '(2) Oliver is a knave'."
)
_FOLDERS = (_NAME, "logic_kk", ".")


@dataclass(frozen=True, slots=True)
class Puzzles:
    """The puzzles of some numbers of inhabitants."""

    @dataclass(frozen=True, slots=True)
    class Config:
        """Which puzzles are asked, and where they stand."""

        path: str | None = None
        """A file of puzzles, or a folder with 2ppl_test.jsonl, 3ppl_test.jsonl, ...; null looks into
        `stage.data_dir`, and without that takes them from the hub."""
        sizes: list[int] = field(default_factory=lambda: [2, 3, 4, 5, 6, 7, 8])
        """How many inhabitants a puzzle may have; in a folder, those sizes that are there."""

        def __post_init__(self) -> None:
            if not self.sizes or not all(2 <= size <= 8 for size in self.sizes):
                raise ValueError(f"sizes={self.sizes} must hold whole numbers from 2 to 8")

    config: Config
    data_dir: Path | None = None
    about: ClassVar[Benchmark] = Benchmark(
        "Knights and knaves",
        k=4,
        obtain=f"it is {_HUB} on the hub, subset test, and github.com/Unakar/Logic-RL has it as "
        "data/kk/instruct/3ppl/test.parquet and so on: name the rows of that 3ppl_test.jsonl",
    )

    def __iter__(self) -> Iterator[Problem]:
        for number, row in enumerate(self._rows(), start=1):
            problem = _problem(row, f"{_NAME}/{number}")
            if problem.meta["size"] in self.config.sizes:
                yield problem

    def figures(self, answered: Sequence[Answered], seed: int) -> Mapping[str, Estimate]:
        """`pass@1_3` and so on: pass@1 of the puzzles with that many inhabitants."""
        del seed
        by_size: dict[int, list[list[float]]] = {}
        for each in answered:
            scores = [outcome.score for outcome in each.outcomes if outcome.score is not None]
            if scores:
                by_size.setdefault(each.problem.meta["size"], []).append(scores)
        return {f"pass@1_{size}": pass_at_1(scores_PK) for size, scores_PK in sorted(by_size.items())}

    def _rows(self) -> Iterator[Row]:
        """The rows, sizes one after another.

        Raises:
            DataError: There are none; says where they can be had.
        """
        path = self.config.path
        if path is None and self.data_dir is None:
            splits = "+".join(f"{size}ppl" for size in sorted(set(self.config.sizes)))
            yield from from_hub(_NAME, self.about, Hub(_HUB, HubSplit("test", splits)))
            return
        found = [Path(path).expanduser()] if path is not None and not Path(path).expanduser().is_dir() else []
        folders = [self.data_dir / each for each in _FOLDERS] if self.data_dir else []
        for folder in [Path(path).expanduser()] if path is not None else folders:
            found = found or [
                file
                for size in sorted(set(self.config.sizes))
                if (file := folder / f"{size}ppl_test.jsonl").is_file()
            ]
        if not found or not found[0].is_file():
            where = (
                f"stage.task.{_NAME}.path={path}" if path is not None else f"stage.data_dir={self.data_dir}"
            )
            raise DataError(f"task {_NAME}: {where} has no file such as 3ppl_test.jsonl; {self.about.obtain}")
        for file in found:
            yield from read_rows(str(file), HubSplit(None, "test"))


def _problem(row: Row, name: str) -> Problem:
    """A puzzle.

    Raises:
        DataError: The names and the solution do not go together.
    """
    names, truths = cell(row, "names", "meta"), cell(row, "solution", "answer")
    if (
        not isinstance(names, list)
        or not isinstance(truths, list)
        or len(names) != len(truths)
        or not all(isinstance(each, str) and each for each in names)
        or not all(isinstance(each, bool) for each in truths)
    ):
        raise DataError(f"{row.where}: names must be texts, and solution true (a knight) or false for each")
    quiz = text_cell(row, "quiz", "prompt").strip()
    pairs = zip(names, truths, strict=True)
    lines = [
        f"({n}) {one} is a {'knight' if true else 'knave'}" for n, (one, true) in enumerate(pairs, start=1)
    ]
    meta = {"names": names, "size": len(names), "question": quiz, "source": _NAME}
    return Problem(name, quiz + _WORDS, _NAME, "\n".join(lines), language="en", meta=meta)
