"""Line plots as inline SVG, drawn from values alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from r1light.reports.axes import Axis, nice_axis, number_text, value_axis
from r1light.reports.html import Html, tag
from r1light.reports.series import Figure, Point, Series, moving_average, places, thin

WIDTH, HEIGHT = 640, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 14, 10, 44
_MARKED = 40
"""Up to so many points each is marked with a dot."""
_DRAWN = 400
_HOVERED = 150
COLOURS = 8
"""Series beyond this number start again with the first colour."""


@dataclass(frozen=True, slots=True)
class _Frame:
    x: Axis
    y: Axis

    def at(self, x: float, y: float) -> str:
        return f"{self.left(x):.1f} {self.top(y):.1f}"

    def left(self, x: float) -> float:
        return _LEFT + self.x.fraction(x) * (WIDTH - _LEFT - _RIGHT)

    def top(self, y: float) -> float:
        return HEIGHT - _BOTTOM - self.y.fraction(y) * (HEIGHT - _TOP - _BOTTOM)


def _extremes(points: Sequence[Point]) -> list[Point]:
    """At most about _DRAWN points that keep every bucket's smallest and largest value, in order."""
    if len(points) <= _DRAWN:
        return list(points)
    size = -(-2 * len(points) // _DRAWN)
    kept: list[Point] = []
    for start in range(0, len(points), size):
        bucket = [(point.y or 0.0, i) for i, point in enumerate(points[start : start + size])]
        kept.extend(points[start + i] for i in sorted({min(bucket)[1], max(bucket)[1]}))
    return kept


def _runs(points: Sequence[Point]) -> list[list[Point]]:
    """The stretches between points without a value."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if point.y is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _path(frame: _Frame, points: Sequence[Point], kind: str) -> Html:
    steps = " L".join(frame.at(point.x, point.y or 0.0) for point in points)
    return tag("path", d=f"M{steps}", class_=kind)


def _band(frame: _Frame, points: Sequence[Point], colour: str) -> Html | None:
    known = [(p.x, p.y, p.error) for p in points if p.y is not None and p.error is not None]
    if len(known) < 2:
        return None
    edge = [frame.at(x, min(y + e, frame.y.high)) for x, y, e in known]
    edge += [frame.at(x, max(y - e, frame.y.low)) for x, y, e in reversed(known)]
    return tag("path", d="M" + " L".join(edge) + "Z", class_=f"band {colour}")


def _line(frame: _Frame, series: Series, colour: str) -> Html:
    parts: list[Html | None] = [_band(frame, series.points, colour)]
    parts += [_path(frame, _extremes(run), f"raw {colour}") for each in series.others for run in _runs(each)]
    averages = iter(moving_average([point.y or 0.0 for point in series.drawn], series.span))
    for run in _runs(series.points):
        parts.append(_path(frame, _extremes(run), f"raw {colour}" if series.smoothed else f"line {colour}"))
        if series.smoothed:
            smooth = [Point(point.x, next(averages)) for point in run]
            parts.append(_path(frame, [smooth[i] for i in thin(len(run), _DRAWN)], f"line {colour}"))
    if len(series.drawn) <= _MARKED:
        for p in series.drawn:
            place = {"cx": f"{frame.left(p.x):.1f}", "cy": f"{frame.top(p.y or 0.0):.1f}"}
            parts.append(tag("circle", r="2.6", class_=f"dot {colour}", **place))
    return tag("g", parts)


def _grid(frame: _Frame, figure: Figure) -> Html:
    parts = []
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    for value, words in zip(frame.y.ticks, frame.y.labels(percent=figure.percent), strict=True):
        y = f"{frame.top(value):.1f}"
        parts.append(tag("line", x1=_LEFT, x2=right, y1=y, y2=y, class_="grid"))
        parts.append(tag("text", words, x=_LEFT - 8, y=y, dy="0.35em", text_anchor="end"))
    for value, words in zip(frame.x.ticks, frame.x.labels(), strict=True):
        x = f"{frame.left(value):.1f}"
        parts.append(tag("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="axis"))
        parts.append(tag("text", words, x=x, y=bottom + 18, text_anchor="middle"))
    parts.append(tag("line", x1=_LEFT, x2=right, y1=bottom, y2=bottom, class_="axis"))
    middle = (_LEFT + right) / 2
    parts.append(tag("text", figure.x_label, x=f"{middle:.1f}", y=HEIGHT - 6, text_anchor="middle"))
    return tag("g", parts, aria_hidden="true")


def _levels(frame: _Frame, figure: Figure) -> list[Html]:
    parts = []
    for level in figure.levels:
        y = frame.top(level.y)
        parts.append(tag("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="level"))
    return parts


def _hovers(frame: _Frame, figure: Figure) -> Html:
    texts = places(figure)
    xs = [list(texts)[i] for i in thin(len(texts), _HOVERED)]
    edges = [frame.x.low, *((a + b) / 2 for a, b in pairwise(xs)), frame.x.high]
    parts = []
    for i, x in enumerate(xs):
        left, right = frame.left(edges[i]), frame.left(edges[i + 1])
        said = [f"{figure.x_label} {number_text(x)}"]
        said += [f"{s.label}: {t}" for s, t in zip(figure.series, texts[x], strict=True) if t != "–"]
        shape = {"x": f"{left:.1f}", "width": f"{right - left:.1f}", "y": _TOP, "class_": "hit"}
        parts.append(
            tag("g", tag("title", " · ".join(said)), tag("rect", **shape, height=HEIGHT - _TOP - _BOTTOM))
        )
    return tag("g", parts, class_="hits")


def _frame(figure: Figure) -> _Frame:
    points = [point for one in figure.series for line in (one.points, *one.others) for point in line]
    values = [point.y for point in points if point.y is not None] + [level.y for level in figure.levels]
    xs = [point.x for point in points]
    if figure.limits is not None:
        low, high = figure.limits
        y = nice_axis(min(low, *values), max(high, *values))
    else:
        y = value_axis(values)
    x = nice_axis(min(xs), max(xs), whole=True)
    # The data fill the width: a rounded-up end would leave a long run's right side empty.
    return _Frame(Axis(min(xs), max(xs), x.step) if len(set(xs)) > 1 else x, y)


def _description(figure: Figure) -> str:
    """What a screen reader says: each line's first and last value."""
    said = []
    for series in figure.series:
        first, last = series.drawn[0], series.drawn[-1]
        said.append(
            f"{series.label}: {number_text(first.y, percent=figure.percent)} at {figure.x_label} "
            f"{number_text(first.x)}, {number_text(last.y, percent=figure.percent)} at {number_text(last.x)}."
        )
    said += [f"{level.label}: {number_text(level.y, percent=figure.percent)}." for level in figure.levels]
    return " ".join(said)


def line_svg(figure: Figure) -> Html:
    """The figure's drawing alone.

    Args:
        figure: With at least one series, each with at least one value.

    Returns:
        An `<svg>` with role img, a title and a description; colours are the page's CSS classes.

    Raises:
        ValueError: If there is nothing to draw.
    """
    frame = _frame(figure)
    name = f"fig-{figure.slug}"
    lines = [_line(frame, series, f"s{i % COLOURS}") for i, series in enumerate(figure.series)]
    return tag(
        "svg",
        tag("title", figure.title, id=f"{name}-title"),
        tag("desc", _description(figure), id=f"{name}-desc"),
        _grid(frame, figure),
        _levels(frame, figure),
        lines,
        _hovers(frame, figure),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )
