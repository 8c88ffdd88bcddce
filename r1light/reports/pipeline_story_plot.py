"""The story as a figure: a panel a number, one above the other, with all stages side by side on one axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from r1light.reports.axes import Axis, nice_axis, number_text, plottable, value_axis
from r1light.reports.html import Html, tag
from r1light.reports.pipeline_story import TRACKS, Stage, Stretch, Track
from r1light.reports.series import SMOOTHED, SPAN, Point, moving_average, thin
from r1light.reports.tables import table

_WIDTH, _PANEL = 1120, 128
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 10, 12
_HEAD, _FOOT = 34, 40
_ROOM = 18
"""Least width of a stage besides its name, in the drawing's units."""
_LETTER = 7.4
_DRAWN = 400
_TABLED = 40
"""Rows of the table of numbers that a stage has at most."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Where a stage lies on the axis."""

    stage: Stage
    left: float
    width: float

    def x(self, update: float) -> float:
        """Where an update of the stage lies; the middle for a stage without any."""
        room = 10.0
        share = 0.5 if not self.stage.updates else update / self.stage.updates
        return self.left + room + share * (self.width - 2 * room)


def spans(stages: Sequence[Stage]) -> list[tuple[float, float]]:
    """Left end and width of each stage: by its updates, but never too narrow for its name.

    Returns:
        In the drawing's units, end to end over the whole width.
    """
    total = _WIDTH - _LEFT - _RIGHT
    least = [_ROOM + _LETTER * len(stage.title[:24]) for stage in stages]
    shrink = min(1.0, total / sum(least))
    least = [one * shrink for one in least]
    spare = total - sum(least)
    wants = [stage.updates for stage in stages]
    # Those that are wide enough by their names alone get nothing of what is spare.
    for _ in stages:
        scale = (spare + sum(one for one, want in zip(least, wants, strict=True) if want)) / (
            sum(wants) or 1.0
        )
        narrow = [i for i, want in enumerate(wants) if want and want * scale < least[i]]
        if not narrow:
            break
        for i in narrow:
            wants[i] = 0.0
    if not any(wants):
        widths = [one + spare / len(stages) for one in least]
    else:
        widths = [want * scale if want else one for want, one in zip(wants, least, strict=True)]
    lefts = [_LEFT + sum(widths[:i]) for i in range(len(widths))]
    return list(zip(lefts, widths, strict=True))


def _axis(track: Track, stretches: Sequence[Stretch]) -> Axis | None:
    values = [value for stretch in stretches for value in stretch.values if plottable(value)]
    if not values:
        return None
    if track.percent:
        return Axis(0.0, 1.0, 0.25) if min(values) >= 0 and max(values) <= 1 else value_axis(values)
    return nice_axis(min(0.0, *values), max(0.0, *values), 3)


def _y(axis: Axis, value: float) -> float:
    return _PANEL - _BOTTOM - axis.fraction(value) * (_PANEL - _TOP - _BOTTOM)


def _path(span: _Span, axis: Axis, points: Sequence[Point], kind: str) -> Html:
    kept = [points[i] for i in thin(len(points), _DRAWN)]
    places = [f"{span.x(p.x):.1f} {_y(axis, p.y or 0.0):.1f}" for p in kept]
    return tag("path", d="M" + " L".join(places), class_=kind)


