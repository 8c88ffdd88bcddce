"""What a check of data and rewards found: the lines of the table, on the console and as a page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from r1light.core.run_folder import RunFolder, read_jsonl, write_atomic
from r1light.reports.html import Html, page, tag
from r1light.reports.tables import fold, table

if TYPE_CHECKING:
    from rich.table import Table

SPLITS = ("train", "test")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is counted.

    Attributes:
        name: Its name in the metrics, behind the split, and in samples.jsonl.
        label: What is counted, in words.
        of: The metric that it is a share of.
        limit: The option with the largest share that is borne, or None where it is only told.
    """

    name: str
    label: str
    of: str = "problems"
    limit: str | None = None


CHECKS = (
    Check("gold_failures", "gold answers without full marks", "gold_checked", "max_gold_failures"),
    Check("wrong_passes", "wrong answers that earn as much", "wrong_checked", "max_wrong_passes"),
    Check("unchecked", "gold answers that cannot be checked", "gold_chosen", "max_unchecked"),
    Check("too_long", "prompts that leave no room in the context", limit="max_too_long"),
    Check("cramped", "prompts that leave less than stage.max_tokens"),
    Check("duplicates", "prompts that stand there before", limit="max_duplicates"),
    Check("conflicts", "... with another answer", limit="max_conflicts"),
    Check("foreign", "prompts not in the script of their language", limit="max_foreign"),
    Check("contaminated", "problems that have something of evaluation data", limit="max_contaminated"),
    Check("overlap_exact", "prompts that are trained on"),
    Check("overlap_near", "prompts that share many 10-grams with training", limit="max_overlap"),
    Check("overlap_any", "prompts that share a 10-gram with training"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One check of one split.

    Attributes:
        split: "train" or "test".
        check: What was counted.
        count: How many.
        of: Out of how many.
        limit: The largest share that is borne, or None.
    """

    split: str
    check: Check
    count: int
    of: int
    limit: float | None

    @property
    def share(self) -> float:
        """In [0, 1]; 0 where there was nothing to count."""
        return self.count / self.of if self.of else 0.0

    @property
    def exceeded(self) -> bool:
        """Whether that is more than is borne."""
        return self.limit is not None and self.share > self.limit

    @property
    def verdict(self) -> str:
        """One word for the table."""
        if not self.of:
            return "-"
        if self.limit is None:
            return "told" if self.count else "ok"
        return "FAIL" if self.exceeded else "ok"

    def sentence(self) -> str:
        """The line in words, for an error."""
        return (
            f"{self.split}: {self.count} of {self.of} {self.check.label} ({self.share:.2%}, and "
            f"stage.{self.check.limit}={self.limit:g})"
        )


def lines(metrics: Mapping[str, float], limits: Mapping[str, Any]) -> Iterator[Line]:
    """Every check of every split, from result.json's metrics and the stage's options.

    Args:
        metrics: `<split>/<check>` to a count.
        limits: The options, such as `max_gold_failures`.
    """
    for split in SPLITS:
        for check in CHECKS:
            if f"{split}/{check.name}" in metrics:
                of = int(metrics[f"{split}/{check.of}"])
                limit = limits[check.limit] if check.limit else None
                yield Line(split, check, int(metrics[f"{split}/{check.name}"]), of, limit)


def length_rows(metrics: Mapping[str, float]) -> list[tuple[str, ...]]:
    """Split, what, least, median, 95th percentile and most of each length that was measured."""
    rows = []
    for split in SPLITS:
        for what in ("prompt_tokens", "answer_chars"):
            names = [f"{split}/{what}/{name}" for name in ("min", "median", "p95", "max")]
            if names[0] in metrics:
                rows.append((split, what.replace("_", ", "), *(f"{metrics[name]:g}" for name in names)))
    return rows


def console_tables(metrics: Mapping[str, float], limits: Mapping[str, Any]) -> list[Table]:
    """The checks and the lengths as tables for a terminal."""
    from rich.table import Table
    from rich.text import Text

    checks = Table(title="checks")
    for name in ("split", "what", "count", "of", "share", "limit", "verdict"):
        checks.add_column(name, justify="right" if name in ("count", "of", "share", "limit") else "left")
    for line in lines(metrics, limits):
        style = {"FAIL": "bold red", "ok": "green", "told": "yellow"}.get(line.verdict, "")
        checks.add_row(*_cells(line), Text(line.verdict, style=style))
    lengths = Table(title="lengths")
    for name in ("split", "what", "min", "median", "p95", "max"):
        lengths.add_column(name, justify="left" if name in ("split", "what") else "right")
    for row in length_rows(metrics):
        lengths.add_row(*row)
    return [checks, lengths]


def _cells(line: Line) -> tuple[str, ...]:
    limit = "" if line.limit is None else f"{line.limit:.2%}"
    return line.split, line.check.label, str(line.count), str(line.of), f"{line.share:.2%}", limit


def write_validation_report(folder: RunFolder) -> None:
    """Write report.html from the folder's result.json, config.yaml and samples.jsonl.

    Raises:
        StorageError: If it cannot be written.
    """
    metrics = json.loads(folder.result.read_text(encoding="utf-8"))["metrics"]
    config = yaml.safe_load(folder.config.read_text(encoding="utf-8"))
    samples = list(read_jsonl(folder.samples)) if folder.samples.exists() else []
    title = f"Check of data={config['data']['name']}"
    checks = [[*_cells(line), line.verdict] for line in lines(metrics, config["stage"])]
    languages = [
        [row["split"], row["declared"], row["scripts"], row["detected"]]
        for row in samples
        if row["check"] == "languages"
    ]
    body = tag(
        "main",
        tag("h1", title),
        tag(
            "p",
            f"Template {config['template']['name']}, rewards {', '.join(config['reward']['components'])}.",
        ),
        table(["split", "what", "count", "of", "share", "limit", "verdict"], checks, caption="Checks"),
        table(["split", "length", "min", "median", "p95", "max"], length_rows(metrics), caption="Lengths"),
        table(["split", "declared", "script", "detected in a sample"], languages, caption="Languages"),
        [_samples(check, samples) for check in CHECKS],
    )
    write_atomic(folder.report, page(title, body).encode())


def _samples(check: Check, samples: list[dict[str, Any]]) -> Html | None:
    """Up to as many examples as were kept of one check, folded away."""
    rows = [
        [row["problem"], row["split"], row["detail"], row["prompt"], row.get("answer", "")]
        for row in samples
        if row["check"] == check.name
    ]
    if not rows:
        return None
    columns = ["problem", "split", "why", "prompt", "answer"]
    return fold(f"{check.label}: {len(rows)} examples", table(columns, rows))
