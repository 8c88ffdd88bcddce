"""The curves of a comparison: one line a run, or the mean over seeds with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from r1light.core.errors import unknown_name
from r1light.reports.axes import plottable
from r1light.reports.changes import is_fraction
from r1light.reports.compare_console import clipped
from r1light.reports.compare_pool import Row, metric_label, pool
from r1light.reports.compare_runs import ComparedRun
from r1light.reports.compare_table import Comparison
from r1light.reports.curves import counter_of, series_of
from r1light.reports.plots import COLOURS
from r1light.reports.series import Figure, Point, Series

DEFAULT = ("reward", "eval/pass@1", "completions/mean_length")
_WITHOUT_REWARD = ("loss", "eval/loss", "eval/accuracy")
"""Drawn where no run has any of the first ones, as in supervised stages."""
_NAMED = 3
"""So many options a line's label names."""
_VALUE = 24  # characters of each


def curve_names(comparison: Comparison, asked: Sequence[str] | None) -> list[str]:
    """The metrics that are drawn.

    Args:
        comparison: The runs.
        asked: Names of metrics.jsonl; None for the usual ones, as far as a run has them.

    Raises:
        UnknownNameError: A name that no run's metrics.jsonl has.
    """
    rows = (row for run in comparison.runs for row in run.record.rows)
    known = {name for row in rows for name, value in row.items() if plottable(value)}
    for name in asked or ():
        if name not in known:
            raise unknown_name("curve of these runs", name, known)
    if asked is not None:
        return list(dict.fromkeys(asked))
    usual = [name for name in DEFAULT if _is_line(comparison, name)]
    return usual or [name for name in _WITHOUT_REWARD if _is_line(comparison, name)]


def _is_line(comparison: Comparison, name: str) -> bool:
    return any(len(_values(run, name)) > 1 for run in comparison.runs)


def curve_figures(comparison: Comparison, names: Sequence[str]) -> Iterator[Figure]:
    """A figure for each metric; of many rows the first ones, as many as there are kinds of lines."""
    drawn = comparison.rows[:COLOURS]
    labels = line_labels(comparison)
    for i, name in enumerate(names):
        series = [_series(row, name, text) for row, text in zip(drawn, labels, strict=False)]
        told = [
            *(["Of several seeds the mean."] if any(len(row.runs) > 1 for row in drawn) else []),
            *(
                [f"The first {COLOURS} of {len(comparison.rows)} rows."]
                if len(comparison.rows) > COLOURS
                else []
            ),
        ]
        counters = sorted(
            {counter_of(run.record.rows) for row in drawn for run in row.runs if run.record.rows}
        )
        yield Figure(
            f"curve-{i}",
            metric_label(name),
            " ".join(told),
            tuple(series),
            is_fraction(name),
            x_label=" or ".join(counters),
            limits=_limits(series, percent=is_fraction(name)),
            band="± one standard deviation over seeds",
        )


def _limits(series: Sequence[Series], *, percent: bool) -> tuple[float, float] | None:
    """The ends of the y axis, so that the bands are in view; None where there are none."""
    points = [(point.y, point.error) for one in series for point in one.points if point.y is not None]
    if all(error is None for _, error in points):
        return None
    low, high = min(y - (error or 0.0) for y, error in points), max(y + (error or 0.0) for y, error in points)
    return (max(0.0, low), min(1.0, high)) if percent else (low, high)


def line_labels(comparison: Comparison) -> list[str]:
    """What a legend calls each row: its runs, the first options that differ, and a single run's seed."""
    labels = []
    for row in comparison.rows:
        options = [(comparison.short[key], row.options.get(key, "–")) for key in comparison.keys[:_NAMED]]
        if comparison.seeds_differ and len(row.runs) == 1:
            options.append(("seed", row.seeds))
        told = ", ".join(f"{name}={clipped(value, _VALUE)}" for name, value in options)
        labels.append(f"{row.label}: {told}" if told else row.label)
    return labels


def _series(row: Row, name: str, label: str) -> Series:
    """A single run's line; of several the mean where all of those that finished have a value.

    As long as none has finished, all are taken.
    """
    runs = row.finished or list(row.runs)
    lines = [_values(run, name) for run in runs]
    shared = sorted(set.intersection(*(set(line) for line in lines)))
    points = []
    for x in shared:
        pooled = pool([line[x] for line in lines])
        if pooled is not None:
            points.append(Point(x, pooled.mean, pooled.deviation))
    return Series(label, tuple(points))


def _values(run: ComparedRun, name: str) -> Mapping[float, float]:
    points = series_of(run.record.rows, name, name).points
    return {point.x: point.y for point in points if point.y is not None}
