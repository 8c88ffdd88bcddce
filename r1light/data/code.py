"""`data=code`: programming problems with tests, from JSON lines, JSON or Parquet, from files or the hub."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from r1light.core.errors import DataError
from r1light.core.types import Problem
from r1light.data.code_rows import CodeColumns, CodeRow, Shape, read_code_row
from r1light.data.columns import cell, text_cell
from r1light.data.rows import Row
from r1light.data.splits import Split
from r1light.data.table import Choice, Incomplete, Place, TableSource

ProgrammingLanguage = Literal["python", "cpp"]
_PLACE = re.compile(r"\{(statement|language|tests)\}")
_LANGUAGES = {"python": "Python", "cpp": "C++"}

_STDIO = """{statement}

Write a {language} program that reads from standard input and writes to standard output. Give the whole \
program in one code block."""
_HUMANEVAL = """Complete this Python function. Give the whole function, with what it needs, in one code block.

```python
{statement}
```"""
_MBPP = """{statement}

Write it in Python, and give it in one code block. It has to pass tests such as:

{tests}"""


class Code:
    """The rows of a table as problems for the `code` grader.

    Example:
        >>> Code.Config(path="mbpp.jsonl", shape="mbpp").columns.of("mbpp").tests
        'test_list'
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """Where the rows stand, which shape they have, and which are taken."""

        path: str
        """A .jsonl, .ndjson, .json, .csv or .parquet file, a folder of such, or `owner/name` on the hub."""
        shape: Shape = "stdio"
        """`stdio`: whole programs with inputs and outputs; `humaneval`: a function to complete with a
        `check(candidate)`; `mbpp`: a function with asserts. It decides how columns are read."""
        columns: CodeColumns = field(default_factory=CodeColumns)
        """Which column holds what, where it is not called as in the shape's own data set."""
        programming_language: ProgrammingLanguage = "python"
        """What programs are written in, where no column says it; functions are Python."""
        shown_tests: int = 1
        """Of `mbpp`: how many asserts the prompt shows, as the statement does not name the function. A model
        that sees all of them can learn to look answers up instead of computing them."""
        instruction: str | None = None
        """The prompt, with {statement}, {language} and {tests} in it; null takes the shape's own."""
        test_path: str | None = None
        """The same with the held-out rows; null holds out a share of `path`."""
        subset: str | None = None
        """The configuration of a data set on the hub; null where it has one only."""
        train_split: str = "train"
        """The split on the hub to train on."""
        test_split: str | None = None
        """The split on the hub to hold out; null holds out a share of `train_split`."""
        revision: str | None = None
        """Branch, tag or commit on the hub; null takes the newest."""
        test_share: float = 0.05
        """The share of `path` that is held out, by a hash of the prompt, where nothing else says what is."""
        language: str | None = None
        """The human language asked of the thinking (ISO 639-1); null for none."""
        shuffle_seed: int | None = None
        """Shuffles the problems of each split by this seed; null keeps the order of the rows."""
        limit: int | None = None
        """The most problems to train on, after shuffling; null for all."""
        test_limit: int | None = None
        """The most problems to hold out, after shuffling; null for all."""
        incomplete: Incomplete = "refuse"
        """Whether rows without a statement or without tests are an error, or are left out."""

        def __post_init__(self) -> None:
            self.place()
            self.choice("train")
            self.choice("test")
            if self.shown_tests < 0:
                raise ValueError(f"shown_tests={self.shown_tests} must not be negative")
            if self.shape != "stdio" and self.programming_language != "python":
                raise ValueError(
                    f"programming_language={self.programming_language}: shape={self.shape} is Python"
                )
            if self.instruction is not None and "{statement}" not in self.instruction:
                raise ValueError(
                    "instruction must have {statement} in it, where the problem's statement goes"
                )

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
        self._columns = config.columns.of(config.shape)
        self._table = TableSource(config.place(), config.choice(split), split, self._problem)

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._table)

    def _problem(self, row: Row, name: str) -> Problem:
        columns = self._columns
        language = self._language(row)
        read = read_code_row(row, self.config.shape, columns)
        meta: dict[str, Any] = {column: cell(row, column, "meta") for column in columns.meta}
        meta["language"] = language
        optional = {"entry_point": read.entry_point, "prelude": read.prelude, "solution": read.solution}
        meta |= {key: value for key, value in optional.items() if value}
        return Problem(
            id=name if columns.id is None else text_cell(row, columns.id, "id"),
            prompt=self._prompt(read, language),
            grader="code",
            tests=read.tests,
            language=self.config.language,
            meta=meta,
        )

    def _language(self, row: Row) -> str:
        column = self._columns.language
        if column is None:
            return self.config.programming_language
        language = text_cell(row, column, "language").lower()
        if language not in _LANGUAGES:
            raise DataError(f"{row.where}: {column}={language!r:.40} must be one of {', '.join(_LANGUAGES)}")
        return language

    def _prompt(self, read: CodeRow, language: str) -> str:
        own = {"stdio": _STDIO, "humaneval": _HUMANEVAL, "mbpp": _MBPP}[self.config.shape]
        if self.config.instruction is None and self.config.shape == "mbpp" and not self.config.shown_tests:
            own = own.rpartition(" It has to")[0]
        shown = [test.assertion or "" for test in read.tests[: self.config.shown_tests]]
        parts = {
            "statement": read.statement.strip(),
            "language": _LANGUAGES[language],
            "tests": "\n".join(shown),
        }
        # in one pass, as a statement may have such words in braces itself
        return _PLACE.sub(lambda place: parts[place[1]], self.config.instruction or own)
