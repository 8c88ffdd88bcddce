"""The numbers of checks in words."""

from __future__ import annotations

import math

from r1light.reports.axes import number_text
from r1light.reports.question_intervals import Value
from r1light.reports.questions import CheckAnswer

MINUS = "\u2212"


_LARGE = (
    (1e18, "quintillion"),
    (1e15, "quadrillion"),
    (1e12, "trillion"),
    (1e9, "billion"),
    (1e6, "million"),
)


def number_words(value: float | None, *, percent: bool) -> str:
    """A number before or after; a dash where it is not known, and words where it is large.

    Example:
        >>> number_words(0.25, percent=True), number_words(1.86e13, percent=False)
        ('25.0%', '18.6 trillion')
    """
    if value is None:
        return "–"
    if not percent and math.isfinite(value):
        for size, name in _LARGE:
            if abs(value) >= size:
                return f"{value / size:.4g} {name}".replace("-", MINUS)
    return number_text(value, percent=percent)


def side_words(check: CheckAnswer, value: Value) -> str:
    """A number before or after, as its mean; says so where a level was never reached."""
    if value.never is not None and value.mean is not None and math.isinf(value.mean):
        return f"not reached in {number_text(round(value.never, 1))}"
    return number_words(value.mean, percent=check.percent)


def ends(check: CheckAnswer, value: Value) -> tuple[float, float] | None:
    """The interval of a number before or after; None where there is none.

    Few seeds make wide intervals: they are cut where the number itself cannot lie, below 0 and above 100%.
    """
    if value.low is None or value.high is None:
        return None
    low, high = value.low, value.high
    if check.percent:
        return max(low, 0.0), min(high, 1.0)
    return (max(low, 0.0) if check.after_spec.reaches else low), high


def range_words(check: CheckAnswer, value: Value) -> str | None:
    """The interval of a number before or after in words; None where there is none."""
    found = ends(check, value)
    return " to ".join(number_words(end, percent=check.percent) for end in found) if found else None


def compared_words(check: CheckAnswer, value: float | None) -> str:
    """A compared number with its unit: points, times or as it is."""
    if value is None:
        return "–"
    if math.isinf(value):
        return "no end to it" if check.compare == "ratio" else number_text(value)
    if check.compare == "ratio":
        return f"{number_text(value)} times"
    if check.compare == "value":
        return number_words(value, percent=check.percent)
    sign = "+" if value > 0 else ""
    if check.percent:
        return f"{sign}{100 * value:.1f} points".replace("-", MINUS)
    return sign + number_words(value, percent=False)


def compared_range_words(check: CheckAnswer) -> str | None:
    """The interval of the compared number; None where there is none."""
    low, high = check.compared.low, check.compared.high
    if low is None or high is None:
        return None
    first, last = (compared_words(check, end) for end in (low, high))
    for unit in (" points", " times"):
        first = first.removesuffix(unit)
    return f"{first} to {last}"


def need_words(check: CheckAnswer) -> str:
    """What the claim asks of the compared number."""
    if check.compare == "difference" and 0.0 in (check.at_least, check.at_most):
        sides = (("no less", check.at_least), ("no more", check.at_most))
        return " and ".join(f"{words} than before" for words, bound in sides if bound == 0)
    said = [
        f"{words} {compared_words(check, bound)}"
        for words, bound in (("at least", check.at_least), ("at most", check.at_most))
        if bound is not None
    ]
    return " and ".join(said) if said else "no threshold"


def needed(check: CheckAnswer) -> list[float]:
    """Where the number after has to lie, given the one before: one place a threshold, none if unknown."""
    before = None if check.before is None else check.before.mean
    places = []
    for bound in (check.at_least, check.at_most):
        if bound is None:
            continue
        if check.compare == "value":
            places.append(bound)
        elif before is not None:
            places.append(before + bound if check.compare == "difference" else before * bound)
    return [place for place in places if math.isfinite(place)]


def count_words(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun.

    Example:
        >>> count_words(1, "step"), count_words(3, "step")
        ('1 step', '3 steps')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
