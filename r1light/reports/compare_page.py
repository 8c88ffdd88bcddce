"""A comparison as a single HTML page."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from r1light.core.run_folder import write_atomic
from r1light.reports.axes import duration_text, number_text, plottable
from r1light.reports.changes import is_fraction
from r1light.reports.compare_console import clipped, csv_text, heads, lines, reading
from r1light.reports.compare_curves import curve_figures, curve_names
from r1light.reports.compare_pool import Row, cell_lines, metric_label
from r1light.reports.compare_runs import ComparedRun
from r1light.reports.compare_table import Comparison
from r1light.reports.figures import figure_html
from r1light.reports.html import Child, Html, page, tag
from r1light.reports.tables import fold, table

_STYLE = """
.compare .text { display: block; text-align: left; white-space: normal; min-width: 4rem; max-width: 18rem;
  overflow-wrap: anywhere; }
.compare td .text { width: max-content; }
.compare .mark { color: var(--good); font-weight: 600; margin-left: .3rem; }
.compare .spread { display: block; color: var(--soft); font-size: .92em; }
.compare tr > :first-child { position: sticky; left: 0; background: var(--paper); }
.compare tbody th { min-width: 3rem; }
.compare .name { display: block; width: max-content; max-width: min(14rem, 30vw); }
.compare thead th { vertical-align: bottom; }
.compare thead th:not(:first-child) { white-space: normal; min-width: 5rem; max-width: 9rem; }
.wide { overflow-x: auto; margin-top: .4rem;
  background: linear-gradient(var(--paper), var(--paper)) local 100% 0 / 2rem 100% no-repeat,
    linear-gradient(to left, var(--rule), transparent) scroll 100% 0 / 1rem 100% no-repeat; }
.note li, h1, h3 { overflow-wrap: anywhere; }
"""


def write_comparison(
    comparison: Comparison, page_path: Path, csv_path: Path, curves: Sequence[str] | None
) -> None:
    """Write the page and the spreadsheet's file.

    Args:
        comparison: What to show.
        page_path: Where the page goes; runs' reports are linked to from there.
        csv_path: Where the file of numbers goes.
        curves: Names of metrics.jsonl to draw; None for the usual ones.

    Raises:
        UnknownNameError: A curve that no run has.
        StorageError: If they cannot be written.
    """
    text = render_comparison(comparison, page_path.parent, curves)
    write_atomic(csv_path, csv_text(comparison).encode(errors="replace"))
    write_atomic(page_path, text.encode())


def render_comparison(comparison: Comparison, folder: Path, curves: Sequence[str] | None = None) -> str:
    """The page as a whole document; the same files give the same bytes.

    Args:
        comparison: What to show.
        folder: Where the page will lie.
        curves: As in `write_comparison`.

    Raises:
        UnknownNameError: A curve that no run has.
    """
    stages = sorted({run.stage for run in comparison.runs})
    title = f"Comparison of {len(comparison.runs)} runs"
    drawn = [figure_html(figure) for figure in curve_figures(comparison, curve_names(comparison, curves))]
    sections = [
        ("Numbers", [tag("p", reading(comparison)), _table(comparison, folder)]),
        ("Curves", [tag("div", [html for html in drawn if html is not None], class_="figures")]),
        ("What was compared", [_differences(comparison), _every_run(comparison, folder)]),
    ]
    if not any(drawn):
        del sections[1]
    slugs = {name: name.lower().replace(" ", "-") for name, _ in sections}
    top = tag(
        "header",
        tag("a", "Skip to the numbers", href="#main", class_="skip"),
        tag("h1", title),
        tag("p", f"stage={', '.join(stages)}", class_="lead"),
        tag("nav", [tag("a", name, href=f"#{slug}") for name, slug in slugs.items()], aria_label="Contents"),
    )
    body = [tag("section", tag("h2", name), inside, id=slugs[name]) for name, inside in sections]
    return page(title, top, tag("main", _notes(comparison), body, id="main"), more_style=_STYLE)


def _notes(comparison: Comparison) -> Html | None:
    if not comparison.notes:
        return None
    return tag("div", tag("ul", [tag("li", note) for note in comparison.notes]), class_="note", role="note")


def _table(comparison: Comparison, folder: Path) -> Html:
    body: list[list[Child]] = []
    for i, (row, texts) in enumerate(zip(comparison.rows, lines(comparison), strict=True)):
        cells: list[Child] = [_named(row, folder)]
        cells += [tag("span", clipped(text), class_="text") for text in texts[1:]]
        body.append(
            [*cells, *(_cell(row, name, best=comparison.is_best(i, name)) for name in comparison.metrics)]
        )
    first_number = len(heads(comparison)) - len(comparison.metrics)
    above: list[Child] = [
        tag("span", head, class_="text") if 0 < i < first_number else head
        for i, head in enumerate(heads(comparison))
    ]
    return _wide(table(above, body, class_="numbers compare"), "Runs side by side")


def _cell(row: Row, metric: str, *, best: bool) -> Child:
    mean, *spread = cell_lines(row.value(metric), metric)
    return [
        [tag("strong", mean), tag("span", "best", class_="mark")] if best else mean,
        *(tag("span", line, class_="spread") for line in spread),
    ]


def _wide(content: Html, name: str) -> Html:
    """What may be wider than the page and scrolls by itself, with the keyboard too."""
    return tag("div", content, class_="wide", tabindex="0", role="region", aria_label=name)


def _named(row: Row, folder: Path) -> Html:
    return _link(row.runs[0], folder) if len(row.runs) == 1 else tag("span", row.label, class_="name")


def _link(run: ComparedRun, folder: Path) -> Html:
    """A run's label, which leads to its own report if it has one."""
    report = run.record.folder.report
    if not report.exists():
        return tag("span", run.label, class_="name")
    address = quote(os.path.relpath(report, folder).replace(os.sep, "/"))
    return tag("a", run.label, href=address, class_="name")


def _differences(comparison: Comparison) -> Html:
    if not comparison.keys:
        return tag("p", "The configurations do not differ but in the seed.")
    columns = ["key", *(row.label for row in comparison.rows)]
    body = [
        [
            tag("span", key, class_="name"),
            *(tag("span", row.options.get(key, "–"), class_="text") for row in comparison.rows),
        ]
        for key in comparison.keys
    ]
    count = len(comparison.keys)
    title = f"Every key of the configuration, the seed apart, that differs ({count})"
    return fold(title, _wide(table(columns, body, class_="compare"), title))


def _every_run(comparison: Comparison, folder: Path) -> Html:
    state = tag("span", "state", class_="text")
    columns = ["run", state, "seed", "started", "wall time", *map(metric_label, comparison.metrics)]
    body = [[_link(run, folder), *_facts(run), *_numbers(run, comparison)] for run in comparison.runs]
    return fold("Every run by itself", _wide(table(columns, body, class_="compare numbers"), "Every run"))


def _facts(run: ComparedRun) -> Iterator[Child]:
    manifest = run.record.manifest
    seconds = manifest.get("wall_seconds")
    started = str(manifest.get("started") or "–").replace("T", " ").replace("+00:00", " UTC")
    yield tag("span", run.state, class_="text")
    yield run.seed or "–"
    yield started
    yield duration_text(float(seconds)) if plottable(seconds) and seconds is not None else "–"


def _numbers(run: ComparedRun, comparison: Comparison) -> Iterator[Child]:
    for name in comparison.metrics:
        yield number_text(run.record.metrics.get(name), percent=is_fraction(name))
