"""A comparison as a table for a terminal, and as a file for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from r1light.reports.axes import plottable
from r1light.reports.compare_pool import cell_lines, metric_label
from r1light.reports.compare_table import Comparison, direction
from r1light.reports.terminal import safe

if TYPE_CHECKING:
    from rich.table import Table

_CLIPPED = 60
"""So many characters of an option a table shows."""
_NARROW = 16
"""A column of texts is given so many characters before a number is left out for it."""
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
        told.append(f"Runs by their folders' names, {order} {metric_label(comparison.objective)}.")
    numbers = [row.value(name) for row in comparison.rows for name in comparison.metrics]
    if any(number and number.deviation is not None for number in numbers):
        told.append(
            "Runs that differ in the seed alone are one row: their mean ± half of the 95% interval, the "
            "standard deviation over seeds (sd) and their number (n)."
        )
    if any(number and 1 < number.count <= FEW_SEEDS for number in numbers):
        told.append("Two or three seeds say little: their intervals are wide.")
    if any(number and number.count == 1 and number.half is not None for number in numbers):
        told.append("± of a single run: 1.96 standard errors over its problems.")
    return " ".join(told) or "There is no number to compare."


def console_table(comparison: Comparison, width: int) -> Table:
    """The table for a terminal; nothing in it that the terminal or rich obeys.

    Args:
        comparison: What to show.
        width: The terminal's, in columns. Numbers are broken into lines where that is too few, and the last
            ones left out where it still is; a heading's words and a number stay whole.
    """
    from rich.table import Table
    from rich.text import Text

    count, texts = len(comparison.runs), [*lines(comparison)]
    sorted_by = f", by {metric_label(comparison.objective)}" if comparison.objective else ""
    numbers = [_Numbers(comparison, name) for name in comparison.metrics]
    first = len(heads(comparison)) - len(numbers)
    taken = [
        min(max(map(len, column)), _NARROW) for column in zip(heads(comparison)[:first], *texts, strict=True)
    ]

    def fits(between: str) -> bool:
        return _width(taken, [each.needs(between) for each in numbers]) <= width

    between = " " if fits(" ") else "\n"
    while len(numbers) > 1 and not fits(between):
        numbers.pop()
    roomy = fits(between)
    left_out = [metric_label(name) for name in comparison.metrics[len(numbers) :]]
    more = f" Not shown for want of room, and in the page: {'; '.join(left_out)}." if left_out else ""
    table = Table(
        title=Text(safe(f"{count} runs{sorted_by}")), caption=Text(safe(f"{reading(comparison)}{more}"))
    )
    for head, least in zip(heads(comparison)[:first], taken, strict=True):
        table.add_column(Text(safe(head)), min_width=least if roomy else None, overflow="fold")
    for each in numbers:
        table.add_column(Text(safe(each.head)), justify="right", width=each.needs(between))
    for i, row in enumerate(texts):
        cells = [Text(safe(clipped(text))) for text in row]
        cells += [Text(each.cell(i, between), "bold" if each.best(i) else "") for each in numbers]
        table.add_row(*cells)
    return table


def _width(texts: Sequence[int], numbers: Sequence[int]) -> int:
    """What a table of such columns takes, with its rules and a space on both sides of each text."""
    return sum(taken + 3 for taken in [*texts, *numbers]) + 1


class _Numbers:
    """One metric's column."""

    def __init__(self, comparison: Comparison, metric: str) -> None:
        self._comparison, self._metric = comparison, metric
        self.head = metric_label(metric)

    def best(self, row: int) -> bool:
        """Whether that row is among the best."""
        return self._comparison.is_best(row, self._metric)

    def cell(self, row: int, between: str) -> str:
        """The text of one row, with this between its parts."""
        told = cell_lines(self._comparison.rows[row].value(self._metric), self._metric)
        if self.best(row):
            told[-1 if between == " " else 0] += " best"
        return between.join(told)

    def needs(self, between: str) -> int:
        """The width of the widest word of the heading or line of a cell."""
        cells = (self.cell(row, between) for row in range(len(self._comparison.rows)))
        return max(len(part) for text in (*cells, *self.head.split()) for part in text.split("\n"))


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
