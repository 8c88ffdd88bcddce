"""What became of completions: counted, and written so that kept and dropped ones can be told apart later."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from r1light.core.errors import StorageError
from r1light.core.types import Problem
from r1light.curation.curator import Candidate, Dropped, Kept, Outcome


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
    """

    problems: int = 0
    problems_kept: int = 0
    completions: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    graded: int = 0
    right: int = 0

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

    def metrics(self) -> dict[str, float]:
        """Counts by name; `accuracy` is the share of right draws among those that could be graded."""
        found: dict[str, float] = {
            "problems": self.problems,
            "problems_kept": self.problems_kept,
            "completions": self.completions,
            "kept": self.kept,
        }
        found |= {f"dropped/{reason}": count for reason, count in sorted(self.dropped.items())}
        return found | ({"accuracy": self.right / self.graded} if self.graded else {})


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


def split(outcomes: Path, data: Path, dropped: Path) -> None:
    """Write the kept rows and the dropped ones into a file each, whole or not at all.

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
            for line in source:
                outcome: Mapping[str, Any] = json.loads(line)
                if "kept" in outcome:
                    kept_file.write(_json_line(outcome["kept"]))
                else:
                    rest_file.write(_json_line(outcome["dropped"]))
            for file in (kept_file, rest_file):
                file.flush()
                os.fsync(file.fileno())
        for path, target in zip(aside, (data, dropped), strict=True):
            path.replace(target)
    except OSError as error:
        raise StorageError(f"cannot write {data} or {dropped}: {error.strerror or error}") from error


def _json_line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=True).encode() + b"\n"  # lone surrogates would not encode otherwise