def _lines(span: _Span, axis: Axis, track: Track, stretch: Stretch) -> Iterator[Html]:
    for other in stretch.others:
        yield _path(span, axis, other, "raw s0")
    line = stretch.line
    if track.smooth and len(line) >= SMOOTHED:
        if not stretch.others:
            yield _path(span, axis, line, "raw s0")
        # A mean over seeds is smoother already, and a long average would trail behind it.
        span_of = SPAN // 2 if stretch.others else SPAN
        averages = moving_average([p.y or 0.0 for p in line], span_of)
        line = tuple(Point(p.x, y) for p, y in zip(line, averages, strict=True))
    if len(line) == 1:
        yield tag(
            "circle",
            cx=f"{span.x(line[0].x):.1f}",
            cy=f"{_y(axis, line[0].y or 0.0):.1f}",
            r="2.4",
            class_="dot s0",
        )
    elif line:
        yield _path(span, axis, line, "line s0")
    x = f"{span.x(span.stage.updates):.1f}"
    for dot in stretch.dots if len(stretch.dots) > 1 else ():
        yield tag("circle", cx=x, cy=f"{_y(axis, dot):.1f}", r="2", class_="seed after")
    if stretch.dot is not None:
        yield tag("circle", cx=x, cy=f"{_y(axis, stretch.dot):.1f}", r="4.5", class_="mean after")


def _hovers(span: _Span, track: Track, stretch: Stretch) -> Html:
    """A text over every part of the stage; the evaluation's stands over its last part."""
    points = [stretch.line[i] for i in thin(len(stretch.line), 60)]
    end = "" if stretch.dot is None else f"evaluated: {number_text(stretch.dot, percent=track.percent)}"
    if not points:
        points = [Point(span.stage.updates, None)] if end else []
    xs = [span.x(point.x) for point in points]
    edges = [
        span.left,
        *((a + b) / 2 for a, b in pairwise(xs)),
        span.left + span.width,
    ]
    parts = []
    for i, point in enumerate(points):
        said = [span.stage.title]
        if point.y is not None:
            said.append(f"update {number_text(point.x)}: {number_text(point.y, percent=track.percent)}")
        if end and i == len(points) - 1:
            said.append(end)
        place = {"x": f"{edges[i]:.1f}", "width": f"{max(edges[i + 1] - edges[i], 0.0):.1f}"}
        hit = tag("rect", **place, y=_TOP, height=_PANEL - _TOP - _BOTTOM, class_="hit")
        parts.append(tag("g", tag("title", f"{track.title} · " + " · ".join(said)), hit))
    return tag("g", parts, class_="hits")


def _backs(placed: Sequence[_Span], height: int) -> list[Html]:
    """Every other stage is shaded, and each begins with a line."""
    parts = []
    for i, span in enumerate(placed):
        left, width = f"{span.left:.1f}", f"{span.width:.1f}"
        if i % 2:
            parts.append(tag("rect", x=left, y=0, width=width, height=height, class_="shade"))
        parts.append(tag("line", x1=left, x2=left, y1=0, y2=height, class_="grid"))
    return parts


def _head(placed: Sequence[_Span]) -> Html:
    names = [
        tag("text", short(span), x=f"{span.left + span.width / 2:.1f}", y=22, text_anchor="middle")
        for span in placed
    ]
    drawn = [*_backs(placed, _HEAD), *names]
    return tag("svg", drawn, viewBox=f"0 0 {_WIDTH} {_HEAD}", class_="names", aria_hidden="true")


def short(span: _Span) -> str:
    """A stage's name, cut where it has no room."""
    fits = max(2, int((span.width - 4) / _LETTER))
    return span.stage.title if len(span.stage.title) <= fits else span.stage.title[: fits - 1] + "…"


def _foot(placed: Sequence[_Span]) -> Html:
    parts = []
    for span in placed:
        middle = f"{span.left + span.width / 2:.1f}"
        words = number_text(span.stage.updates) if span.stage.updates else "–"
        parts.append(tag("text", words, x=middle, y=16, text_anchor="middle"))
    said = tag("text", "updates of each stage", x=_WIDTH / 2, y=35, text_anchor="middle")
    line = tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=0, y2=0, class_="axis")
    return tag("svg", line, parts, said, viewBox=f"0 0 {_WIDTH} {_FOOT}", aria_hidden="true")


