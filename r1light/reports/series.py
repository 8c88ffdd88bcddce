"""What a figure is made of: points, series of them, and the figure that holds the series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from r1light.reports.axes import number_text

SMOOTHED = 20
"""From so many points on a moving average is drawn over the raw line."""
SPAN = 10
"""The moving average is over about this many points, more in a long series; see `moving_average`."""
_SPANS = 50
"""A series longer than SPAN times this is averaged over its length divided by this."""


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement.

    Attributes:
        x: Where, such as an iteration.
        y: The value; None where something was measured that is no finite number.
        error: Half-width of its interval, in units of y; None where unknown.
    """

    x: float
    y: float | None
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One line.

    Attributes:
        label: Its name in the legend.
        points: Ascending in x.
        smooth: Whether a moving average helps to read it, as it does with noise and not with a schedule.
        others: What it is the mean of, such as one line a seed; drawn thin.
    """

    label: str
    points: tuple[Point, ...]
    smooth: bool = True
    others: tuple[tuple[Point, ...], ...] = ()

    @property
    def drawn(self) -> list[Point]:
        """The points that have a value."""
        return [point for point in self.points if point.y is not None]

    @property
    def smoothed(self) -> bool:
        """Whether a moving average is drawn: it is wanted, and the line is long enough for one."""
        return self.smooth and len(self.drawn) >= SMOOTHED

    @property
    def span(self) -> int:
        """About how many points its moving average is over."""
        return max(SPAN, round(len(self.drawn) / _SPANS))


@dataclass(frozen=True, slots=True)
class Level:
    """A height to compare lines with.

    Attributes:
        y: Where it lies.
        label: What it is.
    """

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Figure:
    """What one set of axes shows.

    Attributes:
        slug: Unique on a page; letters, digits and hyphens.
        title: With the unit of y.
        caption: One or two sentences on how to read it.
        series: The lines; those without a value are left out.
        percent: Whether y is a share of a whole.
        limits: Fixed ends of the y axis, or None to fit the values. Values outside them widen it.
        x_label: What x counts.
        band: What the shaded bands are, where points have an interval.
        levels: Heights that are marked across the plot.
    """

    slug: str
    title: str
    caption: str
    series: tuple[Series, ...]
    percent: bool = False
    limits: tuple[float, float] | None = None
    x_label: str = "iteration"
    band: str = "± 1.96 standard errors"
    levels: tuple[Level, ...] = ()


def thin(count: int, keep: int) -> list[int]:
    """Evenly spread indices out of `count`, at most `keep`, first and last among them where keep > 1."""
    if count <= keep:
        return list(range(count))
    if keep < 2:
        return [0] * keep
    return [round(i * (count - 1) / (keep - 1)) for i in range(keep)]


def moving_average(values: Sequence[float], span: int) -> list[float]:
    """Exponential moving average with its start-up bias removed.

    The value at i is sum_j w^(i-j) v_j / sum_j w^(i-j) over j <= i, with w = 1 - 2 / (span + 1): the first is
    the first value, and a constant stays that constant.

    Args:
        values: Finite numbers, oldest first.
        span: About how many values are averaged, at least 1.
    """
    decay = 1 - 2 / (span + 1)
    total, weight, averages = 0.0, 0.0, []
    for value in values:
        total, weight = decay * total + value, decay * weight + 1
        averages.append(total / weight)
    return averages


def places(figure: Figure) -> dict[float, list[str]]:
    """Each x, ascending, with every series' value there as text.

    Returns:
        x to one text a series: "–" where it has no point, "not finite" where its point has no value.
    """
    at: dict[float, list[str]] = {}
    for column, series in enumerate(figure.series):
        for point in series.points:
            texts = at.setdefault(point.x, ["–"] * len(figure.series))
            texts[column] = "not finite" if point.y is None else number_text(point.y, percent=figure.percent)
            if point.error is not None and point.y is not None:
                texts[column] += f" ± {number_text(point.error, percent=figure.percent)}"
    return dict(sorted(at.items()))
