"""The round trip of rows through people: out as JSON lines and a page, back checked and merged.

An id is made of the problem's id and of the row's text, so that a review of other rows is noticed. What comes
back must have every row once, its question untouched; an edited row must fit into the template that rows are
written in, and its answer must still be right.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from r1light.core.errors import DataError, nearest
from r1light.core.protocols import Composer
from r1light.core.types import Problem, Verdict
from r1light.data.rows import parse_object
from r1light.reports.review_page import ReviewRow

_KEYS = tuple(field.name for field in fields(ReviewRow))
_LEFT_ALONE = ("question", "reference")
_SHOWN_FAULTS = 20

Grade = Callable[[Sequence[tuple[Problem, str]]], Sequence[Verdict]]
"""Answers with their problems to verdicts, in their order."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What comes of a review.

    Attributes:
        kept: Rows to learn from, in their order; each says in `meta.review` whether it was "edited" or is
            "unchanged".
        rejected: Rows that are not to be learnt from, with the note in `meta.note`.
        edited: How many of the kept rows were edited.
    """

    kept: tuple[dict[str, Any], ...]
    rejected: tuple[dict[str, Any], ...]
    edited: int

    def metrics(self) -> dict[str, float]:
        """`review/edited`, `review/rejected` and `review/unchanged`, in rows."""
        unchanged = len(self.kept) - self.edited
        return {
            "review/edited": self.edited,
            "review/rejected": len(self.rejected),
            "review/unchanged": unchanged,
        }


@dataclass(frozen=True, slots=True)
class Review:
    """Rows to learn from, and what is needed to show them and to check them when they come back.

    Attributes:
        rows: Rows of data.jsonl: `prompt`, `completion`, `problem_id`, `meta`.
        problems: The problems by id.
        template: The template that the rows are written in.
        grade: Grades answers.
    """

    rows: Sequence[Mapping[str, Any]]
    problems: Mapping[str, Problem]
    template: Composer
    grade: Grade

    def shown(self) -> list[ReviewRow]:
        """The rows as people see them."""
        found = []
        for row in self.rows:
            problem = self.problems[row["problem_id"]]
            parsed = self.template.parse(self._prefill(problem), row["completion"])
            found.append(
                ReviewRow(
                    id=_id(row),
                    question=_question(problem),
                    reference=problem.answer or "",
                    thinking=parsed.thinking or "",
                    answer=parsed.answer or "",
                )
            )
        return found

    def merge(self, path: Path) -> Reviewed:
        """Check the rows that came back and merge them.

        Args:
            path: The file of edited rows.

        Raises:
            DataError: Something in it is wrong; names the file and the lines, of all faults up to twenty.
        """
        faults: list[str] = []
        returned = self._returned(path, faults)
        shown = self.shown()
        lost = [row.id for row in shown if row.id not in returned]
        if lost:
            faults.append(
                f"{path}: {len(lost)} of {len(shown)} rows are lost, such as {lost[0]!r}; reject a row by "
                '"decision": "reject" rather than taking it out'
            )
        changes = {
            one.id: returned[one.id]
            for one in shown
            if one.id in returned and _texts(returned[one.id][1]) != _texts(one)
        }
        completions = self._checked(changes, faults)
        if faults:
            more = f" (and {len(faults) - _SHOWN_FAULTS} more faults)" if len(faults) > _SHOWN_FAULTS else ""
            raise DataError("; ".join(faults[:_SHOWN_FAULTS]) + more)
        return self._merged({key: row for key, (_, row) in returned.items()}, completions)

    def _returned(self, path: Path, faults: list[str]) -> dict[str, tuple[str, ReviewRow]]:
        """The rows of the file by id, with their places; what is wrong with a line is added to the faults."""
        known = {row.id: row for row in self.shown()}
        found: dict[str, tuple[str, ReviewRow]] = {}
        for where, raw in _lines(path):
            try:
                row = _read(raw, where)
                faults += _unknown(row, known, where)
            except DataError as fault:
                faults.append(str(fault))
                continue
            if row.id in found:
                faults.append(f"{where} has the id of {found[row.id][0]}; every row must be there once")
            else:
                found[row.id] = (where, row)
        return found

    def _checked(self, changes: Mapping[str, tuple[str, ReviewRow]], faults: list[str]) -> dict[str, str]:
        """The completions of edited rows by id; those that cannot be learnt from are added to the faults."""
        problems = {_id(row): self.problems[row["problem_id"]] for row in self.rows}
        written: dict[str, str] = {}
        for key, (where, row) in changes.items():
            if row.decision == "reject":
                continue
            try:
                written[key] = self.template.compose(self._prefill(problems[key]), row.thinking, row.answer)
            except DataError as error:
                faults.append(f"{where}: {error}")
        verdicts = self.grade([(problems[key], changes[key][1].answer) for key in written])
        for (key, _), verdict in zip(written.items(), verdicts, strict=True):
            where, row = changes[key]
            if verdict.status == "error":
                faults.append(f"{where}: its answer could not be graded: {verdict.detail}")
            elif verdict.status == "ok" and not verdict.correct:
                faults.append(
                    f"{where}: the answer {row.answer[-60:]!r} is not right any more; the reference is "
                    f"{row.reference[:60]!r}"
                )
        return written

    def _merged(self, returned: Mapping[str, ReviewRow], completions: Mapping[str, str]) -> Reviewed:
        kept, rejected = [], []
        for row in self.rows:
            key = _id(row)
            note = {"note": returned[key].note} if returned[key].note.strip() else {}
            if returned[key].decision == "reject":
                rejected.append(dict(row) | {"meta": {**row["meta"], **note}})
                continue
            state = "edited" if key in completions else "unchanged"
            text = completions.get(key, row["completion"])
            kept.append(dict(row) | {"completion": text, "meta": {**row["meta"], "review": state, **note}})
        return Reviewed(tuple(kept), tuple(rejected), len(completions))

    def _prefill(self, problem: Problem) -> str:
        return self.template.render(problem).prefill


def review_lines(rows: Sequence[ReviewRow]) -> bytes:
    """Rows as JSON lines in UTF-8."""
    return "".join(json.dumps(asdict(row), ensure_ascii=True) + "\n" for row in rows).encode()


def _question(problem: Problem) -> str:
    """The prompt to read, of a conversation a turn a paragraph."""
    if isinstance(problem.prompt, str):
        return problem.prompt
    return "\n\n".join(f"{turn.role}: {turn.content}" for turn in problem.prompt)


def _id(row: Mapping[str, Any]) -> str:
    """The problem's id and a hash of the row's text."""
    text = json.dumps([row["prompt"], row["completion"]])
    return f"{row['problem_id']}#{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _texts(row: ReviewRow) -> tuple[str, str]:
    return row.thinking.strip(), row.answer.strip()


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DataError(f"cannot read stage.review={path}: {error.strerror or error}") from error
    yield from ((f"{path}:{number}", line) for number, line in enumerate(lines, start=1) if line.strip())


def _read(raw: bytes, where: str) -> ReviewRow:
    """One line as a row.

    Raises:
        DataError: It is no JSON, or a key or a value is none of a review's.
    """
    values = parse_object(raw, where)
    for key in values:
        if key not in _KEYS:
            near = nearest(key, _KEYS)
            hint = f"; did you mean {near!r}?" if near else "."
            raise DataError(f"{where}: unknown key {key!r}{hint} Known keys: {', '.join(_KEYS)}")
    for key in _KEYS:
        if not isinstance(values.get(key), str):
            what = f"{key}={values[key]!r:.60} is no text" if key in values else f"there is no {key!r}"
            raise DataError(f"{where}: {what}; a row has the texts {', '.join(_KEYS)}")
    if values["decision"] not in ("keep", "reject"):
        raise DataError(f'{where}: decision={values["decision"]!r:.40} must be "keep" or "reject"')
    return ReviewRow(**values)


def _unknown(row: ReviewRow, known: Mapping[str, ReviewRow], where: str) -> list[str]:
    """What is wrong with a row that is none of those that went out, or whose question was changed."""
    if row.id not in known:
        what = f"no row of this run has the id {row.id!r:.80}"
        return [f"{where}: {what}; the review belongs to other rows, or the id was changed"]
    changed = [key for key in _LEFT_ALONE if getattr(row, key) != getattr(known[row.id], key)]
    return [f"{where}: {key} was changed; only thinking, answer, decision and note may be" for key in changed]
