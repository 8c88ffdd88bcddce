"""Completions that stand in a file, as the samples that rewards see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from r1light.core.errors import DataError, nearest
from r1light.core.protocols import Template
from r1light.core.types import Completion, Problem, Prompt, Sample
from r1light.data.problem_json import RowProblems, names_only
from r1light.data.rows import parse_object

CountTokens = Callable[[str], Sequence[int]]
"""Text to token ids, with no special tokens added."""

_KEYS = ("problem", "completion", "prefill", "token_ids", "finish_reason", "prompt", "sampler")


@dataclass(frozen=True, slots=True)
class StoredCompletions:
    """Reads rows `{"problem": {...}, "completion": "...", "prefill": ""}`.

    A row whose problem is an id alone has the problem of the row that was read before it. A row without
    `prefill` is taken to have been written after the template's own. `token_ids` and `finish_reason` ("stop"
    or "length") may stand in a row; where the ids do not, `encode` makes them, for rewards that count tokens.
    A row of `stage=sample` has its `prompt`, which the template then need not write, and its `sampler`, which
    decides nothing here.

    Attributes:
        template: Renders the prompt and parses the completion.
        encode: Text to token ids, or None to leave a completion without ids.
        grader: A grader for all problems in place of their own; None leaves them theirs.
    """

    template: Template
    encode: CountTokens | None = None
    grader: str | None = None
    _problems: RowProblems = field(default_factory=RowProblems, init=False)

    def read(self, line: bytes, where: str) -> Sample:
        """One line as a sample.

        Args:
            line: One JSON object.
            where: The place to name in an error.

        Raises:
            DataError: It is no such row; the message says what it needs.
        """
        return self.sample(parse_object(line, where), where)

    def sample(self, row: dict[str, Any], where: str) -> Sample:
        """A row as a sample.

        Raises:
            DataError: It is no such row.
        """
        for key in row:
            if key not in _KEYS:
                near = nearest(key, _KEYS)
                hint = f"; did you mean {near!r}?" if near else "."
                raise DataError(f"{where}: unknown key {key!r}{hint} Known keys: {', '.join(_KEYS)}")
        problem = regraded(self._problems.read(row.get("problem"), where), self.grader)
        text = _text(row, "completion", where)
        prompt = self._prompt(row, problem, where)
        prefill = prompt.prefill if row.get("prefill") is None else _text(row, "prefill", where)
        return Sample(
            problem,
            prompt.text.removesuffix(prompt.prefill) + prefill,
            self._completion(row, text, where),
            self.template.parse(prefill, text),
            prefill,
        )

    def _prompt(self, row: dict[str, Any], problem: Problem, where: str) -> Prompt:
        """What the model read: the row's own prompt, or the template's."""
        try:
            if row.get("prompt") is not None:
                return Prompt(_text(row, "prompt", where), _text(row, "prefill", where))
            return self.template.render(problem)
        except ValueError as error:  # a DataError, or a prompt without its prefill
            raise DataError(f"{where}: {error}") from error

    def _completion(self, row: dict[str, Any], text: str, where: str) -> Completion:
        ids = row.get("token_ids")
        if ids is None:
            ids = self.encode(text) if self.encode is not None else []
        elif not isinstance(ids, list) or not all(type(each) is int for each in ids):
            raise DataError(f"{where}: token_ids must be a list of whole numbers")
        return Completion(tuple(ids), text, (0.0,) * len(ids), _finish_reason(row, where))


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file of completions.

    Attributes:
        raw: Its bytes.
        where: Its place, for errors.
        sample: What it holds; None where it is empty.
    """

    raw: bytes
    where: str
    sample: Sample | None


def batches(
    lines: Iterable[tuple[int, bytes]], source: str, stored: StoredCompletions, size: int
) -> Iterator[list[Line]]:
    """Lines in batches that can each be the first that is read: none begins with a problem's id alone.

    Args:
        lines: Numbers from 1 and lines.
        source: The file's name, for errors.
        stored: Reads one.
        size: Lines of a batch; those behind them that give their problem's id alone belong to it.

    Raises:
        DataError: A line is no completion; the lines before it come first.
    """
    batch: list[Line] = []
    for number, raw in lines:
        where = f"{source}:{number}"
        try:
            row = parse_object(raw, where) if raw.strip() else None
            sample = None if row is None else stored.sample(row, where)
        except DataError:
            if batch:
                yield batch
            raise
        if len(batch) >= size and row is not None and not names_only(row.get("problem")):
            yield batch
            batch = []
        batch.append(Line(raw, where, sample))
    if batch:
        yield batch


def regraded(problem: Problem, grader: str | None) -> Problem:
    """The problem, judged by another grader where one is named."""
    return problem if grader is None else replace(problem, grader=grader)


def _text(row: dict[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        what = f"{key}={value!r:.60} is no text" if key in row else f"there is no {key!r}"
        raise DataError(
            f'{where}: {what}; a row is {{"problem": {{...}}, "completion": "...", "prefill": ""}}'
        )
    return value


def _finish_reason(row: dict[str, Any], where: str) -> Literal["stop", "length"]:
    reason = row.get("finish_reason", "stop")
    if reason == "stop":
        return "stop"
    if reason == "length":
        return "length"
    raise DataError(f'{where}: finish_reason={reason!r:.40} must be "stop" or "length"')
