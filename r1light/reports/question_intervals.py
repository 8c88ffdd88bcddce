"""The arithmetic of checks: a number over seeds with its interval, and two of them compared seed by seed.

Intervals are at 95%: over two seeds or more, mean ± t s / sqrt(n) (Student's t, n - 1 degrees of freedom);
over one seed, ± 1.96 standard errors as the results give them, combined to first order; else there is none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from r1light.reports.question_numbers import Found
from r1light.reports.student_t import t_quantile

_Z = 1.96


@dataclass(frozen=True, slots=True)
class Value:
    """One number of a check.

    Attributes:
        by_seed: Seed to the number; None where it is not known, infinite where it was never reached.
        mean: Over the seeds; None if one of them is not known.
        low: Lower end of its 95% interval, None where there is none.
        high: Upper end.
        never: How far the longest curve went that did not reach its level; None where all did.
    """

    by_seed: Mapping[int, float | None]
    mean: float | None
    low: float | None = None
    high: float | None = None
    never: float | None = None


def paired(
    compare: Callable[[Found, Found], Found], after: Mapping[int, Found], before: Mapping[int, Found] | None
) -> dict[int, Found]:
    """The compared numbers by seed; a side that serves all seeds is held against each of the other's."""
    if before is None:
        return {seed: compare(found, found) for seed, found in after.items()}
    seeds = after if len(after) >= len(before) else before
    one_after, one_before = next(iter(after.values())), next(iter(before.values()))
    return {seed: compare(after.get(seed, one_after), before.get(seed, one_before)) for seed in seeds}


def _difference(after: Found, before: Found) -> Found:
    if after.value is None or before.value is None:
        return Found(None)
    if math.isinf(after.value):
        return after
    error = None
    if after.stderr is not None and before.stderr is not None:
        error = math.hypot(after.stderr, before.stderr)
    return Found(after.value - before.value, error)


def _ratio(after: Found, before: Found) -> Found:
    """After over before; a number over 0 is infinite, and 0 over 0 is none."""
    a, b = after.value, before.value
    if a is None or b is None:
        return Found(None)
    if math.isinf(a):
        return after
    if b == 0:
        return Found(None if a == 0 else math.copysign(math.inf, a))
    ratio, error = a / b, None
    if after.stderr is not None and before.stderr is not None and math.isfinite(ratio):
        error = math.hypot(after.stderr, ratio * before.stderr) / abs(b)
    return Found(ratio, error)


COMPARED: Mapping[str, Callable[[Found, Found], Found]] = {
    "value": lambda after, _: after,
    "difference": _difference,
    "ratio": _ratio,
}
"""What is held against a threshold, by the name it has in questions."""


def over_seeds(found: Mapping[int, Found]) -> Value:
    """A number over seeds: its mean and the mean's interval, where all seeds have the number."""
    by_seed = {seed: each.value for seed, each in found.items()}
    known = [value for value in by_seed.values() if value is not None]
    never = max((each.never for each in found.values() if each.never is not None), default=None)
    if len(known) < len(by_seed) or not known:
        return Value(by_seed, None, never=never)
    if infinite := {value for value in known if math.isinf(value)}:
        return Value(by_seed, infinite.pop() if len(infinite) == 1 else None, never=never)
    middle = mean(known)
    half = _half_width(known, next(iter(found.values())).stderr)
    if half is None or not (math.isfinite(middle - half) and math.isfinite(middle + half)):
        return Value(by_seed, middle)
    return Value(by_seed, middle, middle - half, middle + half)


def _half_width(values: Sequence[float], stderr: float | None) -> float | None:
    """Half of the 95% interval of the values' mean."""
    if len(values) == 1:
        return None if stderr is None else _Z * stderr
    freedom = len(values) - 1
    quantile = t_quantile(freedom)
    return quantile * stdev(values) / math.sqrt(len(values))
