"""Rows of completions.jsonl, read back for a curation problem by problem."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from r1light.core.errors import DataError
from r1light.core.types import FinishReason, Problem, Prompt
from r1light.curation.curator import Candidate, Curator
from r1light.data.problem_json import RowProblems
from r1light.data.rows import parse_object

_REASONS: Mapping[str, FinishReason] = {"stop": "stop", "length": "length", "abort": "abort"}


@dataclass(frozen=True, slots=True)
class Drawn:
    """All completions of one problem.

    Attributes:
        problem: The problem.
        candidates: Its completions, parsed, in the order of the file.
        raw: The lines that they were read from.
    """

    problem: Problem
    candidates: tuple[Candidate, ...]
    raw: bytes


def groups(lines: Iterable[tuple[int, bytes]], source: str, curator: Curator) -> Iterator[Drawn]:
    """Read rows that stand side by side and are of one problem together.

    Args:
        lines: Numbers from 1 and lines.
        source: The file's name, for errors.
        curator: Parses what was drawn.

    Raises:
        DataError: A row is none; names the line.
    """
    problems = RowProblems()
    problem: Problem | None = None
    candidates: list[Candidate] = []
    raw = b""
    for number, line in lines:
        read, candidate = _read_row(line, f"{source}:{number}", curator, problems)
        if problem is not None and read.id != problem.id:
            yield Drawn(problem, tuple(candidates), raw)
            candidates, raw = [], b""
        problem = read
        candidates.append(candidate)
        raw += line
    if problem is not None:
        yield Drawn(problem, tuple(candidates), raw)


def _read_row(line: bytes, where: str, curator: Curator, problems: RowProblems) -> tuple[Problem, Candidate]:
    """One row as a problem and a completion of it, parsed by the curation.

    Raises:
        DataError: It is no row of completions.jsonl.
    """
    row = parse_object(line, where)
    problem = problems.read(row.get("problem"), where)
    text, prompt, prefill = (_text(row, key, where) for key in ("completion", "prompt", "prefill"))
    sampler = row.get("sampler")
    reason = _REASONS.get(str(row.get("finish_reason", "stop")))
    if not isinstance(sampler, dict) or not isinstance(sampler.get("way"), str) or reason is None:
        raise DataError(f"{where}: a row of completions.jsonl has sampler.way and a finish_reason")
    if type(drawn := sampler.get("drawn", 1)) is not int or drawn < 1:
        raise DataError(f"{where}: sampler.drawn={drawn!r:.40} must be how often it was drawn, 1 or more")
    if not prompt.endswith(prefill):
        raise DataError(f"{where}: the prompt does not end with its prefill {prefill!r:.40}")
    way: str = sampler["way"]
    parsed = curator.parse(way, prefill, text)
    return problem, Candidate(way, Prompt(prompt, prefill), text, parsed, reason, None, sampler)


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise DataError(f"{where}: {key}={value!r:.60} is no text, as in a completions.jsonl of stage=sample")
    return value
