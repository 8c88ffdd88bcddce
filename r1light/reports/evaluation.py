"""The table of an evaluation: a row for all problems, and one for each source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from r1light.reports.axes import number_text
from r1light.reports.html import Html, join, tag
from r1light.reports.tables import table

_COLUMNS = (
    ("problems", "problems"),
    ("pass@1", "pass@1"),
    ("cons@*", "cons@{}"),
    ("pass@*", "pass@{}"),
    ("rewards/helpfulness/mean", "helpful"),
    ("rewards/harmlessness/mean", "harmless"),
    ("well_formed", "well-formed"),
    ("language/consistency", "language"),
    ("readable", "readable"),
    ("truncated", "truncated"),
    ("repetition", "repetition"),
    ("reflection", "reflective words"),
    ("mean_length", "tokens"),
)
"""Metrics and heads; a `*` is the number of samples."""

_SHARES = re.compile(r"pass@|cons@|well_formed|language|readable|truncated|repetition")
_WITH_ERROR = re.compile(r"pass@|cons@|rewards/")
_ALL = "all"


@dataclass(frozen=True, slots=True)
class EvaluationTable:
    """Heads and rows, as text; a row's first cell is its name."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def evaluation_table(metrics: Mapping[str, float]) -> EvaluationTable | None:
    """The table of the metrics of `stage=evaluate`; None where they are none of that stage.

    Columns without a number are left out. Behind a `±` stand 1.96 standard errors.
    """
    sources = sorted(name.removesuffix("/problems") for name in metrics if name.endswith("/problems"))
    rows = [(_ALL, "")] if "problems" in metrics else []
    rows += [(source, f"{source}/") for source in sources]
    if not rows:
        return None
    draws = sorted({int(found[1]) for name in metrics if (found := re.search(r"(?:^|/)cons@(\d+)$", name))})
    heads, columns = ["source"], [[name for name, _ in rows]]
    for metric, head in _COLUMNS:
        for count in draws if metric.endswith("*") else [0]:
            name = metric.replace("*", str(count))
            cells = [_cell(metrics, prefix, name) for _, prefix in rows]
            if any(cells):
                heads.append(head.format(count))
                columns.append(cells)
    return EvaluationTable(tuple(heads), tuple(zip(*columns, strict=True)))


def _cell(metrics: Mapping[str, float], prefix: str, name: str) -> str:
    value, error = metrics.get(prefix + name), metrics.get(f"{prefix}{name}_stderr")
    if value is None:
        return ""
    percent = _SHARES.match(name) is not None
    shown = number_text(value, percent=percent)
    return (
        shown
        if error is None or not _WITH_ERROR.match(name)
        else f"{shown} ± {number_text(1.96 * error, percent=percent)}"
    )


def table_lines(metrics: Mapping[str, float]) -> list[str]:
    """The table for a log, in columns.

    Example:
        >>> table_lines({"problems": 4, "pass@1": 0.5, "sums/problems": 4, "sums/pass@1": 0.5})
        ['source  problems  pass@1', 'all            4   50.0%', 'sums           4   50.0%']
    """
    found = evaluation_table(metrics)
    if found is None:
        return []
    lines = [found.heads, *found.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(found.heads))]
    return [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        .replace("±", "+-")  # a terminal may know ASCII only
        .replace("\u2212", "-")
        .rstrip()
        for line in lines
    ]


def evaluation_html(metrics: Mapping[str, float]) -> Html | None:
    """The table for a report; None where the run is no evaluation."""
    found = evaluation_table(metrics)
    if found is None:
        return None
    said = "Held-out problems. ±: 1.96 standard errors, clustered by problem."
    return join([tag("p", said), table(found.heads, found.rows, class_="numbers")])
