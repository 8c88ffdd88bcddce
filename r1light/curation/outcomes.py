"""What became of completions: counted, and written so that kept and dropped ones can be told apart later."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from r1light.core.errors import StorageError
from r1light.core.types import Problem
from r1light.curation.curator import Candidate, Dropped, Kept, Outcome

_NONE: Mapping[int, Dropped] = {}


@dataclass(slots=True)
class OutcomeTally:
    """Counts over all problems, in the memory of one.

    Attributes:
        problems: Problems.
        problems_kept: Those that at least one row comes from.
        completions: Different completions of a prompt.
        kept: Rows.
        dropped: By reason.
        graded: Draws that the problem's grader could judge, identical ones counted each.
        right: Those that it found right.
        further: What the curation says of all rows together.
    """

    problems: int = 0
    problems_kept: int = 0
    completions: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    graded: int = 0
    right: int = 0
    further: dict[str, float] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    def add(self, candidates: Sequence[Candidate], outcomes: Sequence[Outcome]) -> None:
        """Count one problem."""
        kept = sum(isinstance(outcome, Kept) for outcome in outcomes)
        self.problems += 1
        self.problems_kept += kept > 0
        self.completions += len(candidates)
        self.kept += kept
        for outcome in outcomes:
            if isinstance(outcome, Dropped):
                self.dropped[outcome.reason] = self.dropped.get(outcome.reason, 0) + 1
        for candidate in candidates:
            if candidate.verdict is not None and candidate.verdict.status == "ok":
                times = int(candidate.sampler.get("drawn", 1))
                self.graded += times
                self.right += times * candidate.verdict.correct

    def settle(
        self,
        left_out: Mapping[int, Dropped],
        rows: Iterable[Mapping[str, Any]],
        further: Mapping[str, float],
    ) -> None:
        """Take rows that are dropped after all out of what was kept.

        Args:
            left_out: By their position among the rows.
            rows: All that were kept, with their `problem_id`.
            further: Numbers to tell besides.
        """
        for dropped in left_out.values():
            self.dropped[dropped.reason] = self.dropped.get(dropped.reason, 0) + 1
        self.kept -= len(left_out)
        staying = (row.get("problem_id") for number, row in enumerate(rows) if number not in left_out)
        self.problems_kept = len(set(staying)) if left_out else self.problems_kept
        self.further = dict(further)

    def metrics(self) -> dict[str, float]:
        """Counts by name; `accuracy` is the share of right draws among those that could be graded."""
        found: dict[str, float] = {
            "problems": self.problems,
            "problems_kept": self.problems_kept,
            "completions": self.completions,
            "kept": self.kept,
        }
        found |= {f"dropped/{reason}": count for reason, count in sorted(self.dropped.items())}
        return found | ({"accuracy": self.right / self.graded} if self.graded else {}) | self.further


def each_once(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Outcomes of one problem in their order, without rows that say the same but for their `meta`.

    Completions that differ in white space, or in how they were asked for, may be written as one text.
    """
    seen, found = set[str](), list[Outcome]()
    for outcome in outcomes:
        said = json.dumps({**outcome.row, "meta": None}) if isinstance(outcome, Kept) else None
        if said is not None and said in seen:
            found.append(Dropped("same_row", "another completion of the problem gives the same row"))
            continue
        found.append(outcome)
        if said is not None:
            seen.add(said)
    return found


def outcome_lines(problem: Problem, candidates: Sequence[Candidate], outcomes: Sequence[Outcome]) -> bytes:
    """Outcomes of one problem, a line each: `{"kept": row}` or `{"dropped": {"reason": ...}}`."""
    lines: list[dict[str, Any]] = []
    for outcome in outcomes:
        if isinstance(outcome, Kept):
            lines.append({"kept": dict(outcome.row)})
            continue
        dropped: dict[str, Any] = {
            "reason": outcome.reason,
            "detail": outcome.detail,
            "problem_id": problem.id,
        }
        if outcome.candidate is not None:
            dropped |= _told(candidates[outcome.candidate])
        lines.append({"dropped": dropped})
    return b"".join(map(_json_line, lines))


def _told(candidate: Candidate) -> dict[str, Any]:
    return {
        "prompt": candidate.prompt.text,
        "prefill": candidate.prompt.prefill,
        "completion": candidate.text,
        "answer": candidate.parsed.answer,
        "finish_reason": candidate.finish_reason,
        "sampler": dict(candidate.sampler),
    }


def kept_rows(outcomes: Path) -> Iterator[Mapping[str, Any]]:
    """The rows that were kept, in their order."""
    with outcomes.open("rb") as source:
        for line in source:
            outcome: Mapping[str, Any] = json.loads(line)
            if "kept" in outcome:
                yield outcome["kept"]


def split(outcomes: Path, data: Path, dropped: Path, left_out: Mapping[int, Dropped] = _NONE) -> None:
    """Write the kept rows and the dropped ones into a file each, whole or not at all.

    Args:
        outcomes: What became of all.
        data: For the rows.
        dropped: For the others.
        left_out: Kept rows that are dropped after all, by their position among the kept ones.

    Raises:
        StorageError: They cannot be written.
    """
    aside = [path.with_name(f".{path.name}.tmp") for path in (data, dropped)]
    try:
        with (
            outcomes.open("rb") as source,
            aside[0].open("wb") as kept_file,
            aside[1].open("wb") as rest_file,
        ):
            number = 0
            for line in source:
                outcome: Mapping[str, Any] = json.loads(line)
                if "dropped" in outcome:
                    rest_file.write(_json_line(outcome["dropped"]))
                    continue
                if number in left_out:
                    why = {"reason": left_out[number].reason, "detail": left_out[number].detail}
                    rest_file.write(_json_line(why | outcome["kept"]))
                else:
                    kept_file.write(_json_line(outcome["kept"]))
                number += 1
            for file in (kept_file, rest_file):
                file.flush()
                os.fsync(file.fileno())
        for path, target in zip(aside, (data, dropped), strict=True):
            path.replace(target)
    except OSError as error:
        raise StorageError(f"cannot write {data} or {dropped}: {error.strerror or error}") from error


def _json_line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=True).encode() + b"\n"  # lone surrogates would not encode otherwise