def _described(track: Track, stages: Sequence[Stage]) -> str:
    said = []
    for stage in stages:
        stretch = stage.stretches[track.slug]
        if len(stretch.line) > 1:
            ends = (number_text(stretch.line[i].y, percent=track.percent) for i in (0, -1))
            said.append(f"{stage.title}: from {' to '.join(ends)}")
        elif stretch.dot is not None:
            said.append(f"{stage.title}: {number_text(stretch.dot, percent=track.percent)}")
    return "; ".join(said) + "."


def _panel(track: Track, placed: Sequence[_Span]) -> Html | None:
    stages = [span.stage for span in placed]
    axis = _axis(track, [stage.stretches[track.slug] for stage in stages])
    if axis is None:
        return None
    grid = []
    for tick, words in zip(axis.ticks, axis.labels(percent=track.percent), strict=True):
        y = f"{_y(axis, tick):.1f}"
        grid.append(tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="grid"))
        grid.append(tag("text", words, x=_LEFT - 8, y=y, dy="0.35em", text_anchor="end"))
    lines = [list(_lines(s, axis, track, s.stage.stretches[track.slug])) for s in placed]
    hovers = [_hovers(s, track, s.stage.stretches[track.slug]) for s in placed]
    name = f"story-{track.slug}"
    drawing = tag(
        "svg",
        tag("title", track.title, id=f"{name}-title"),
        tag("desc", _described(track, stages), id=f"{name}-desc"),
        tag("g", _backs(placed, _PANEL), grid, aria_hidden="true"),
        lines,
        hovers,
        viewBox=f"0 0 {_WIDTH} {_PANEL}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )
    return tag("div", tag("h3", track.title), drawing, class_="panel")


def _numbers(stages: Sequence[Stage], tracks: Sequence[Track]) -> Html:
    rows = []
    for stage in stages:
        lines = {t.slug: {p.x: p.y for p in stage.stretches[t.slug].line} for t in tracks}
        updates = sorted({x for line in lines.values() for x in line})
        for i in thin(len(updates), _TABLED):
            texts = (number_text(lines[t.slug].get(updates[i]), percent=t.percent) for t in tracks)
            rows.append([f"{stage.title}, update {number_text(updates[i])}", *texts])
        dots = [stage.stretches[t.slug].dot for t in tracks]
        if any(dot is not None for dot in dots):
            texts = (number_text(dot, percent=t.percent) for dot, t in zip(dots, tracks, strict=True))
            rows.append([f"{stage.title}, evaluated", *texts])
    shown = table(["where", *(t.title for t in tracks)], rows, caption="Means over seeds", class_="numbers")
    inside = tag("div", shown, class_="scroll", tabindex="0")
    return tag("details", tag("summary", "Numbers"), inside, class_="data")


def story_html(stages: Sequence[Stage]) -> Html | None:
    """The figure of all stages; None where no stage has any of the numbers."""
    tracks = [t for t in TRACKS if _axis(t, [stage.stretches[t.slug] for stage in stages]) is not None]
    if not tracks:
        return None
    placed = [_Span(stage, left, width) for stage, (left, width) in zip(stages, spans(stages), strict=True)]
    seeds = any(stage.stretches[t.slug].others for stage in stages for t in tracks)
    said = (
        "Lines: while a stage trains. Dots: the evaluation of the model that it ends with. A stage is as "
        "wide as its number of updates, or as its name; supervised stages draw nothing while they train, and "
        "have dots alone."
    )
    said += " Bold: mean over seeds; thin: each seed." if seeds else ""
    panels = [panel for panel in (_panel(track, placed) for track in tracks) if panel is not None]
    return tag(
        "figure",
        tag("figcaption", tag("p", said)),
        tag(
            "div",
            tag("div", _head(placed), panels, _foot(placed), class_="wide"),
            class_="across",
            tabindex="0",
            role="group",
            aria_label="Curves through all stages",
        ),
        tag("p", class_="readout", aria_hidden="true"),
        _numbers(stages, tracks),
        id="story-figure",
        class_="story",
    )
