"""The step of `stage=sample` in which people see the rows: out to a file and a page, or back and merged."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from r1light.config.schema import RunConfig
from r1light.core.errors import ConfigError, DataError
from r1light.core.protocols import Composer, Template
from r1light.core.run_folder import RunFolder, append_jsonl, read_jsonl, write_atomic
from r1light.core.types import Problem, Verdict
from r1light.curation.grading import verdicts
from r1light.curation.review import Review, review_lines
from r1light.data.problem_json import problem_from_json
from r1light.reports.review_page import review_page
from r1light.stages.curations import row_template
from r1light.stages.graders import Graders

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReviewStep:
    """What the step adds to the stage's result."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)


def check_review(config: RunConfig, template: Template) -> None:
    """Refuse, before anything is drawn, a review of rows that no template can write again.

    Raises:
        ConfigError: Says which template.
    """
    if config.stage.review is not None:
        _composer(config, template)


def review_rows(
    config: RunConfig, folder: RunFolder, template: Template, graders: Graders, source: Path
) -> ReviewStep:
    """Write the rows for people, or merge what came back from them into data.jsonl and dropped.jsonl.

    Args:
        config: The configuration of `stage=sample`.
        folder: The run's folder, with data.jsonl as it was curated.
        template: How the model that is sampled from is asked.
        graders: What grades answers.
        source: completions.jsonl, which has the problems.

    Raises:
        DataError: What came back is wrong, or all of it was rejected; names the file and the lines.
    """
    if config.stage.review is None:
        return ReviewStep()
    path, data = Path(config.stage.review), folder.path / "data.jsonl"
    rows = list(read_jsonl(data))

    def grade(items: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        graders.add(problem for problem, _ in items)
        return verdicts(items, graders.by_name)

    review = Review(rows, _problems(source, rows), _composer(config, template), grade)
    page = path.with_suffix(".html")
    outputs = {"review": str(path), "review_page": str(page)}
    if not path.exists():
        shown = review.shown()
        write_atomic(page, review_page(shown, path.name).encode())
        write_atomic(path, review_lines(shown))
        _log.info(
            "%d rows to review are in %s: read and edit them in %s, put what it saves in their place, and "
            "run this again with hydra.run.dir=%s",
            len(shown), path, page, folder.path,
        )  # fmt: skip
        return ReviewStep(outputs=outputs)
    merged = review.merge(path)
    if not merged.kept:
        raise DataError(f"stage.review={path}: every row is rejected, and nothing is left to learn from")
    write_atomic(data, b"".join(map(_line, merged.kept)))
    rejected = [
        {"reason": "rejected", "detail": row["meta"].get("note", ""), **row} for row in merged.rejected
    ]
    append_jsonl(folder.path / "dropped.jsonl", rejected)
    _log.info(
        "%s: %d rows edited, %d rejected, %d as they were",
        path, merged.edited, len(merged.rejected), len(merged.kept) - merged.edited,
    )  # fmt: skip
    counts = {
        "kept": len(merged.kept),
        "problems_kept": len({row["problem_id"] for row in merged.kept}),
        "dropped/rejected": len(merged.rejected),
    }
    return ReviewStep({**counts, **merged.metrics()}, outputs)


def _composer(config: RunConfig, template: Template) -> Composer:
    """The template that the rows are written in."""
    found = row_template(config) or template
    if not isinstance(found, Composer):
        raise ConfigError(
            f"stage.review needs rows in a template that can write, and template={config.template.name} "
            "cannot; name one by stage.write_as"
        )
    return found


def _problems(source: Path, rows: Sequence[Mapping[str, Any]]) -> dict[str, Problem]:
    """The problems that rows come from, by id."""
    wanted = {row["problem_id"] for row in rows}
    found: dict[str, Problem] = {}
    for number, row in enumerate(read_jsonl(source), start=1):
        key = row["problem"]["id"]
        if key in wanted and key not in found:
            found[key] = problem_from_json(row["problem"], f"{source}:{number}")
    return found


def _line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=True).encode() + b"\n"
