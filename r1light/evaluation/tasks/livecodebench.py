"""LiveCodeBench (arXiv:2403.07974): contest problems by the date on which they appeared.

The paper asks those of 2024-08-01 to 2025-01-31 with its chain-of-thought prompt, 8 completions each, and
gives pass@1 by difficulty too (DeepSeek-R1, arXiv:2501.12948v2, section D.1, table 14). The wording here is
our own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from r1light.algorithms.estimators import Estimate, pass_at_1
from r1light.core.errors import DataError
from r1light.core.types import Benchmark, Problem
from r1light.data.code_rows import CodeRow
from r1light.data.columns import cell, has_cell, plain_text, text_cell
from r1light.data.rows import HubSplit, Row
from r1light.evaluation.task import Answered, Hub, RowTask
from r1light.evaluation.tasks.livecodebench_rows import test_cases
from r1light.evaluation.tasks.programs import MAX_ROW_BYTES, program_problem

DIFFICULTIES = ("easy", "medium", "hard")

PRELUDE = """\
import bisect, collections, copy, datetime, functools, heapq, itertools, json, math, operator, random, re
import statistics, string, sys
from bisect import *
from collections import *
from functools import *
from heapq import *
from itertools import *
from math import comb, gcd, inf, lcm, sqrt
from typing import *
sys.setrecursionlimit(50000)
"""
"""What stands before every program, as contest sites and the benchmark's own harness import it."""

_PROGRAM = """{statement}

Solve this problem in Python. Think step by step, then give the whole program in one block that begins with \
```python. The program reads from standard input and writes to standard output."""
_FUNCTION = """{statement}

Solve this problem in Python. Think step by step, then give the whole code in one block that begins with \
```python. Complete this, and keep its names:

```python
{starter}
```"""


class LiveCodeBench:
    """The problems of a window of dates.

    Example:
        >>> LiveCodeBench.Config().since
        '2024-08-01'
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """Where the rows stand, and which are asked."""

        path: str | None = None
        """A file or folder with the release's own columns; null looks into `stage.data_dir`, and without that
        takes it from the hub."""
        since: str = "2024-08-01"
        """The first day, as YYYY-MM-DD. The paper: 2024-08-01."""
        until: str = "2025-01-31"
        """The last day. The paper: 2025-01-31."""

        def __post_init__(self) -> None:
            if _day(self.since, "since") > _day(self.until, "until"):
                raise ValueError(f"since={self.since} is behind until={self.until}")

    about = Benchmark(
        "LiveCodeBench",
        k=8,
        obtain="it is livecodebench/code_generation_lite on the hub (its files test.jsonl, test2.jsonl, ... "
        "hold a release each), and lighteval/code_generation_lite as Parquet",
    )

    def __init__(self, config: Config, data_dir: Path | None = None) -> None:
        """The task, of which nothing is read yet."""
        self._config, self._data_dir = config, data_dir
        hub = Hub("lighteval/code_generation_lite", HubSplit("release_v5", "test"))
        self._table = RowTask("livecodebench", self.about, hub, lambda *_: None, max_row_bytes=MAX_ROW_BYTES)

    def __iter__(self) -> Iterator[Problem]:
        """The problems of the window.

        Raises:
            DataError: The rows are absent, one is broken, or none is of the window.
        """
        since, until = date.fromisoformat(self._config.since), date.fromisoformat(self._config.until)
        found = False
        for row in self._table.rows(self._config.path, self._data_dir):
            if since <= _contest_day(row) <= until:
                found = True
                yield _problem(row)
        if not found:
            raise DataError(f"task livecodebench: no problem is of {since} to {until}; {self.about.obtain}")

    def figures(self, answered: Sequence[Answered], seed: int) -> dict[str, Estimate]:
        """pass@1 of each difficulty, as `easy/pass@1`."""
        del seed
        found = {}
        for difficulty in DIFFICULTIES:
            of_it = [each.outcomes for each in answered if each.problem.meta.get("difficulty") == difficulty]
            scores = [[one.score for one in row if one.score is not None] for row in of_it]
            if any(scores):
                found[f"{difficulty}/pass@1"] = pass_at_1([row for row in scores if row])
        return found


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{option}={text!r} must be a day such as 2024-08-01") from error


def _contest_day(row: Row) -> date:
    value = cell(row, "contest_date", "meta")
    if isinstance(value, datetime):
        return value.date()
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise DataError(f"{row.where}: contest_date={value!r:.40} must begin like 2024-08-31") from error


def _problem(row: Row) -> Problem:
    statement = text_cell(row, "question_content", "prompt").strip()
    starter = (plain_text(row.values.get("starter_code")) or "").strip("\n")
    function = _function(row, starter)
    tests = test_cases(
        cell(row, "public_test_cases", "tests"), row.values.get("private_test_cases"), function, row.where
    )
    if not tests:
        raise DataError(f"{row.where}: public_test_cases and private_test_cases hold no test")
    kind = _FUNCTION if starter else _PROGRAM
    known = {key: row.values.get(key) for key in ("difficulty", "platform", "question_title")}
    problem = program_problem(
        f"livecodebench/{text_cell(row, 'question_id', 'id')}",
        kind.format(statement=statement, starter=starter),
        CodeRow(statement, tests, prelude=PRELUDE),
        **{key: value for key, value in known.items() if isinstance(value, str)},
        contest_date=_contest_day(row).isoformat(),
    )
    return replace(problem, meta={**problem.meta, "source": "livecodebench"})


def _function(row: Row, starter: str) -> str | None:
    """What functional tests call; None where the metadata name no function."""
    metadata: Any = row.values.get("metadata") if has_cell(row, "metadata") else {}
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata or "{}")
        except ValueError as error:
            raise DataError(f"{row.where}: metadata is no JSON: {error}") from error
    name = metadata.get("func_name") if isinstance(metadata, dict) else None
    if name is None:
        return None
    if not isinstance(name, str) or not name.isidentifier():
        raise DataError(f"{row.where}: metadata.func_name={name!r:.40} must be a name")
    return f"Solution().{name}" if "class Solution" in starter else name
