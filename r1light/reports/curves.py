"""The figures of a run's metrics."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from r1light.reports.axes import plottable
from r1light.reports.changes import is_fraction
from r1light.reports.curve_plans import SECTIONS, Plan
from r1light.reports.series import Figure, Point, Series

Rows = Sequence[Mapping[str, Any]]

_COUNTERS = ("iteration", "update", "epoch")
_NOT_DRAWN = (*_COUNTERS, "time")
"""Counters and the moment a row was written."""
OTHERS = "Other metrics"
"""The section of what no plan names."""
_MOST_OTHERS = 24


def counter_of(rows: Rows) -> str:
    """What the rows are counted by: iterations, else updates, epochs or their own number."""
    return next((name for name in _COUNTERS if any(plottable(row.get(name)) for row in rows)), "row")


def _names(rows: Rows) -> list[str]:
    """The metrics of the rows: what holds a number somewhere, in the order of appearance."""
    found: dict[str, None] = {}
    for row in rows:
        for name, value in row.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.setdefault(name)
    return [name for name in found if name not in _NOT_DRAWN and not name.endswith("_stderr")]


def series_of(rows: Rows, name: str, label: str, *, smooth: bool = True) -> Series:
    """One metric as a series.

    Args:
        rows: Of metrics.jsonl.
        name: The metric. Rows without it give no point; null, NaN and infinities give a point without value.
            `<name>_stderr`, where present, gives the point an interval of 1.96 times itself.
        label: For the legend.
        smooth: See `Series`.

    Returns:
        The series over iterations; over updates, epochs or row numbers where there are none.
    """
    counter = counter_of(rows)
    points = []
    for i, row in enumerate(rows):
        x = row.get(counter, i)
        if name not in row or not plottable(x):
            continue
        value, error = row[name], row.get(f"{name}_stderr")
        y = float(value) if plottable(value) else None
        half = 1.96 * float(error) if error is not None and plottable(error) else None
        points.append(Point(float(x), y, half))
    return Series(label, tuple(sorted(points, key=lambda point: point.x)), smooth)


def _claimed(plan: Plan, names: Iterable[str]) -> dict[str, str]:
    """Metric to label, in the plan's order; each metric once."""
    names = list(names)
    found: dict[str, str] = {}
    for pattern, label in plan.metrics:
        shape = re.compile(re.escape(pattern).replace(r"\*", "(.*)"))
        for name in names:
            match = shape.fullmatch(name)
            if match and name not in found:
                found[name] = label.format(*(part.replace("_", " ") for part in match.groups()))
    return found


def _has_value(rows: Rows, name: str) -> bool:
    return any(plottable(row.get(name)) for row in rows)


def figures(rows: Rows) -> list[tuple[str, list[Figure]]]:
    """The figures of a run.

    Args:
        rows: Of metrics.jsonl, of any stage.

    Returns:
        Sections of figures that have something to show. Metrics that no plan names stand in the last section,
        one figure each.
    """
    names = [name for name in _names(rows) if _has_value(rows, name)]
    counter, left, sections = counter_of(rows), dict.fromkeys(names), []
    for title, plans in SECTIONS:
        made = []
        for plan in plans:
            claimed = _claimed(plan, left)
            lines = tuple(series_of(rows, name, label, smooth=plan.smooth) for name, label in claimed.items())
            left = {name: None for name in left if name not in claimed}
            if lines:
                made.append(
                    Figure(plan.slug, plan.title, plan.caption, lines, plan.percent, plan.limits, counter)
                )
        if made:
            sections.append((title, made))
    others = [
        Figure(f"other-{i}", name, "", (series_of(rows, name, name),), is_fraction(name), None, counter)
        for i, name in enumerate(list(left)[:_MOST_OTHERS])
    ]
    if others:
        sections.append((OTHERS, others))
    return sections
