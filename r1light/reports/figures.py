"""A figure on a page: its plot, its legend, and its numbers as a table.

The numbers are there three times: as lines, as a text where the pointer rests, and as a table for those who
cannot see the lines or would rather read.
"""

from __future__ import annotations

from dataclasses import replace

from r1light.reports.axes import number_text
from r1light.reports.html import Html, tag
from r1light.reports.plots import COLOURS, line_svg
from r1light.reports.series import Figure, Series, places, thin
from r1light.reports.tables import table

_TABLED = 200


def _swatch(kind: str) -> Html:
    line = tag("line", x1=0, x2=26, y1=5, y2=5, class_=kind)
    return tag("svg", line, viewBox="0 0 26 10", class_="swatch", aria_hidden="true")


def _legend(figure: Figure) -> Html:
    entries = []
    for i, series in enumerate(figure.series):
        swatch = _swatch(f"line s{i % COLOURS}")
        last = number_text(series.drawn[-1].y, percent=figure.percent)
        entries.append(tag("li", swatch, series.label, " ", tag("b", last)))
    entries += [tag("li", _swatch("level"), level.label) for level in figure.levels]
    spans = sorted({series.span for series in figure.series if series.smoothed})
    if spans:
        said = f"bold: moving average over {' or '.join(map(str, spans))} points, faint: raw"
        entries.append(tag("li", said, class_="how"))
    if any(series.others for series in figure.series):
        entries.append(tag("li", "bold: mean over seeds, thin: each seed", class_="how"))
    return tag("ul", entries, class_="legend")


def _notes(figure: Figure) -> list[str]:
    notes = []
    if any(point.error is not None for series in figure.series for point in series.points):
        notes.append(f"Shaded: {figure.band}.")
    broken = sum(len(series.points) - len(series.drawn) for series in figure.series)
    if broken:
        notes.append(
            f"{broken} value{'s are' if broken > 1 else ' is'} not finite and left out of the lines."
        )
    return notes


def _numbers(figure: Figure) -> Html:
    rows = list(places(figure).items())
    kept = [rows[i] for i in thin(len(rows), _TABLED)]
    said = (
        f"{figure.title}, every row"
        if len(kept) == len(rows)
        else f"{figure.title}, {len(kept)} of {len(rows)} rows"
    )
    columns = [figure.x_label, *(series.label for series in figure.series)]
    body = [[number_text(x), *texts] for x, texts in kept]
    shown = table(columns, body, caption=said, class_="numbers")
    return tag("details", tag("summary", "Numbers"), tag("div", shown, class_="scroll"), class_="data")


def figure_html(figure: Figure) -> Html | None:
    """A figure as an HTML element.

    Args:
        figure: What to show; series without a value are left out.

    Returns:
        A `<figure>`, or None if no series has a value.
    """
    series: tuple[Series, ...] = tuple(one for one in figure.series if one.drawn)
    if not series:
        return None
    figure = replace(figure, series=series)
    return tag(
        "figure",
        tag("figcaption", tag("h3", figure.title), tag("p", " ".join([figure.caption, *_notes(figure)]))),
        _legend(figure),
        line_svg(figure),
        tag("p", class_="readout", aria_hidden="true"),
        _numbers(figure),
        id=figure.slug,
    )
