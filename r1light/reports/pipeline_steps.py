"""Every step of a pipeline: its state, its report, its command line, configuration and manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

from r1light.reports.axes import duration_text
from r1light.reports.html import Child, Html, join, tag
from r1light.reports.pipeline_files import Pipeline, Step
from r1light.reports.pipeline_words import count_words
from r1light.reports.tables import facts, fold, table

STATES = {
    "waiting": "waiting",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "left_out": "left out",
}
"""States in words."""


def _name(pipeline: Pipeline, step: Step) -> str:
    return f"{step.title}, seed {step.seed}" if len(pipeline.named(step.name)) > 1 else step.title


def _link(step: Step) -> Html | str:
    """A link to the step's own report, relative to this page, where there is one."""
    if not step.run.folder.report.exists():
        return "–"
    address = "./" + quote(f"{step.link}/report.html")
    return tag("a", "report", href=address, aria_label=f"Report of {step.key}")


def _state(step: Step) -> str:
    said = STATES.get(step.state, step.state)
    if step.reused:
        said += ", unchanged since an earlier run"
    return f"{said}: {step.why}" if step.why else said


def _file(text: str) -> Html:
    return tag("div", text, class_="file", tabindex="0")


def _details(step: Step) -> Iterator[Child]:
    outputs = step.run.result.outputs if step.run.result is not None else {}
    told: list[tuple[str, Child]] = [("folder", step.link), ("stage", step.stage)]
    if step.needs:
        told.append(("reads", ", ".join(step.needs)))
    told += [(f"output {name}", str(path)) for name, path in outputs.items()]
    yield facts(told)
    if step.overrides:
        yield tag("p", "Overrides", class_="label")
        yield _file("\n".join(step.overrides))
    if step.run.config:
        yield fold("Configuration", _file(step.run.config))
    if step.run.manifest:
        yield fold("Manifest", _file(json.dumps(step.run.manifest, indent=2, ensure_ascii=False)))


def steps_html(pipeline: Pipeline) -> Html:
    """A table of all steps, and a fold for each."""
    rows: list[list[Child]] = [
        [
            _name(pipeline, step),
            tag("code", step.key),
            step.stage,
            _state(step),
            "–" if step.seconds is None else duration_text(step.seconds),
            _link(step),
        ]
        for step in pipeline.steps
    ]
    names = {step.name for step in pipeline.steps}
    shown = table(
        ["step", "key", "stage", "state", "time", "its page"],
        rows,
        caption=f"{count_words(len(rows), 'run')} of {count_words(len(names), 'step')}",
        class_="steps",
    )
    said = "What each run was given, below: its command line, its whole configuration and its manifest."
    folds = [_folded(pipeline, name) for name in dict.fromkeys(step.name for step in pipeline.steps)]
    return join(tag("div", shown, class_="over", tabindex="0"), tag("p", said), folds)


def _folded(pipeline: Pipeline, name: str) -> Html:
    """A step's details; where it ran for several seeds, those of each folded once more."""
    steps = pipeline.named(name)
    if len(steps) == 1:
        return fold(steps[0].title, *_details(steps[0]))
    return fold(steps[0].title, *(fold(f"Seed {step.seed}", *_details(step)) for step in steps))
