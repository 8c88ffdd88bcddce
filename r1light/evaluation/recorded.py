"""Rows of completions.jsonl, problem by problem, whatever order they were recorded in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from r1light.core.errors import DataError
from r1light.core.types import Sample
from r1light.data.problem_json import names_only
from r1light.data.rows import parse_object

ReadRow = Callable[[bytes, str], tuple[Sample, int]]
"""A line and its place, for errors, to the sample and how many tokens it has."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """All completions of one problem.

    Attributes:
        samples: In the order of the file.
        tokens: How many were sampled for each.
        raw: The lines that they were read from.
    """

    samples: tuple[Sample, ...]
    tokens: tuple[int, ...]
    raw: bytes


def groups(lines: Iterable[tuple[int, bytes]], source: str, read: ReadRow) -> Iterator[Drawn]:
    """Rows that stand side by side and are of one problem, together.

    Args:
        lines: Numbers from 1 and lines.
        source: The file's name, for errors.
        read: Reads one.

    Raises:
        DataError: A row is none; names the line.
    """
    samples: list[Sample] = []
    tokens: list[int] = []
    raw = b""
    for number, line in lines:
        sample, count = read(line, f"{source}:{number}")
        if samples and sample.problem.id != samples[0].problem.id:
            yield Drawn(tuple(samples), tuple(tokens), raw)
            samples, tokens, raw = [], [], b""
        samples.append(sample)
        tokens.append(count)
        raw += line
    if samples:
        yield Drawn(tuple(samples), tuple(tokens), raw)


def batches(found: Iterable[Drawn], size: int) -> Iterator[list[Drawn]]:
    """So many problems at a time."""
    batch: list[Drawn] = []
    for drawn in found:
        batch.append(drawn)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a row stands in the file, how many draws it is, and whether it has its whole problem."""

    offset: int
    size: int
    times: int
    whole: bool


def rows_by_problem(path: Path) -> Iterator[bytes]:
    """The lines of a completions.jsonl, problems in the order of their first rows.

    The first row that has its whole problem comes before the problem's others. A row of `stage=sample` that
    stands for several identical draws (`sampler.drawn`) comes that many times.

    Raises:
        DataError: The file cannot be read, holds no row, or a row names no problem; names the line.
    """
    try:
        with path.open("rb") as file:
            places = _places(file, path)
            if not places:
                raise DataError(f"{path} holds no completions")
            for mine in places.values():
                first = next((place for place in mine if place.whole), mine[0])
                for place in [first, *(place for place in mine if place is not first)]:
                    file.seek(place.offset)
                    line = file.read(place.size)
                    whole = line if line.endswith(b"\n") else line + b"\n"  # a file may end without
                    yield from [whole if place.times == 1 else _single(line)] * place.times
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def _places(lines: Iterator[bytes], path: Path) -> dict[str, list[_Place]]:
    """Every problem's rows."""
    places: dict[str, list[_Place]] = {}
    offset = 0
    for number, line in enumerate(lines, start=1):
        if line.strip():
            name, times, whole = _named(line, f"{path}:{number}")
            places.setdefault(name, []).append(_Place(offset, len(line), times, whole))
        offset += len(line)
    return places


def _named(line: bytes, where: str) -> tuple[str, int, bool]:
    """A row's problem, how many draws it stands for, and whether it has the whole problem."""
    row = parse_object(line, where)
    problem, sampler = row.get("problem"), row.get("sampler")
    if not isinstance(problem, dict) or not isinstance(name := problem.get("id"), str):
        raise DataError(
            f'{where} names no problem; a row is {{"problem": {{"id": ...}}, "completion": "...", ...}}'
        )
    times = sampler.get("drawn", 1) if isinstance(sampler, dict) else 1
    if type(times) is not int or times < 1:
        raise DataError(f"{where}: sampler.drawn={times!r:.40} must be how often it was drawn, 1 or more")
    return name, times, not names_only(problem)


def _single(line: bytes) -> bytes:
    """The row of one draw of several."""
    row = parse_object(line, "a row")
    row["sampler"]["drawn"] = 1
    return json.dumps(row, ensure_ascii=True).encode() + b"\n"
