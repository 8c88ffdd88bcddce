"""A comparison as a table for a terminal, and as a file for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from r1light.reports.axes import plottable
from r1light.reports.compare_pool import cell_text, metric_label
from r1light.reports.compare_table import Comparison, direction
from r1light.reports.terminal import safe

if TYPE_CHECKING:
    from rich.table import Table

_CLIPPED = 60
"""So many characters of an option a table shows."""
FEW_SEEDS = 3
"""Student's t with two degrees of freedom is 4.3, with one 12.7."""
_FORMULA_STARTS = ("=", "@", "+", "-", "\t", "\r")


def clipped(text: str, length: int = _CLIPPED) -> str:
    """Text of at most so many characters; what was cut shows as an ellipsis."""
    return text if len(text) <= length else text[: length - 1] + "…"


def heads(comparison: Comparison) -> list[str]:
    """What stands above the columns of the table: run, state, seeds, options, metrics."""
    return [
        "run",
        *([] if comparison.all_finished else ["state"]),
        *(["seed"] if comparison.seeds_differ else []),
        *(comparison.short[key] for key in comparison.columns),
        *map(metric_label, comparison.metrics),
    ]


def lines(comparison: Comparison) -> Iterator[list[str]]:
    """Each row's texts, up to its first number."""
    for row in comparison.rows:
        texts = [row.label]
        texts += [] if comparison.all_finished else [row.state]
        texts += [row.seeds] if comparison.seeds_differ else []
        texts += [row.options.get(key, "–") for key in comparison.columns]
        yield texts


def reading(comparison: Comparison) -> str:
    """How to read the table."""
    told = []
    if comparison.objective is not None:
        order = "sorted by" if direction(comparison.objective) else "from the highest to the lowest"
        told.append(f"Runs as rows, {order} {metric_label(comparison.objective)}.")
    numbers = [row.value(name) for row in comparison.rows for name in comparison.metrics]
    if any(number and number.deviation is not None for number in numbers):
        told.append(
            "Runs that differ in the seed alone are one row: their mean ± half of the 95% t-interval, the "
            "standard deviation over seeds (sd) and their number (n)."
        )
    if any(number and 1 < number.count <= FEW_SEEDS for number in numbers):
        told.append("So few seeds make wide intervals, wider than a share can be.")
    if any(number and number.count == 1 and number.half is not None for number in numbers):
        told.append("± of a single run: 1.96 standard errors over its problems.")
    return " ".join(told) or "There is no number to compare."


def console_table(comparison: Comparison) -> Table:
    """The table for a terminal; nothing in it that the terminal or rich obeys."""
    from rich.table import Table
    from rich.text import Text

    count = len(comparison.runs)
    sorted_by = f", by {metric_label(comparison.objective)}" if comparison.objective else ""
    table = Table(title=Text(safe(f"{count} runs{sorted_by}")), caption=Text(safe(reading(comparison))))
    first_number = len(heads(comparison)) - len(comparison.metrics)
    for i, head in enumerate(heads(comparison)):
        table.add_column(Text(safe(head)), justify="left" if i < first_number else "right", overflow="fold")
    for i, (row, texts) in enumerate(zip(comparison.rows, lines(comparison), strict=True)):
        cells = [Text(safe(clipped(text))) for text in texts]
        for name in comparison.metrics:
            best = comparison.is_best(i, name)
            said = cell_text(row.value(name), name) + (" best" if best else "")
            cells.append(Text(said, "bold" if best else ""))
        table.add_row(*cells)
    return table


def csv_text(comparison: Comparison) -> str:
    """One line a run: its row of the table, folder, state, seed, every differing option and every metric.

    Text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    runs = [(place, run) for place, row in enumerate(comparison.rows, 1) for run in row.runs]
    metrics = sorted({name for _, run in runs for name in run.record.metrics})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = ["row", "run", "folder", "stage", "state", "seed", *comparison.keys, *metrics]
    writer.writerow(map(_plain, columns))
    for place, run in runs:
        texts: Sequence[object] = [
            place,
            *map(_plain, [run.label, str(run.record.folder.path), run.stage, run.state, run.seed]),
            *(_plain(run.options.get(key, "")) for key in comparison.keys),
            *(_number(run.record.metrics.get(name)) for name in metrics),
        ]
        writer.writerow(texts)
    return out.getvalue()


def _number(value: object) -> object:
    return value if plottable(value) else ""


def _plain(text: str) -> str:
    text = safe(text).replace("\n", " ")
    return f"'{text}" if text.startswith(_FORMULA_STARTS) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
