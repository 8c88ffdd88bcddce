"""The numbers that checks are made of, each looked up for one seed in the folders of a pipeline's steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from r1light.core.errors import DataError
from r1light.reports.pipeline_files import Pipeline, Step, mapping

_LAST = 3
"""A curve's final level is the mean of so many of its last values."""
_NOISE = 1e-9


@dataclass(frozen=True, slots=True)
class Number:
    """Which number is meant: a metric of a step's result, or when its curve reaches another's end.

    Attributes:
        step: The step whose number it is.
        metric: The metric's name; of metrics.jsonl where `reaches` is given.
        reaches: The step whose final level is to be reached, or None.
        counted: What is counted until then.
        tolerance: How far below the level counts as reached.
    """

    step: str
    metric: str
    reaches: str | None = None
    counted: str = "update"
    tolerance: float = 0.0

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps that it is read from."""
        return (self.step,) if self.reaches is None else (self.step, self.reaches)


@dataclass(frozen=True, slots=True)
class Found:
    """A number for one seed.

    Attributes:
        value: The number; None if it is not known, infinite if it was never reached.
        stderr: Its standard error, where the result has one.
        why: Why it is not known.
        never: How far the curve went without reaching the level; None where it did.
    """

    value: float | None
    stderr: float | None = None
    why: str = ""
    never: float | None = None


def read_number(value: Any, where: str) -> Number:
    """A ValueSpec of pipeline.json.

    Raises:
        DataError: If it names no step or no metric.
    """
    spec = mapping(value, where)
    for key in ("step", "metric"):
        if not isinstance(spec.get(key), str):
            raise DataError(f"{where}.{key} is absent; it should be text")
    tolerance = finite(spec.get("tolerance"))
    return Number(
        spec["step"],
        spec["metric"],
        spec["reaches"] if isinstance(spec.get("reaches"), str) else None,
        str(spec.get("counted") or "update"),
        0.0 if tolerance is None else tolerance,
    )


def finite(value: Any) -> float | None:
    """A finite number as a float; None for anything else, NaN and infinities among it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def find(pipeline: Pipeline, spec: Number, seed: int) -> Found:
    """The number for one seed; says why where it is not known."""
    steps: list[Step] = []
    for name in spec.steps:
        step = pipeline.of(name, seed)
        if step is None:
            return Found(None, why=f"there is no step {name} for seed {seed}")
        if not step.counts:
            return Found(None, why=_not_done(step))
        steps.append(step)
    if spec.reaches is None:
        return _metric(steps[0], spec.metric)
    return _reached(steps[0], steps[1], spec)


def _not_done(step: Step) -> str:
    states = {"waiting": "has not begun", "running": "is running", "failed": "failed"}
    said = states.get(step.state, "was left out" if step.state == "left_out" else "has no result.json")
    return f"{step.key} {said}"


def _metric(step: Step, name: str) -> Found:
    value = finite(step.run.metrics.get(name))
    if value is None:
        return Found(None, why=f"the result of {step.key} has no {name}")
    stderr = finite(step.run.metrics.get(f"{name}_stderr"))
    return Found(value, stderr if stderr is not None and stderr >= 0 else None)


def final_level(rows: Sequence[Mapping[str, Any]], metric: str) -> float | None:
    """The level that a curve ends at: the mean of its last three values, or of all where there are fewer."""
    values = [value for value in (finite(row.get(metric)) for row in rows) if value is not None]
    return mean(values[-_LAST:]) if values else None


def _reached(step: Step, other: Step, spec: Number) -> Found:
    """How much of `counted` the step's curve needed to come within `tolerance` of the other's final level."""
    level = final_level(other.run.rows, spec.metric)
    if level is None:
        return Found(None, why=f"metrics.jsonl of {other.key} has no {spec.metric}")
    curve = [(row, value) for row in step.run.rows if (value := finite(row.get(spec.metric))) is not None]
    if not curve:
        return Found(None, why=f"metrics.jsonl of {step.key} has no {spec.metric}")
    for row, value in curve:
        if value >= level - spec.tolerance - _NOISE:
            count = _count(row, spec.counted)
            why = "" if count is not None else f"metrics.jsonl of {step.key} has no {spec.counted}"
            return Found(count, why=why)
    ends = [count for row, _ in curve if (count := _count(row, spec.counted)) is not None]
    return Found(math.inf, never=max(ends, default=0.0))


def _count(row: Mapping[str, Any], counted: str) -> float | None:
    """What a row says of `counted`; before the first update nothing has been spent."""
    value = finite(row.get(counted))
    return 0.0 if value is None and row.get("update", row.get("iteration")) == 0 else value
