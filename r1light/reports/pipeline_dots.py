"""The numbers of a question as dots: before and after, with their intervals and what the claim asks for."""

from __future__ import annotations

import math

from r1light.reports.axes import Axis, nice_axis, number_text, plottable, value_axis
from r1light.reports.html import Html, join, tag
from r1light.reports.pipeline_words import ends, need_words, needed, number_words, range_words, side_words
from r1light.reports.question_intervals import Value
from r1light.reports.questions import Answer, CheckAnswer

_WIDTH, _HEIGHT = 380, 62
_LEFT, _RIGHT = 14, 14
_LARGE = 1e9
"""From here on ticks are words, such as "20 trillion"."""
_BEFORE, _AFTER, _AXIS = 12, 30, 44


def _axis(check: CheckAnswer) -> Axis | None:
    """From 0, or from below it, to beyond the largest number of the row; None where there is none."""
    sides = [side for side in (check.before, check.after) if side is not None]
    numbers = [n for side in sides for n in (side.mean, *(ends(check, side) or ())) if plottable(n)]
    if not any(plottable(side.mean) for side in sides):
        return None
    numbers += needed(check)
    if check.percent:
        return Axis(0.0, 1.0, 0.25)
    values = [float(number) for number in numbers if number is not None and plottable(number)]
    return value_axis(values) if not any(values) else nice_axis(min(0.0, *values), max(0.0, *values), 4)


def _x(axis: Axis, value: float) -> str:
    inside = min(max(axis.fraction(value), 0.0), 1.0)
    return f"{_LEFT + inside * (_WIDTH - _LEFT - _RIGHT):.1f}"


def _side(check: CheckAnswer, axis: Axis, value: Value | None, y: int, kind: str) -> list[Html]:
    if value is None or value.mean is None or not math.isfinite(value.mean):
        return []
    parts = []
    if span := ends(check, value):
        x1, x2 = (_x(axis, end) for end in span)
        parts.append(tag("line", x1=x1, x2=x2, y1=y, y2=y, class_=f"interval {kind}"))
    known = [seed for seed in value.by_seed.values() if seed is not None and math.isfinite(seed)]
    if len(known) > 1:
        parts += [tag("circle", cx=_x(axis, seed), cy=y, r="2", class_=f"seed {kind}") for seed in known]
    parts.append(tag("circle", cx=_x(axis, value.mean), cy=y, r="5.5", class_=f"mean {kind}"))
    return parts


def _said(check: CheckAnswer) -> str:
    parts = []
    for words, side in (("before", check.before), ("after", check.after)):
        if side is not None:
            span = range_words(check, side)
            parts.append(f"{words} {side_words(check, side)}" + (f" (95%: {span})" if span else ""))
    return f"{check.what}: {', '.join(parts)}. The claim asks for {need_words(check)}."


def _row(check: CheckAnswer) -> Html | None:
    axis = _axis(check)
    if axis is None:
        return None
    base = tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=_AXIS, y2=_AXIS, class_="axis")
    ticks = []
    labels = axis.labels(percent=check.percent)
    if max(abs(axis.low), abs(axis.high)) >= _LARGE:
        labels = [number_words(tick, percent=False) for tick in axis.ticks]
    for tick, words in zip(axis.ticks, labels, strict=True):
        anchor = {axis.low: "start", axis.high: "end"}.get(tick, "middle")
        x = _x(axis, tick)
        ticks.append(tag("line", x1=x, x2=x, y1=_AXIS, y2=_AXIS + 3, class_="axis"))
        ticks.append(tag("text", words, x=x, y=_AXIS + 16, text_anchor=anchor))
    marks = [
        tag("line", x1=_x(axis, place), x2=_x(axis, place), y1=3, y2=_AXIS, class_="needed")
        for place in needed(check)
        if axis.low <= place <= axis.high
    ]
    drawing = tag(
        "svg",
        tag("title", _said(check)),
        tag("g", base, ticks, aria_hidden="true"),
        marks,
        _side(check, axis, check.before, _BEFORE, "before"),
        _side(check, axis, check.after, _AFTER, "after"),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
    )
    return tag("li", tag("p", check.what), drawing)


def _key(kind: str, words: str) -> Html:
    shape = (
        tag("line", x1=7, x2=7, y1=0, y2=14, class_="needed")
        if kind == "needed"
        else tag("circle", cx=7, cy=7, r="5", class_=f"mean {kind}")
    )
    swatch = tag("svg", shape, viewBox="0 0 14 14", class_="dotkey", aria_hidden="true")
    return tag("li", swatch, words)


def dots_html(answer: Answer) -> Html | None:
    """All checks of a question that have a number, a row each; None where none has."""
    rows = [row for row in map(_row, answer.checks) if row is not None]
    if not rows:
        return None
    sides = [side for check in answer.checks for side in (check.before, check.after) if side is not None]
    spans = any(side.low is not None for side in sides)
    keys = [_key("before", "before"), _key("after", "after"), _key("needed", "what the claim asks for")]
    seeds = max(len(side.by_seed) for side in sides)
    said = "Each row has its own scale."
    said += " Lines: 95% intervals." if spans else ""
    said += f" Small dots: each of {number_text(seeds)} seeds." if seeds > 1 else ""
    return tag(
        "figure",
        tag("figcaption", tag("h3", "Before and after"), tag("p", said)),
        tag("ul", keys, class_="legend"),
        tag("ul", join(rows), class_="dots"),
        id=f"{answer.name}-dots",
    )
