r"""Rows of programming problems, in the shapes that data sets have them, as parts of a problem.

`stdio`, as Codeforces, CodeContests and APPS have them:
    {"problem": "...", "tests": [{"input": "2 3", "output": "5"}, ...]}
    {"problem": "...", "tests": {"inputs": ["2 3", ...], "outputs": ["5", ...]}}
`humaneval` (Chen et al. 2021, arXiv:2107.03374):
    {"task_id": "HumanEval/0", "prompt": "def f(a):\n ...", "entry_point": "f",
     "canonical_solution": "    return a", "test": "def check(candidate):\n    assert candidate(1) == 1"}
`mbpp` (Austin et al. 2021, arXiv:2108.07732):
    {"text": "Write a function ...", "code": "def f(a): ...", "test_setup_code": "",
     "test_list": ["assert f(1) == 1", ...]}
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from r1light.core.errors import DataError
from r1light.core.types import TestCase
from r1light.data.columns import IncompleteRowError, cell, has_cell, plain_text, text_cell
from r1light.data.rows import Row

Shape = Literal["stdio", "humaneval", "mbpp"]

_INPUTS = ("inputs", "input", "stdin")
_OUTPUTS = ("outputs", "output", "stdout")


@dataclass(frozen=True, slots=True)
class CodeColumns:
    """The column of each thing; null takes the shape's own. A name with dots goes into objects."""

    prompt: str | None = None
    """The statement of the problem; of `humaneval`, the function's head with its docstring."""
    tests: str | None = None
    """The tests: of `stdio`, pairs of input and output or JSON text of them; of `humaneval`, the source of
    `check(candidate)`; of `mbpp`, a list of asserts."""
    setup: str | None = None
    """Source that runs before each assert; where there is no such column, nothing does."""
    entry_point: str | None = None
    """The name of the function under test."""
    solution: str | None = None
    """A right program, kept as `meta.solution` for `stage=validate`; where there is no such column, none."""
    id: str | None = None
    """A name of the row, unique in the split; without it the rows are numbered."""
    language: str | None = None
    """The row's programming language, "python" or "cpp"; without it `data.programming_language` holds."""
    meta: list[str] = field(default_factory=list)
    """Other columns to keep in the problem's meta."""

    def of(self, shape: Shape) -> CodeColumns:
        """These, with what is null taken from the shape."""
        own = _SHAPES[shape]
        names = ("prompt", "tests", "setup", "entry_point", "solution", "id", "language")
        return replace(self, **{name: getattr(self, name) or getattr(own, name) for name in names})


_SHAPES: Mapping[Shape, CodeColumns] = {
    "stdio": CodeColumns("problem", "tests", solution="solution"),
    "humaneval": CodeColumns(
        "prompt", "test", entry_point="entry_point", solution="canonical_solution", id="task_id"
    ),
    "mbpp": CodeColumns("text", "test_list", setup="test_setup_code", solution="code"),
}


@dataclass(frozen=True, slots=True)
class CodeRow:
    """What a row says.

    Attributes:
        statement: The statement of the problem.
        tests: At least one.
        entry_point: The function under test, or None.
        prelude: Source that the problem states before the function: imports and helpers.
        solution: A right program, or None where the row has none.
    """

    statement: str
    tests: tuple[TestCase, ...]
    entry_point: str | None = None
    prelude: str = ""
    solution: str | None = None


def read_code_row(row: Row, shape: Shape, columns: CodeColumns) -> CodeRow:
    """Take a row apart.

    Args:
        row: The row.
        shape: Which shape it has.
        columns: The columns; none of those that the shape needs is null.

    Raises:
        IncompleteRowError: It has no statement or no tests.
        DataError: A column is absent, or holds what it must not.
    """
    statement = text_cell(row, columns.prompt or "", "prompt")
    solution = _optional(row, columns.solution)
    if shape == "stdio":
        return CodeRow(statement, _stdio_tests(row, columns.tests or ""), solution=solution)
    if shape == "mbpp":
        entry_point = text_cell(row, columns.entry_point, "entry_point") if columns.entry_point else None
        return CodeRow(statement, _asserts(row, columns), entry_point, solution=solution)
    entry_point = text_cell(row, columns.entry_point or "", "entry_point")
    check = TestCase(assertion=text_cell(row, columns.tests or "", "tests"))
    head, _, _ = statement.rpartition(f"def {entry_point}(")
    whole = statement + solution if solution is not None else None
    return CodeRow(statement, (check,), entry_point, head, whole)


def _optional(row: Row, column: str | None) -> str | None:
    """The text in a column, or None where there is no such column or nothing in it."""
    if column is None or not has_cell(row, column):
        return None
    text = plain_text(cell(row, column, "solution"))
    return text if text and text.strip() else None


def _asserts(row: Row, columns: CodeColumns) -> tuple[TestCase, ...]:
    column = columns.tests or ""
    tests = _decoded(cell(row, column, "tests"), row, column)
    if (
        not isinstance(tests, Sequence)
        or isinstance(tests, str)
        or not all(isinstance(one, str) for one in tests)
    ):
        raise DataError(
            f'{row.where}: {column}={tests!r:.60} must be a list of texts such as "assert f(1) == 1"'
        )
    if not tests:
        raise _no_tests(row, column)
    setup = _optional(row, columns.setup)
    before = f"{setup.rstrip()}\n" if setup else ""
    return tuple(TestCase(assertion=before + test) for test in tests)


def _stdio_tests(row: Row, column: str) -> tuple[TestCase, ...]:
    value = _decoded(cell(row, column, "tests"), row, column)
    if isinstance(value, Mapping):
        inputs, outputs = _either(value, _INPUTS), _either(value, _OUTPUTS)
        if not isinstance(inputs, list) or not isinstance(outputs, list) or len(inputs) != len(outputs):
            raise DataError(
                f"{row.where}: {column} must have as many inputs as outputs, as "
                '{"inputs": ["2 3"], "outputs": ["5"]}'
            )
        pairs = list(zip(inputs, outputs, strict=True))
    elif isinstance(value, list) and all(isinstance(test, Mapping) for test in value):
        pairs = [(_either(test, _INPUTS), _either(test, _OUTPUTS)) for test in value]
    else:
        raise DataError(
            f'{row.where}: {column}={value!r:.60} must be a list such as [{{"input": "2 3", "output": "5"}}]'
        )
    if not pairs:
        raise _no_tests(row, column)
    return tuple(_stdio_test(pair, f"{row.where}: {column}[{index}]") for index, pair in enumerate(pairs))


def _stdio_test(pair: tuple[Any, Any], where: str) -> TestCase:
    texts = ["\n".join(part) if _is_lines(part) else plain_text(part) for part in pair]
    stdin, stdout = texts
    if stdin is None or stdout is None:
        shown = f"{pair[0]!r:.40} and {pair[1]!r:.40}"
        raise DataError(f"{where}: input and output are {shown}; they must be texts, or lists of lines")
    return TestCase(stdin=stdin, stdout=stdout)


def _is_lines(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(line, str) for line in value)


def _either(test: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((test[name] for name in names if name in test), None)


def _decoded(value: Any, row: Row, column: str) -> Any:
    """The value, out of its JSON text where it is text; null becomes no tests."""
    if value is None:
        return []
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{row.where}: {column} is text, and no JSON: {error}") from error


def _no_tests(row: Row, column: str) -> IncompleteRowError:
    return IncompleteRowError(
        f"{row.where}: {column} holds no test; give one, or leave such rows out by data.incomplete=skip"
    )
