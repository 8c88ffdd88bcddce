r"""`data=math`: competition mathematics (Hendrycks et al. 2021, arXiv:2103.03874).

A row is {"problem": "...", "solution": "... $\boxed{\frac{1}{2}}$.", "answer": "\frac{1}{2}", ...}. Where
there is no `answer`, it is the last balanced box of the solution. The default data set has 12,000 rows for
training and holds out MATH-500 (Lightman et al. 2023, arXiv:2305.20050).
"""

from __future__ import annotations

from collections.abc import Iterator

from r1light.core.errors import DataError
from r1light.core.types import Problem
from r1light.data.columns import Columns, Fixed, has_cell, problem_of, text_cell
from r1light.data.gold import last_boxed
from r1light.data.rows import Row
from r1light.data.splits import Split
from r1light.data.table import BenchmarkConfig, Place

HUB = Place("nlile/hendrycks-MATH-benchmark", test_split="test", name="math")
_KEPT = ("level", "subject", "type", "difficulty")


class Math:
    """Its training and test split; from local files, `test_path` or a share of `path` is held out.

    Example:
        >>> Math(Math.Config(path="train.jsonl"), "train").config.test_share
        0.05
    """

    Config = BenchmarkConfig

    def __init__(self, config: BenchmarkConfig, split: Split = "train") -> None:
        self.config = config
        self._table = config.source(HUB, split, _problem)

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._table)


def _problem(row: Row, name: str) -> Problem:
    columns = Columns(prompt="problem", meta=[column for column in _KEPT if column in row.values])
    return problem_of(row, name, columns, Fixed("math", "en"), _answer(row))


def _answer(row: Row) -> str:
    if has_cell(row, "answer") or "solution" not in row.values:
        return text_cell(row, "answer", "answer")
    answer = last_boxed(text_cell(row, "solution", "answer"))
    if answer is None:
        raise DataError(
            f"{row.where}: there is no answer, and the solution has no \\boxed{{...}} that closes"
        )
    return answer
