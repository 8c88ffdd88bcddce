"""The paper's own rows beside a run's: a dot for each of its models, a table, and how it measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from r1light.reports.axes import Axis, nice_axis
from r1light.reports.html import Html, join, tag
from r1light.reports.paper_results import MODELS
from r1light.reports.paper_rows import Ours, PaperFigure, paper_figures, paper_tasks
from r1light.reports.tables import fold, table

_WIDTH, _HEIGHT, _SIDE = 380, 54, 16
_Y, _AXIS = 16, 32

PAPER_STYLE = r"""
.beside { list-style: none; margin: .5rem 0 0; padding: 0; }
.beside li { display: grid; grid-template-columns: minmax(0, 9fr) minmax(0, 21fr); gap: .2rem 1rem;
  align-items: center; padding: .3rem 0; }
.beside li + li { border-top: 1px solid var(--rule); }
@media (min-width: 50.01rem) {
  .beside { columns: 2; column-gap: 2.5rem; }
  .beside li { break-inside: avoid; }
}
.beside p { font: .82rem/1.4 var(--sans); margin: 0; }
.beside svg { width: 100%; height: auto; display: block; }
.theirs { fill: var(--panel); stroke: var(--soft); stroke-width: 1.4; }
.ours { fill: var(--s0); }
.reach { stroke: var(--s0); stroke-width: 3; opacity: .4; stroke-linecap: round; }
.dotkey { width: 14px; height: 14px; margin-right: .35rem; vertical-align: -2px; }
.paper, .tasks { overflow-x: auto; margin: 1.2rem 0 .6rem; }
.tasks th, .tasks td, .paper tbody th { white-space: nowrap; padding-right: 1.2rem; }
.paper thead th { vertical-align: bottom; min-width: 5.2rem; }
.paper th small { display: block; font-weight: 400; color: var(--soft); }
.paper tbody tr:not(:first-child) { color: var(--soft); font-style: italic; }
.paper tbody tr:first-child > * { font-weight: 600; border-bottom: 2px solid var(--rule); }
@media screen and (max-width: 36rem) {
  .beside li { grid-template-columns: minmax(0, 1fr); }
  .beside svg text { font-size: 15px; }
}
"""


def paper_html(metrics: Mapping[str, float]) -> Html | None:
    """The section; None where the run has asked no benchmark that the paper has."""
    figures = paper_figures(metrics)
    if not figures:
        return None
    return join(
        tag(
            "p",
            "Only the first row is this run's. All others are printed in the paper (DeepSeek-R1, "
            "arXiv:2501.12948v2), were measured by its authors, and are not measured again here. "
            "In percent, but for ratings. ±: 1.96 standard errors.",
        ),
        _dots(figures),
        tag("div", _table(figures), class_="paper"),
        fold("How the paper measured", _protocols(metrics)),
    )


def _cell(figure: PaperFigure, ours: Ours | None) -> str:
    if ours is None:
        return ""
    shown = figure.text(ours.value)
    return shown if ours.error is None else f"{shown} ± {figure.text(ours.error)}"


def _table(figures: Sequence[PaperFigure]) -> Html:
    rows: list[list[Html | str]] = [["This run", *(_cell(each, each.ours) for each in figures)]]
    for model in MODELS:
        values = [model.values.get(each.name) for each in figures]
        if any(value is not None for value in values):
            name = join(model.name, tag("small", f"the paper’s, {model.source}"))
            cells = zip(figures, values, strict=True)
            rows.append([name, *("" if value is None else each.text(value) for each, value in cells)])
    return table(["", *(each.title for each in figures)], rows, class_="numbers")


def _protocols(metrics: Mapping[str, float]) -> Html:
    rows = [
        [found.title, _asked(metrics, name), found.protocol] for name, found in paper_tasks(metrics).items()
    ]
    return table(["benchmark", "by this run", "by the paper"], rows)


def _asked(metrics: Mapping[str, float], task: str) -> str:
    """How much of a benchmark the run has asked."""
    problems, completions = metrics[f"{task}/problems"], metrics.get(f"{task}/completions", 0.0)
    return f"{problems:.0f} problems, {completions / problems:.3g} completions of each"


def _axis(figure: PaperFigure) -> Axis:
    if figure.percent:
        return Axis(0.0, 100.0, 25.0)
    values = [value for _, value in figure.theirs]
    if figure.ours is not None:
        reach = figure.ours.error or 0.0
        values += [figure.ours.value - reach, figure.ours.value + reach]
    return nice_axis(min(values), max(values), 4)


def _x(axis: Axis, value: float) -> str:
    inside = min(max(axis.fraction(value), 0.0), 1.0)
    return f"{_SIDE + inside * (_WIDTH - 2 * _SIDE):.1f}"


def _mine(figure: PaperFigure, axis: Axis) -> list[Html]:
    if figure.ours is None:
        return []
    value, reach = figure.ours.value, figure.ours.error
    marks = []
    if reach is not None:
        x1, x2 = _x(axis, value - reach), _x(axis, value + reach)
        marks.append(tag("line", x1=x1, x2=x2, y1=_Y, y2=_Y, class_="reach"))
    return [*marks, tag("circle", cx=_x(axis, value), cy=_Y, r="5.5", class_="ours")]


def _row(figure: PaperFigure) -> Html:
    axis = _axis(figure)
    ticks = []
    for tick, words in zip(axis.ticks, axis.labels(), strict=True):
        x = _x(axis, tick)
        ticks.append(tag("line", x1=x, x2=x, y1=_AXIS, y2=_AXIS + 3, class_="axis"))
        ticks.append(tag("text", words, x=x, y=_AXIS + 17, text_anchor="middle"))
    theirs = [
        tag(
            "circle",
            tag("title", f"{name}, by the paper: {figure.text(value)}"),
            cx=_x(axis, value),
            cy=_Y,
            r="4.5",
            class_="theirs",
        )
        for name, value in figure.theirs
    ]
    said = ", ".join(f"{name} {figure.text(value)}" for name, value in figure.theirs)
    drawing = tag(
        "svg",
        tag(
            "title", f"{figure.title}: this run {_cell(figure, figure.ours) or 'has none'}; the paper: {said}"
        ),
        tag("line", x1=_SIDE, x2=_WIDTH - _SIDE, y1=_AXIS, y2=_AXIS, class_="axis"),
        tag("g", ticks, aria_hidden="true"),
        theirs,
        _mine(figure, axis),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
    )
    return tag("li", tag("p", figure.title), drawing)


def _dots(figures: Sequence[PaperFigure]) -> Html:
    keys = []
    for kind, words in (("ours", "this run, with its 95% interval"), ("theirs", "the paper’s models")):
        dot = tag("circle", cx=7, cy=7, r="5", class_=kind)
        keys.append(
            tag("li", tag("svg", dot, viewBox="0 0 14 14", class_="dotkey", aria_hidden="true"), words)
        )
    return tag(
        "figure",
        tag("figcaption", tag("h3", "This run among the paper’s models")),
        tag("ul", keys, class_="legend"),
        tag("ul", [_row(each) for each in figures], class_="beside"),
    )
