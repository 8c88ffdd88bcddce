"""Programs, run by the grader `code` in the sandbox: HumanEval, MBPP, CodeContests.

All are asked zero-shot for one code block. The reference solution stays in `meta.solution`, which no prompt
shows.
"""

from __future__ import annotations

from typing import Any

from r1light.core.errors import DataError
from r1light.core.types import Benchmark, Problem
from r1light.data.code_rows import CodeColumns, CodeRow, Shape, read_code_row
from r1light.data.columns import cell, has_cell, text_cell
from r1light.data.rows import HubSplit, Row
from r1light.evaluation.task import Hub, RowTask

LANGUAGES = {"python": "Python", "cpp": "C++"}
"""Programming languages that the grader runs, with their names for people."""

MAX_ROW_BYTES = 1 << 28
"""The longest line of a file of contest problems: their tests stand in it."""

_HUMANEVAL = """Complete this Python function. Give the whole function, with the imports and helpers that it \
needs, in one code block.

```python
{statement}
```"""
_MBPP = """{statement}

Write it in Python. It has to pass these tests:

{tests}

Give the whole function, with the imports that it needs, in one code block."""
_WHOLE_PROGRAM = """{statement}

Solve this problem with a {language} program that reads from standard input and writes to standard output. \
Give the whole program in one code block."""
_MBPP_TEST = range(11, 511)  # task ids of the test split (arXiv:2108.07732, section 2.1)


def whole_program(statement: str, language: str) -> str:
    """A prompt for a program from standard input to standard output.

    Args:
        statement: The problem's statement.
        language: One of LANGUAGES.
    """
    return _WHOLE_PROGRAM.format(statement=statement.strip(), language=LANGUAGES[language])


def program_problem(name: str, prompt: str, read: CodeRow, **meta: Any) -> Problem:
    """A problem of the grader `code`.

    Args:
        name: Its id.
        prompt: What is asked.
        read: What its row says.
        **meta: What else is known of it; None is left out.
    """
    known = {"entry_point": read.entry_point, "prelude": read.prelude, "solution": read.solution, **meta}
    kept = {key: value for key, value in known.items() if value not in (None, "")}
    return Problem(name, prompt, "code", tests=read.tests, language="en", meta=kept)


def _columns(shape: Shape) -> CodeColumns:
    return CodeColumns().of(shape)


def _humaneval(row: Row, _: str) -> Problem:
    read = read_code_row(row, "humaneval", _columns("humaneval"))
    task = text_cell(row, "task_id", "id").rpartition("/")[2]
    return program_problem(f"humaneval/{task}", _HUMANEVAL.format(statement=read.statement.strip()), read)


def _mbpp(row: Row, _: str) -> Problem | None:
    task = cell(row, "task_id", "id")
    if not isinstance(task, int):
        raise DataError(f"{row.where}: task_id={task!r:.40} must be a whole number")
    if task not in _MBPP_TEST:
        return None
    read = read_code_row(row, "mbpp", _columns("mbpp"))
    tests = "\n".join(test.assertion or "" for test in read.tests)
    prompt = _MBPP.format(statement=read.statement.strip(), tests=tests)
    return program_problem(f"mbpp/{task}", prompt, read)


def _code_contests(row: Row, name: str) -> Problem:
    columns = _columns("stdio")
    if has_cell(row, "description"):
        kinds = [row.values.get(f"{kind}_tests") or {} for kind in ("public", "private", "generated")]
        tests = {key: [each for kind in kinds for each in kind.get(key, [])] for key in ("input", "output")}
        row = Row({"problem": text_cell(row, "description", "prompt"), "tests": tests}, row.where)
    read = read_code_row(row, "stdio", columns)
    return program_problem(name, whole_program(read.statement, "python"), read)


HUMANEVAL = RowTask(
    "humaneval",
    Benchmark("HumanEval", k=4, obtain="it is openai/openai_humaneval on the hub, 164 rows"),
    Hub("openai/openai_humaneval", HubSplit(None, "test")),
    _humaneval,
    files=("humaneval/HumanEval.jsonl", "HumanEval.jsonl"),
)
MBPP = RowTask(
    "mbpp",
    Benchmark(
        "MBPP",
        k=4,
        obtain="it is google-research-datasets/mbpp on the hub (subset full, split test), 500 rows",
    ),
    Hub("google-research-datasets/mbpp", HubSplit("full", "test")),
    _mbpp,
    files=("mbpp/mbpp.jsonl",),
)
CODE_CONTESTS = RowTask(
    "code_contests",
    Benchmark("CodeContests", k=4, obtain="it is deepmind/code_contests on the hub (split test), 165 rows"),
    Hub("deepmind/code_contests", HubSplit(None, "test")),
    _code_contests,
    files=("code_stdin/code_contests.jsonl",),
    max_row_bytes=MAX_ROW_BYTES,
)
