"""Runs that differ in the seed alone, and their numbers: mean, standard deviation and interval."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from r1light.reports.axes import number_text, plottable
from r1light.reports.changes import is_fraction, label
from r1light.reports.compare_runs import ComparedRun, natural
from r1light.reports.student_t import t_quantile

_LISTED = 3
"""A row of so many runs names each of them."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """One number of one or several runs.

    Attributes:
        count: Runs that have it.
        mean: Over them.
        deviation: The standard deviation over runs (of n - 1); None for a single one.
        half: Half of the 95% interval; None where unknown.
    """

    count: int
    mean: float
    deviation: float | None = None
    half: float | None = None


def pool(values: Sequence[float], errors: Sequence[float] = ()) -> Pooled | None:
    """Mean, standard deviation s = sqrt(sum (x - mean)^2 / (n - 1)), and half of the 95% interval.

    That is t s / sqrt(n) over runs, and not less than 1.96 times the mean of their standard errors over the
    problems: all runs have the same ones, and few runs may agree by chance.

    Args:
        values: One a run, finite, in any order: the result does not depend on it. None for no values.
        errors: Each value's standard error, where known; 0, as of problems that were all answered right,
            says nothing of how sure the value is.
    """
    count = len(values)
    if not count:
        return None
    mean = math.fsum(values) / count
    known = [error for error in errors if error] if len(errors) == count else []
    over_problems = 1.96 * math.fsum(known) / len(known) if known else 0.0
    if count == 1:
        return Pooled(1, mean, None, over_problems or None)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    over_runs = t_quantile(count - 1) * deviation / math.sqrt(count)
    return Pooled(count, mean, deviation, max(over_runs, over_problems) or None)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a run, or runs whose configuration differs in the seed alone.

    Attributes:
        runs: Its runs, in the natural order of their labels; at least one.
        options: Their configuration without the seed; in folders named after it, `*` stands for it.
    """

    runs: tuple[ComparedRun, ...]
    options: Mapping[str, str]

    @property
    def label(self) -> str:
        """The runs' labels, the first ones of many."""
        labels = [run.label for run in self.runs]
        if len(labels) <= _LISTED:
            return ", ".join(labels)
        return f"{', '.join(labels[:_LISTED])} and {len(labels) - _LISTED} more"

    @property
    def finished(self) -> list[ComparedRun]:
        """Its runs that have a result."""
        return [run for run in self.runs if run.state == "finished"]

    @property
    def seeds(self) -> str:
        """The seeds of all its runs."""
        return ", ".join(sorted({run.seed for run in self.runs if run.seed}, key=natural))

    @property
    def state(self) -> str:
        """How many of its runs have finished, or what the others are."""
        if len(self.runs) == 1:
            return self.runs[0].state
        done = len(self.finished)
        return "finished" if done == len(self.runs) else f"{done} of {len(self.runs)} finished"

    def value(self, metric: str) -> Pooled | None:
        """A metric over its finished runs; None where none has it as a finite number."""
        found = [run.record.metrics for run in self.finished if plottable(run.record.metrics.get(metric))]
        told = [metrics.get(f"{metric}_stderr") for metrics in found]
        errors = [float(error) for error in told if error is not None and plottable(error)]
        return pool([float(metrics[metric]) for metrics in found], errors)


def rows_of(runs: Sequence[ComparedRun], *, by_seed: bool) -> list[Row]:
    """The lines of the table, in the natural order of their labels.

    Args:
        runs: In any order.
        by_seed: Pool those whose configurations are the same but for the seed, and for folders named after it
            (`seed-0`), as a pipeline's steps have them. A seed that comes again, as with other code, is no
            further draw: it begins another line.
    """
    groups: dict[tuple[object, ...], list[ComparedRun]] = {}
    repeats: Counter[tuple[object, ...]] = Counter()
    for run in sorted(runs, key=lambda run: natural(run.label)):
        known = by_seed and run.options and run.seed
        key = tuple(sorted(_without_seed(run).items())) if known else (run.label,)
        repeats[key, run.seed] += 1
        groups.setdefault((key, repeats[key, run.seed]), []).append(run)
    return [Row(tuple(group), _without_seed(group[0], marked=by_seed)) for group in groups.values()]


def _without_seed(run: ComparedRun, *, marked: bool = True) -> dict[str, str]:
    options = {key: text for key, text in run.options.items() if key != "seed"}
    if not (marked and run.seed):
        return options
    own = re.compile(rf"(?<=seed-){re.escape(run.seed)}(?!\d)")
    return {key: own.sub("*", text) for key, text in options.items()}


def metric_label(metric: str) -> str:
    """A metric's name in words.

    Example:
        >>> metric_label("after/pass@1"), metric_label("num_tokens")
        ('pass@1, sampled (after)', 'num_tokens')
    """
    when, slash, rest = metric.partition("/")
    return f"{label(rest)} ({when})" if slash and when in ("before", "after") else label(metric)


def cell_lines(value: Pooled | None, metric: str) -> list[str]:
    """A number as a table shows it: its mean, ± half of the interval, standard deviation and number.

    The last two are left out where it is not known how sure the number is.
    """
    if value is None:
        return ["–"]
    percent = is_fraction(metric)
    told = [number_text(value.mean, percent=percent)]
    if value.half is not None:
        told.append(f"± {number_text(value.half, percent=percent)}")
    if value.deviation is not None:
        told.append(f"(sd {number_text(value.deviation, percent=percent)}, n={value.count})")
    return told
