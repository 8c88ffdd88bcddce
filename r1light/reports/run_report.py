"""The report of one run: a single HTML file, made from the run folder's files alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from r1light.core.run_folder import RunFolder, write_atomic
from r1light.reports.browser import browser_html, pair_html
from r1light.reports.changes import changes
from r1light.reports.curation import dropped_html, kept_html
from r1light.reports.curves import OTHERS, figures
from r1light.reports.evaluation import evaluation_html, read_tasks
from r1light.reports.figures import figure_html
from r1light.reports.html import Html, page, tag
from r1light.reports.overview import alarms, diagnoses, header, numbers, provenance, state
from r1light.reports.paper_section import PAPER_STYLE, paper_html
from r1light.reports.run_files import RunRecord, read_run
from r1light.reports.samples import pick_samples
from r1light.reports.tables import facts, fold

SAMPLE_CAP = 400
"""Completions that a report carries at most."""


@dataclass(frozen=True, slots=True)
class _Section:
    title: str
    content: Html | None

    @property
    def slug(self) -> str:
        return self.title.lower().replace(",", "").replace(" ", "-")

    def html(self) -> Html:
        return tag("section", tag("h2", self.title), self.content, id=self.slug)


def _stage(run: RunRecord) -> str:
    return {"grpo": "GRPO", "sft": "SFT", "distill": "Distillation"}.get(
        run.stage, run.stage.replace("_", " ").capitalize()
    )


def _curves(run: RunRecord) -> list[_Section]:
    made = []
    for title, found in figures(run.rows):
        drawn = [html for html in map(figure_html, found) if html is not None]
        shown = tag("div", drawn, class_="figures")
        made.append(
            _Section(
                title,
                fold(f"{len(drawn)} figure{'s' if len(drawn) > 1 else ''}", shown)
                if title == OTHERS
                else shown,
            )
        )
    return made


def _evaluated(run: RunRecord) -> list[_Section]:
    """What an evaluation came to; no section of another stage."""
    if run.stage != "evaluate":
        return []
    tasks = read_tasks(run.folder.tasks)
    return [
        _Section("Evaluation", evaluation_html(run.metrics, tasks)),
        _Section("Beside the paper", paper_html(run.metrics)),
    ]


def _sections(run: RunRecord, cap: int) -> list[_Section]:
    picked = pick_samples(run.folder, cap)
    sections = [
        _Section("Before and after" if changes(run.metrics) else "Result", numbers(run)),
        *_evaluated(run),
        _Section("One problem, before and after", pair_html(picked)),
        *_curves(run),
        _Section("Completions", browser_html(picked)),
        _Section("Kept rows", kept_html(run.folder)),
        _Section("What was dropped", dropped_html(run.folder)),
        _Section("How this was made", provenance(run)),
    ]
    return [section for section in sections if section.content is not None]


def render_report(run: RunRecord, cap: int = SAMPLE_CAP) -> str:
    """A run as a whole HTML document; the same files give the same bytes.

    Args:
        run: What `read_run` read; the completions are read from its folder.
        cap: Most completions to carry, the example aside.

    Raises:
        DataError: If samples.jsonl cannot be read.
    """
    name = run.folder.path.resolve().name
    sections = _sections(run, cap)
    links = [tag("a", section.title, href=f"#{section.slug}") for section in sections]
    top = tag(
        "header",
        tag("a", "Skip to the numbers", href="#main", class_="skip"),
        tag("h1", f"{_stage(run)} run"),
        tag("p", name, class_="lead"),
        facts(header(run)),
        tag("nav", links, aria_label="Contents"),
    )
    body = [state(run), alarms(run), diagnoses(run), *(section.html() for section in sections)]
    style = PAPER_STYLE if run.stage == "evaluate" else ""
    return page(f"{_stage(run)} run {name}", top, tag("main", body, id="main"), more_style=style)


def write_report(folder: RunFolder) -> Path:
    """Write a run's report.html from its other files.

    Args:
        folder: Of a finished or an unfinished run. Absent files and metrics are left out of the page.

    Returns:
        The report's path.

    Raises:
        DataError: If the folder holds no file of a run, or one that cannot be read.
        StorageError: If the page cannot be written.
    """
    write_atomic(folder.report, render_report(read_run(folder)).encode())
    return folder.report
