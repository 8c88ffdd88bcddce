"""What a curation kept and dropped, with samples: from data.jsonl and dropped.jsonl of a run folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from r1light.core.run_folder import RunFolder
from r1light.reports.axes import number_text
from r1light.reports.browser import clip
from r1light.reports.html import Html, join, tag
from r1light.reports.run_files import json_rows
from r1light.reports.tables import fold, table

SHOWN = 5
"""Samples of each reason, and of what was kept: the first ones."""


def kept_html(folder: RunFolder) -> Html | None:
    """The first rows that were kept; None for a run that has no data.jsonl.

    Raises:
        DataError: A line is not a JSON object.
    """
    shown, count = [], 0
    for row in json_rows(folder.path / "data.jsonl"):
        count += 1
        if count <= SHOWN:
            shown.append(_row_html(row))
    if not count:
        return None
    return join(tag("p", f"{count} rows; the first {len(shown)}:"), shown)


def dropped_html(folder: RunFolder) -> Html | None:
    """Reasons, how often each was one, and its first samples; None for a run that has no dropped.jsonl.

    Raises:
        DataError: A line is not a JSON object.
    """
    counts: dict[str, int] = {}
    samples: dict[str, list[Html]] = {}
    for row in json_rows(folder.path / "dropped.jsonl"):
        reason = str(row.get("reason", "unknown"))
        counts[reason] = counts.get(reason, 0) + 1
        if counts[reason] <= SHOWN:
            samples.setdefault(reason, []).append(_sample_html(row))
    if not counts:
        return None
    total = sum(counts.values())
    order = sorted(counts, key=lambda reason: (-counts[reason], reason))
    shares = {each: number_text(count / total, percent=True) for each, count in counts.items()}
    rows = [[_words(each), str(counts[each]), shares[each]] for each in order]
    return join(
        table(["reason", "dropped", "share"], rows, caption="What was dropped", class_="numbers"),
        [fold(f"{_words(each)}: {len(samples[each])} samples", samples[each]) for each in order],
    )


def _sample_html(row: Mapping[str, Any]) -> Html:
    head = ": ".join(str(row[key]) for key in ("problem_id", "detail") if row.get(key))
    return join(tag("p", head), _text(row.get("completion")))


def _row_html(row: Mapping[str, Any]) -> Html:
    """A row of either form that rows to learn from have, or any other row's values."""
    turns = row.get("messages")
    if "completion" in row:
        text = f"{row.get('prompt')}{row['completion']}"
    elif isinstance(turns, list):
        text = "\n\n".join(f"{turn['role']}: {turn['content']}" for turn in turns)
    else:
        text = "\n".join(f"{key}: {value}" for key, value in row.items())
    return join(tag("p", str(row.get("problem_id", ""))), _text(text))


def _text(value: object) -> Html | None:
    return None if value is None else tag("div", clip(str(value)), class_="file", tabindex="0")


def _words(reason: str) -> str:
    return reason.replace("_", " ")
