"""`stage=compare`: several runs, or a sweep, side by side.

Reads: run folders, of any stage and of pipelines, finished or not.
Writes: report.html, comparison.csv, result.json; the table on the console.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

from r1light.config.schema import RunConfig
from r1light.core.errors import DataError
from r1light.core.run_folder import RunFolder, StageResult

USES_COMPONENTS = False

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Config:
    """Which runs, and what of them."""

    runs: tuple[str, ...]
    """Run folders, folders of them such as a sweep's, or patterns with `*`; two runs at least."""
    metrics: tuple[str, ...] | None = None
    """Which of result.json's metrics, the one to sort by first; null for the headline ones."""
    curves: tuple[str, ...] | None = None
    """Which of metrics.jsonl's are drawn; null for reward, eval/pass@1 and completions/mean_length."""
    group_by_seed: bool = True
    """Whether runs that differ in the seed alone are one row: mean, standard deviation and 95% interval."""
    best: Literal["auto", "highest", "lowest"] = "auto"
    """Where the number to sort by is best; auto goes by its name, as loss is best at its lowest."""

    def __post_init__(self) -> None:
        if not self.runs:
            raise ValueError("runs is empty; name run folders, such as stage.runs=[runs/grpo/a,runs/grpo/b]")


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Read the runs, and show them.

    Raises:
        DataError: A folder is no run's, there is but one run, or a file of it cannot be read.
        UnknownNameError: A metric or curve that no run has.
    """
    from r1light.reports.compare_page import write_comparison
    from r1light.reports.compare_runs import find_runs, read_runs
    from r1light.reports.compare_summary import comparison_result, empty_note, print_comparison
    from r1light.reports.compare_table import compare

    options: Config = config.stage
    found = find_runs(options.runs, folder.path)
    if len(found.folders) < 2:
        only = found.folders[0] if found.folders else "none"
        raise DataError(f"stage.runs names one run ({only}); a comparison takes two at least")
    comparison = compare(
        read_runs(found.folders),
        metrics=options.metrics,
        by_seed=options.group_by_seed,
        best=options.best,
        more_notes=empty_note(found.empty),
    )
    table = folder.path / "comparison.csv"
    write_comparison(comparison, folder.report, table, options.curves)
    print_comparison(comparison)
    result = comparison_result(comparison, folder.report, table)
    for name, path in result.outputs.items():
        _log.info("  %s: %s", name, path)
    return result
