"""The top of a pipeline's page: what ran, on what and for how long, in words for someone new to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from r1light.reports.axes import duration_text
from r1light.reports.html import Child, Html, tag
from r1light.reports.overview import git_words, hardware_words
from r1light.reports.pipeline_files import Pipeline, Step
from r1light.reports.pipeline_words import count_words
from r1light.reports.question_numbers import finite
from r1light.reports.questions import Answer

_NAMED = ("r1light", "python", "torch", "transformers")


def wall_seconds(pipeline: Pipeline) -> float | None:
    """For how long any step ran: as the result says, or the time that the steps' spans cover."""
    told = finite(pipeline.run.metrics.get("wall_seconds"))
    if told is not None:
        return told
    spans = sorted(span for step in pipeline.steps if (span := _span(step)) is not None)
    total, until = timedelta(), None
    for start, end in spans:
        begin = start if until is None else max(start, until)
        total += max(end - begin, timedelta())
        until = end if until is None else max(until, end)
    return total.total_seconds() if spans else None


def _span(step: Step) -> tuple[datetime, datetime] | None:
    if step.started is None or step.seconds is None:
        return None
    try:
        start = datetime.fromisoformat(step.started)
        return start.replace(tzinfo=None), start.replace(tzinfo=None) + timedelta(seconds=step.seconds)
    except (ValueError, OverflowError):
        return None


def _manifest(pipeline: Pipeline) -> Mapping[str, Any]:
    """The first manifest that there is: the pipeline's or a step's."""
    found = (run.manifest for run in (pipeline.run, *(step.run for step in pipeline.steps)) if run.manifest)
    return next(found, {})


def sentences(pipeline: Pipeline, answers: Sequence[Answer]) -> list[str]:
    """What this page is about, what ran, and what came of it: a sentence each."""
    stages = {step.stage for step in pipeline.steps}
    how = (
        ", mostly by trial and error: it tries problems, and what led to right answers is made likelier"
        if "grpo" in stages
        else ", from worked answers that it learns to write itself"
    )
    what = f"A language model was taught to think before it answers, by the recipe of DeepSeek-R1{how}."
    names, seconds = len({step.name for step in pipeline.steps}), wall_seconds(pipeline)
    ran = f"The recipe ran as {count_words(names, 'step')}"
    if not pipeline.finished:
        done = sum(step.state == "done" for step in pipeline.steps)
        runs = f"{done} of {count_words(len(pipeline.steps), 'run')}"
        ran = f"Of the recipe’s {count_words(names, 'step')} only a part is done ({runs})"
    seeds = len(pipeline.seeds)
    ran += f", {count_words(seeds, 'time')} over with different random seeds" if seeds > 1 else ""
    hardware = hardware_words(_manifest(pipeline).get("hardware") or {})
    ran += f", on {hardware}" if hardware else ""
    ran += f", and took {duration_text(seconds)}" if seconds is not None else ""
    return [what, ran + ".", *_outcome(answers)]


def _outcome(answers: Sequence[Answer]) -> list[str]:
    if not answers:
        return []
    counts = Counter(answer.holds for answer in answers)
    words = ((True, "{} here"), (False, "{} not hold here"), (None, "{} not be answered"))
    verbs = {True: ("holds", "hold"), False: ("does", "do"), None: ("could", "could")}
    said = [
        f"{counts[kind]} {text.format(verbs[kind][counts[kind] > 1])}" for kind, text in words if counts[kind]
    ]
    listed = said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
    asked = count_words(len(answers), "claim")
    were = "was" if len(answers) == 1 else "were"
    return [f"Of {asked} of the paper that {were} then tested on its numbers, {listed}."]


def header_facts(pipeline: Pipeline) -> list[tuple[str, Child]]:
    """Names and values of what ran; what no file tells is left out."""
    manifest = _manifest(pipeline)
    versions, git = manifest.get("versions") or {}, manifest.get("git") or {}
    seconds, spent = wall_seconds(pipeline), [s.seconds for s in pipeline.steps if s.seconds is not None]
    started = min((step.started for step in pipeline.steps if step.started), default=None)
    done = sum(step.state == "done" for step in pipeline.steps)
    told = [
        ("pipeline", pipeline.name + (f", scale {pipeline.scale}" if pipeline.scale else "")),
        ("seeds", ", ".join(map(str, pipeline.seeds))),
        ("runs done", f"{done} of {len(pipeline.steps)}"),
        ("started", None if started is None else started.replace("T", " ").replace("+00:00", " UTC")),
        ("wall time", None if seconds is None else duration_text(seconds)),
        ("time of all runs", duration_text(sum(spent)) if spent else None),
        ("side by side", f"up to {count_words(pipeline.jobs, 'run')}" if pipeline.jobs > 1 else None),
        ("hardware", hardware_words(manifest.get("hardware") or {})),
        ("versions", ", ".join(f"{name} {versions[name]}" for name in _NAMED if name in versions)),
        ("git revision", git_words(git)),
        *((f"input {name}", path) for name, path in pipeline.inputs.items()),
    ]
    return [(name, value) for name, value in told if value]


def state_html(pipeline: Pipeline) -> Html | None:
    """Says so where the pipeline has not finished, and what failed or was left out."""
    lines = []
    if not pipeline.finished:
        counts = Counter(step.state for step in pipeline.steps)
        states = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in counts.items())
        lines.append(
            f"This pipeline has not finished: of {count_words(len(pipeline.steps), 'run')}, {states}."
        )
        lines.append("The page shows what there is; the command line that began it goes on with the rest.")
    lines += [
        f"{step.key} failed{': ' + step.why if step.why else ''}."
        for step in pipeline.steps
        if step.state == "failed"
    ]
    left_out = [step.key for step in pipeline.steps if step.state == "left_out"]
    if left_out:
        lines.append(f"Left out, as asked: {', '.join(left_out)}.")
    return tag("div", [tag("p", line) for line in lines], class_="note", role="note") if lines else None
