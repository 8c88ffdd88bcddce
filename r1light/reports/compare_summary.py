"""What a comparison comes to: its result, and what it says on the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from r1light.core.run_folder import StageResult
from r1light.reports.compare_console import console_table
from r1light.reports.compare_table import Comparison
from r1light.reports.terminal import safe

_WIDTH = 160  # columns, where there is no terminal to ask


def comparison_result(comparison: Comparison, report: Path, table: Path) -> StageResult:
    """The counts of runs and rows, the best value of each metric, and where the best run and the files lie.

    Args:
        comparison: The runs side by side.
        report: The page.
        table: The spreadsheet's file.
    """
    runs = comparison.runs
    metrics: dict[str, float] = {
        "runs": len(runs),
        "rows": len(comparison.rows),
        "finished": sum(run.state == "finished" for run in runs),
    }
    for name, rows in comparison.best.items():
        values = [comparison.rows[i].value(name) for i in sorted(rows)]
        metrics.update({f"best/{name}": value.mean for value in values[:1] if value is not None})
    outputs = {"report": str(report), "table": str(table)}
    first = min(comparison.best.get(comparison.objective or "", ()), default=None)
    if first is not None:
        outputs["best"] = str(comparison.rows[first].finished[0].record.folder.path)
    return StageResult("compare", metrics, outputs)


def empty_note(folders: Sequence[Path]) -> list[str]:
    """A note on folders without a run in them, none if there are none."""
    if not folders:
        return []
    names = ", ".join(str(folder) for folder in folders[:5]) + (" and more" if len(folders) > 5 else "")
    return [f"Without any file of a run, as where a job ended before it began: {names}."]


def print_comparison(comparison: Comparison) -> None:
    """The table and the notes, on stdout."""
    from rich.console import Console

    asked = os.environ.get("COLUMNS", "")
    known = sys.stdout.isatty() or (asked.isdecimal() and int(asked) > 0)
    console = Console(width=None if known else _WIDTH)
    console.print(console_table(comparison, console.width))
    for note in comparison.notes:
        console.print(safe(note), markup=False, highlight=False, soft_wrap=True)
