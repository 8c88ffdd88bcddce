"""What a reader of a comparison has to know before believing it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from r1light.reports.compare_pool import Row, metric_label
from r1light.reports.compare_runs import ComparedRun

_CLIPPED = 200
_VERSION = 12
"""So many characters of a version or revision are told."""


def notes_on(rows: Sequence[Row], metrics: Sequence[str], *, hidden: int) -> list[str]:
    """Notes on runs that did not finish or are not alike, a sentence each.

    Args:
        rows: The rows of the table, the best first.
        metrics: The numbers shown, what they are sorted by first.
        hidden: How many differing keys the table has no columns for.
    """
    runs = [run for row in rows for run in row.runs]
    notes = [*_states(runs), *_stages(runs), *_code(runs), *_inputs(runs)]
    if not metrics and any(run.state == "finished" for run in runs):
        notes.append("The finished runs share no number; name some with stage.metrics.")
    if alike := "; ".join(metric_label(name) for name in metrics if _overlap(rows, name)):
        notes.append(f"The intervals of the first two rows overlap in {alike}: the difference may be chance.")
    if hidden > 0:
        notes.append(f"{hidden} more keys of the configuration differ; the page lists them all.")
    return notes


def _listed(runs: Sequence[ComparedRun]) -> str:
    labels = sorted(run.label for run in runs)
    return ", ".join(labels[:5]) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")


def _states(runs: Sequence[ComparedRun]) -> Iterator[str]:
    for run in runs:
        if run.state == "failed":
            yield f"Run {run.label} failed: {run.why[:_CLIPPED]}"
    for state, said in (("running", "still running"), ("unfinished", "not finished: without result.json")):
        those = [run for run in runs if run.state == state]
        if those:
            yield f"{_listed(those)}: {said}. Numbers are of finished runs alone."


def _stages(runs: Sequence[ComparedRun]) -> Iterator[str]:
    stages = sorted({run.stage for run in runs})
    if len(stages) > 1:
        yield f"These are runs of different stages ({', '.join(stages)}), compared by what they share."


def _code(runs: Sequence[ComparedRun]) -> Iterator[str]:
    versions = {
        str((run.record.manifest.get("versions") or {}).get("r1light", ""))[:_VERSION] for run in runs
    } - {""}
    if len(versions) > 1:
        yield f"They were made with different versions of r1light: {', '.join(sorted(versions))}."
    git = [run.record.manifest.get("git") or {} for run in runs]
    revisions = {str(each["revision"])[:_VERSION] for each in git if "revision" in each}
    if len(revisions) > 1:
        yield f"They were made with different revisions of the code: {', '.join(sorted(revisions))}."
    modified = [run for run, each in zip(runs, git, strict=True) if each.get("modified")]
    if modified and len(modified) < len(runs):
        yield f"Only some were made with changes to the code that are in no revision: {_listed(modified)}."


def _inputs(runs: Sequence[ComparedRun]) -> Iterator[str]:
    hashes: dict[str, set[str]] = {}
    for run in runs:
        for key, found in (run.record.manifest.get("inputs") or {}).items():
            hashes.setdefault(str(key), set()).add(str(found))
    differing = sorted(key for key, found in hashes.items() if len(found) > 1)
    if differing:
        yield f"What these keys name differs in content between runs (by its hash): {', '.join(differing)}."


def _overlap(rows: Sequence[Row], metric: str) -> bool:
    """Whether the first two rows differ by no more than their intervals, where these are known."""
    for one, other in combinations(rows[:2], 2):
        first, second = one.value(metric), other.value(metric)
        if first and second and first.half is not None and second.half is not None:
            return abs(first.mean - second.mean) <= first.half + second.half
    return False
