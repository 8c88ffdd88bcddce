"""The table of an evaluation: a row for all problems, and one for each source or task."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from r1light.reports.axes import number_text
from r1light.reports.html import Html, join, tag
from r1light.reports.run_files import read_object
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

_COMMON = re.compile(
    r"(problems|completions|unjudged|errors|pass@\d+|cons@\d+|mean_length|truncated|well_formed|num_tokens"
    r"|reflection|language/consistency|readable|repetition|rewards/.*)(_stderr)?$"
)
"""The figures that every task has; others are its own."""
_OWN = "its own figures"

_IN_UNITS = re.compile(r"rating|percentile")
"""Figures of a task's own that are no shares in [0, 1], whatever their size."""
_SHARES = re.compile(r"pass@|cons@|well_formed|language|readable|truncated|repetition")
_WITH_ERROR = re.compile(r"pass@|cons@|rewards/")
_ALL = "all"


@dataclass(frozen=True, slots=True)
class TaskNote:
    """What is known of a task of the run besides its numbers.

    Attributes:
        title: Its name for people.
        metric: The figure that it is known by.
    """

    title: str
    metric: str


def read_tasks(path: Path) -> dict[str, TaskNote]:
    """The tasks of a run by their names, from its tasks.json; none where there is no file.

    Raises:
        DataError: The file holds something else.
    """
    rows = {name: row for name, row in read_object(path).items() if isinstance(row, Mapping)}
    return {name: TaskNote(str(row.get("title")), str(row.get("metric"))) for name, row in rows.items()}


@dataclass(frozen=True, slots=True)
class EvaluationTable:
    """Heads and rows, as text; a row's first cell is its name."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def evaluation_table(
    metrics: Mapping[str, float], tasks: Mapping[str, TaskNote] | None = None
) -> EvaluationTable | None:
    """The table of the metrics of `stage=evaluate`; None where they are none of that stage.

    Columns without a number are left out. Behind a `±` stand 1.96 standard errors. The figure that a task is
    known by stands first and named, and those that are its own stand last.

    Args:
        metrics: Of result.json.
        tasks: What is known of the tasks, by their names.
    """
    sources = sorted(name.removesuffix("/problems") for name in metrics if name.endswith("/problems"))
    rows = [(_ALL, "")] if "problems" in metrics else []
    rows += [(source, f"{source}/") for source in sources]
    if not rows:
        return None
    known = tasks or {}
    columns = {"task" if known else "source": [_title(name, known) for name, _ in rows]}
    if known:
        columns["known by"] = [_headline(metrics, prefix, known.get(name)) for name, prefix in rows]
    draws = sorted({int(found[1]) for name in metrics if (found := re.search(r"(?:^|/)cons@(\d+)$", name))})
    for metric, head in _COLUMNS:
        for count in draws if metric.endswith("*") else [0]:
            name = metric.replace("*", str(count))
            columns[head.format(count)] = [_cell(metrics, prefix, name) for _, prefix in rows]
    columns[_OWN] = [_own(metrics, prefix, known.get(name)) for name, prefix in rows]
    kept = {head: cells for head, cells in columns.items() if any(cells)}
    return EvaluationTable(tuple(kept), tuple(zip(*kept.values(), strict=True)))


def _title(name: str, known: Mapping[str, TaskNote]) -> str:
    return f"{known[name].title} ({name})" if name in known else name


def _headline(metrics: Mapping[str, float], prefix: str, note: TaskNote | None) -> str:
    """The figure that a task is known by, with its name."""
    cell = _cell(metrics, prefix, note.metric) if note is not None else ""
    return f"{note.metric} {cell}" if note is not None and cell else ""


def _own(metrics: Mapping[str, float], prefix: str, note: TaskNote | None) -> str:
    """The figures that other tasks do not have, but for the one that stands first."""
    if not prefix:
        return ""
    names = [name.removeprefix(prefix) for name in metrics if name.startswith(prefix)]
    first = None if note is None else note.metric
    own = [
        name for name in names if not _COMMON.match(name) and not name.endswith("_stderr") and name != first
    ]
    return "; ".join(f"{name} {_cell(metrics, prefix, name)}" for name in own)


def _cell(metrics: Mapping[str, float], prefix: str, name: str) -> str:
    value, error = metrics.get(prefix + name), metrics.get(f"{prefix}{name}_stderr")
    if value is None:
        return ""
    own = not _COMMON.match(name)
    share = 0.0 <= value <= 1.0 and not _IN_UNITS.search(name) if own else _SHARES.match(name) is not None
    shown = number_text(value, percent=share)
    if not error or not (own or _WITH_ERROR.match(name)):
        return shown
    return f"{shown} ± {number_text(1.96 * error, percent=share)}"


def table_lines(metrics: Mapping[str, float], tasks: Mapping[str, TaskNote] | None = None) -> list[str]:
    """The table for a log, in columns.

    Example:
        >>> table_lines({"problems": 4, "pass@1": 0.5, "sums/problems": 4, "sums/pass@1": 0.5})
        ['source  problems  pass@1', 'all            4   50.0%', 'sums           4   50.0%']
    """
    found = evaluation_table(metrics, tasks)
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


def evaluation_html(metrics: Mapping[str, float], tasks: Mapping[str, TaskNote] | None = None) -> Html | None:
    """The table for a report; None where the run is no evaluation."""
    found = evaluation_table(metrics, tasks)
    if found is None:
        return None
    said = "Held-out problems. ±: 1.96 standard errors, clustered by problem; half of a 95% interval."
    shown = tag("div", table(found.heads, found.rows, class_="numbers"), class_="tasks", tabindex="0")
    return join([tag("p", said), shown])
