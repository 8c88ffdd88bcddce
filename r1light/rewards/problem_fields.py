"""A problem as the columns that reward functions of other trainers know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from r1light.core.types import Problem, TestCase

FIELDS = ("id", "prompt", "grader", "answer", "tests", "language")


def field_of(problem: Problem, place: str) -> Any:
    """A field of a problem as plain data: one of FIELDS, or `meta.<key>`, None where the problem lacks it.

    Raises:
        ValueError: If there is no such field.

    Example:
        >>> field_of(Problem("1", "2+3?", "math", "5", meta={"level": {"name": "easy"}}), "meta.level.name")
        'easy'
    """
    first, *keys = place.split(".")
    if first == "meta" and keys:
        value: Any = problem.meta
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value
    if first not in FIELDS or keys:
        raise ValueError(f"{place!r} is no field of a problem: {', '.join(FIELDS)} and meta.<key> are")
    return _plain(getattr(problem, first))


def columns_of(problem: Problem) -> dict[str, Any]:
    """The columns of a problem: its fields but the prompt, its meta, and the usual names of the answer."""
    usual = dict.fromkeys(("solution", "ground_truth", "target"), problem.answer)
    return usual | dict(problem.meta) | {name: field_of(problem, name) for name in FIELDS if name != "prompt"}


def source_of(problem: Problem) -> str:
    """The name of the data set a problem is from: `meta.data_source`, else what its id begins with."""
    named = problem.meta.get("data_source")
    return str(named) if named is not None else problem.id.partition("/")[0]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, TestCase):
        return {
            name: getattr(value, name)
            for name in ("stdin", "stdout", "assertion")
            if getattr(value, name) is not None
        }
    if hasattr(value, "role"):
        return {"role": value.role, "content": value.content}
    return value
