"""The comparison itself: its rows in order, the options that differ, the numbers, and which is best."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from r1light.core.errors import unknown_name
from r1light.reports.axes import plottable
from r1light.reports.changes import changes
from r1light.reports.compare_notes import notes_on
from r1light.reports.compare_pool import Pooled, Row, rows_of
from r1light.reports.compare_runs import ComparedRun, natural

Direction = Literal["highest", "lowest"]
Best = Literal["auto", "highest", "lowest"]

_MOST_METRICS = 6
_MOST_KEYS = 6
"""Options that the table has columns for; the page lists them all."""
_HEADLINES = ("pass@1_greedy", "pass@1", "mean_length", "accuracy", "loss")
_LOWEST = re.compile(
    r"(^|/)(loss|brier|ece|truncated|unjudged|repetition|kl|perplexity)$|error|clipped|abstain|all_wrong|dropped|_seconds$"
)
_HIGHEST = re.compile(
    r"pass@|cons@|accuracy|(^|/)reward$|^rewards/.*/mean$|score|(^|/)(format|well_formed|readable|agreement)$|consistency|_holds$"
)
_NO_HEADLINE = re.compile(r"_stderr$|_seconds$|^(time|perf|host)/")
"""What says little of a model: not shown unless asked for."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side.

    Attributes:
        rows: The lines of the table, the best first.
        keys: Every key of the configuration that differs between rows, those set on a command line first.
        short: The shortest name that tells a key from the other ones of `keys`.
        metrics: The numbers shown.
        objective: The first of them, which the rows are sorted by; None if there is no number. Equal rows are
            sorted by the others.
        best: Metric to the indices of the rows that are best by it.
        notes: What a reader has to know, a sentence each.
    """

    rows: tuple[Row, ...]
    keys: tuple[str, ...]
    short: Mapping[str, str]
    metrics: tuple[str, ...]
    objective: str | None
    best: Mapping[str, frozenset[int]]
    notes: tuple[str, ...]

    @property
    def runs(self) -> list[ComparedRun]:
        """All runs, row by row."""
        return [run for row in self.rows for run in row.runs]

    def is_best(self, row: int, metric: str) -> bool:
        """Whether that row, counted from 0, is among the best by that metric."""
        return row in self.best.get(metric, ())

    @property
    def columns(self) -> tuple[str, ...]:
        """The keys that the table has columns for."""
        return self.keys[:_MOST_KEYS]

    @property
    def seeds_differ(self) -> bool:
        """Whether there is more than one seed."""
        return len({run.seed for run in self.runs}) > 1

    @property
    def all_finished(self) -> bool:
        """Whether every run has a result."""
        return all(run.state == "finished" for run in self.runs)


def compare(
    runs: Sequence[ComparedRun],
    *,
    metrics: Sequence[str] | None = None,
    by_seed: bool = True,
    best: Best = "auto",
    more_notes: Sequence[str] = (),
) -> Comparison:
    """Put runs side by side.

    Args:
        runs: In any order: the comparison does not depend on it.
        metrics: Names of result.json's metrics to show, the one to sort by first; None for the headline ones.
        by_seed: Pool runs that differ in the seed alone.
        best: Whether the number to sort by is best at its highest or lowest; "auto" goes by its name.
        more_notes: Notes of the caller's.

    Raises:
        UnknownNameError: A metric that no run has; lists those there are and the nearest.
    """
    rows = rows_of(runs, by_seed=by_seed)
    finished = [run for row in rows for run in row.finished]
    known = {name for run in finished for name, value in run.record.metrics.items() if plottable(value)}
    for name in metrics or ():
        if name not in known:
            raise unknown_name("metric of these runs", name, known)
    shown = list(dict.fromkeys(metrics)) if metrics else default_metrics(finished)
    objective = shown[0] if shown else None
    asked = _asked(runs)
    if not metrics and asked in known:
        objective, shown = asked, [asked, *(name for name in shown if name != asked)]
    directions = {name: direction(name) for name in shown}
    if objective is not None and best != "auto":
        directions[objective] = best
    rows.sort(key=lambda row: [_place(row.value(name), directions[name]) for name in shown])
    keys = differing_keys(rows)
    marks = {name: _best(rows, name, towards) for name, towards in directions.items() if towards is not None}
    notes = [*more_notes, *notes_on(rows, shown, hidden=len(keys) - _MOST_KEYS)]
    return Comparison(
        tuple(rows), tuple(keys), short_names(keys), tuple(shown), objective, marks, tuple(notes)
    )


def _asked(runs: Sequence[ComparedRun]) -> str:
    """The objective that all runs' configurations name; the text "null" is no metric's name."""
    named = {run.options.get("objective", "null") for run in runs}
    return named.pop() if len(named) == 1 else "null"


def _place(value: Pooled | None, towards: Direction | None) -> tuple[bool, float]:
    """The best first, the highest where none is best; sorting leaves equals in the order of their labels."""
    if value is None:
        return True, 0.0
    return False, value.mean if towards == "lowest" else -value.mean


def direction(metric: str) -> Direction | None:
    """Where a metric is best, by its name; None where neither more nor less is better.

    Example:
        >>> direction("after/pass@1"), direction("after/loss"), direction("mean_length")
        ('highest', 'lowest', None)
    """
    if _LOWEST.search(metric):
        return "lowest"
    return "highest" if _HIGHEST.search(metric) else None


def _best(rows: Sequence[Row], metric: str, towards: Direction) -> frozenset[int]:
    """The rows with the best value; none if they are all alike or there is only one."""
    values = {i: value.mean for i, row in enumerate(rows) if (value := row.value(metric)) is not None}
    if len(values) < 2 or len(set(values.values())) == 1:
        return frozenset()
    top = max(values.values()) if towards == "highest" else min(values.values())
    return frozenset(i for i, value in values.items() if value == top)


def default_metrics(runs: Sequence[ComparedRun]) -> list[str]:
    """The numbers after training of runs that measured before and after it, else pass@1 and what varies most.

    Args:
        runs: Finished ones; only what all of them have is taken.
    """
    if not runs:
        return []
    measured = [
        {change.name: change for change in changes(run.record.metrics) if plottable(change.after)}
        for run in runs
    ]
    paired = [name for name in measured[0] if all(name in each for each in measured)]
    if paired:
        told = [
            f"after/{name}"
            for name in paired
            if name in _HEADLINES or _variation([each[name].after for each in measured]) > 0
        ]
        return told[:_MOST_METRICS]
    shared = set.intersection(*({*run.record.metrics} for run in runs))
    varying = {
        name: _variation([run.record.metrics[name] for run in runs])
        for name in shared
        if not _NO_HEADLINE.search(name) and all(plottable(run.record.metrics[name]) for run in runs)
    }

    def place(name: str) -> tuple[bool, float, str]:
        return name.rpartition("/")[2] != "pass@1", -varying[name], name

    return sorted(varying, key=place)[:_MOST_METRICS]


def _variation(values: Sequence[float]) -> float:
    """The range of values, as a share of the largest in size."""
    size = max(map(abs, values))
    return (max(values) - min(values)) / size if size else 0.0


def differing_keys(rows: Sequence[Row]) -> list[str]:
    """The keys that have not the same value in all rows: those that a command line set first, then by name.

    The seed is none of them; it has a column of its own.
    """
    names = {key for row in rows for key in row.options}
    differing = [key for key in names if len({row.options.get(key) for row in rows}) > 1]
    lines = {line for row in rows for run in row.runs for line in run.overrides}
    by_hand = {line.lstrip("+~").partition("=")[0] for line in lines}
    first = {key: key in by_hand or key.removesuffix(".name") in by_hand for key in differing}
    return sorted(differing, key=lambda key: (not first[key], natural(key)))


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Each key's last parts, as many as tell it from the others.

    Example:
        >>> short_names(["stage.lr", "model.name", "a.weight", "b.weight"])
        {'stage.lr': 'lr', 'model.name': 'model', 'a.weight': 'a.weight', 'b.weight': 'b.weight'}
    """
    parts = {key: key.removesuffix(".name").split(".") for key in keys}
    short = {}
    for key, mine in parts.items():
        ends = [mine[-count:] for count in range(1, len(mine) + 1)]
        alone = (end for end in ends if sum(theirs[-len(end) :] == end for theirs in parts.values()) == 1)
        short[key] = ".".join(next(alone, mine))
    return short
