"""`data=gsm8k`: grade-school word problems (Cobbe et al. 2021, arXiv:2110.14168), MIT licence.

A row is {"question": "Natalia sold clips to 48 of her friends ...", "answer": "She sold 48/2 = <<48/2=24>>24
clips in May. ... #### 72"}: the reference answer stands after the four hashes. 7,473 rows for training and
1,319 held out.
"""

from __future__ import annotations

from collections.abc import Iterator

from r1light.core.errors import DataError
from r1light.core.types import Problem
from r1light.data.columns import Columns, Fixed, problem_of, text_cell
from r1light.data.gold import after_hashes
from r1light.data.rows import Row
from r1light.data.splits import Split
from r1light.data.table import BenchmarkConfig, Place

HUB = Place("openai/gsm8k", subset="main", test_split="test", name="gsm8k")


class Gsm8k:
    """Its training and test split; from local files, `test_path` or a share of `path` is held out.

    Example:
        >>> Gsm8k(Gsm8k.Config(path="train.jsonl"), "train").config.test_share
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
    answer = after_hashes(text_cell(row, "answer", "answer"))
    if answer is None:
        raise DataError(f"{row.where}: the answer has no '#### 72' at its end, as every row of GSM8K has")
    return problem_of(row, name, Columns(prompt="question"), Fixed("math", "en"), answer)
