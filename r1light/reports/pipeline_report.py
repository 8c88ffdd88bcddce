"""The page of a whole pipeline: one HTML file that holds all it shows, made from the run folders alone."""

from __future__ import annotations

from pathlib import Path

from r1light.core.run_folder import RunFolder, write_atomic
from r1light.reports.html import Html, page, tag
from r1light.reports.pipeline_costs import costs_html
from r1light.reports.pipeline_files import Pipeline, read_pipeline
from r1light.reports.pipeline_filtered import filtered_html
from r1light.reports.pipeline_overview import header_facts, sentences, state_html
from r1light.reports.pipeline_questions import glance_html, question_html
from r1light.reports.pipeline_samples import samples_html
from r1light.reports.pipeline_steps import steps_html
from r1light.reports.pipeline_story import story
from r1light.reports.pipeline_story_plot import story_html
from r1light.reports.pipeline_style import PIPELINE_STYLE
from r1light.reports.questions import judge
from r1light.reports.tables import facts


def render_pipeline_report(pipeline: Pipeline) -> str:
    """A pipeline as a whole HTML document; the same files give the same bytes.

    Args:
        pipeline: What `read_pipeline` read; samples and dropped rows are read from its steps' folders.

    Raises:
        DataError: If a file of a step cannot be read, or a question is not what it should be.
    """
    answers = judge(pipeline)
    plain = (
        ("answers", "The answers in short", glance_html(answers)),
        ("stages", "All stages on one axis", story_html(story(pipeline))),
        ("samples", "What the models wrote", samples_html(pipeline)),
        ("filtered", "What was filtered out", filtered_html(pipeline)),
        ("costs", "What it cost", costs_html(pipeline)),
        ("steps", "Every step", steps_html(pipeline)),
    )
    sections = [(slug, title, inside) for slug, title, inside in plain if inside is not None]
    asked = [question_html(pipeline, answer, i) for i, answer in enumerate(answers, 1)]
    body: list[Html | None] = [state_html(pipeline)]
    for slug, title, inside in sections:
        body.append(tag("section", tag("h2", title), inside, id=slug))
        body += asked if slug == "answers" else []
    links = [tag("a", title, href=f"#{slug}") for slug, title, _ in sections]
    top = tag(
        "header",
        tag("a", "Skip to the answers", href="#main", class_="skip"),
        tag("h1", pipeline.title),
        tag("div", [tag("p", said) for said in sentences(pipeline, answers)], class_="told"),
        facts(header_facts(pipeline)),
        tag("nav", links, aria_label="Contents"),
    )
    end = tag(
        "footer",
        tag(
            "p",
            "Made from the run folders alone; ",
            tag("code", "stage=report stage.run=…"),
            " makes it anew.",
        ),
    )
    return page(pipeline.title, top, tag("main", body, id="main"), end, more_style=PIPELINE_STYLE)


def write_pipeline_report(folder: RunFolder) -> Path:
    """Write a pipeline's report.html from its pipeline.json and its steps' run folders.

    Args:
        folder: Of a finished or an unfinished pipeline. What is absent is left out, and the page says so.

    Returns:
        The report's path.

    Raises:
        DataError: If the folder is no pipeline's, or a file in it cannot be read.
        StorageError: If the page cannot be written.
    """
    write_atomic(folder.report, render_pipeline_report(read_pipeline(folder)).encode())
    return folder.report
