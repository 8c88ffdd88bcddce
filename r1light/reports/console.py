"""The end of a run in a few plain lines, for a terminal or a log."""

from __future__ import annotations

from r1light.core.run_folder import StageResult
from r1light.reports.axes import duration_text, number_text, plottable
from r1light.reports.changes import changes, label

NOTES = {"best_model": " (the highest held-out accuracy in the course of training)"}
"""What stands behind some outputs."""


def summary_lines(result: StageResult) -> list[str]:
    """Before and after, the training time and where the products lie.

    Args:
        result: What the stage hands on.

    Returns:
        Lines without markup and without line ends, in columns; the headline alone if nothing was measured.

    Example:
        >>> metrics = {"before/pass@1": 0.25, "after/pass@1": 0.9}
        >>> summary_lines(StageResult("grpo", metrics))[1]
        '  pass@1, sampled   25.0% -> 90.0%   +65.0 points'
    """
    rows = [
        (
            label(change.name),
            number_text(change.before, percent=change.percent),
            number_text(change.after, percent=change.percent),
            change.difference,
        )
        for change in changes(result.metrics)
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    lines = [f"{result.stage}: held-out before -> after" if rows else f"{result.stage}: done"]
    for name, before, after, difference in rows:
        lines.append(
            f"  {name:<{widths[0]}}   {before:>{widths[1]}} -> {after:>{widths[2]}}   {difference}".rstrip()
        )
    seconds = result.metrics.get("train_seconds")
    if seconds is not None and plottable(seconds):
        lines.append(f"  training time: {duration_text(seconds)}, without start-up and evaluation around it")
    lines.extend(f"  {name}: {path}{NOTES.get(name, '')}" for name, path in result.outputs.items())
    return [line.replace("\u2212", "-") for line in lines]  # a terminal may know ASCII only
