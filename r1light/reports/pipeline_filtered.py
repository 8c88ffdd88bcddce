"""What the steps of a pipeline filtered out, and why."""

from __future__ import annotations

from r1light.reports.axes import number_text
from r1light.reports.curation import dropped_html
from r1light.reports.html import Child, Html, join, tag
from r1light.reports.pipeline_files import Pipeline, Step
from r1light.reports.question_numbers import finite
from r1light.reports.tables import fold, table

_COUNTS = (
    ("prompts", "prompts"),
    ("drawn", "completions"),
    ("kept", "kept"),
)
_LEFT_OUT = {
    "duplicate_prompts": "prompts that stood there before",
    "too_long": "too long for the model’s context",
    "left_out": "left out before asking",
    "identical": "the same words as another",
}
_DROPPED = "dropped/"


def _dropped(step: Step) -> dict[str, float]:
    """Reasons and how many rows went for each."""
    found: dict[str, float] = {}
    for name, value in step.run.metrics.items():
        count = finite(value)
        if not count:
            continue
        if name.startswith(_DROPPED):
            reason = name.removeprefix(_DROPPED).replace("_", " ")
            found[reason] = found.get(reason, 0.0) + count
        elif name in _LEFT_OUT:
            found[_LEFT_OUT[name]] = count
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def _why(reasons: dict[str, float]) -> str:
    return ", ".join(f"{reason} {number_text(count)}" for reason, count in reasons.items()) or "–"


def filtered_html(pipeline: Pipeline) -> Html | None:
    """A row for each step that dropped something, and its samples folded; None where none did.

    Raises:
        DataError: If a dropped.jsonl cannot be read.
    """
    rows: list[list[Child]] = []
    folded = []
    for step in pipeline.steps:
        reasons = _dropped(step)
        samples = dropped_html(step.run.folder)
        if not reasons and samples is None:
            continue
        name = step.title + (f", seed {step.seed}" if len(pipeline.named(step.name)) > 1 else "")
        counts = [number_text(finite(step.run.metrics.get(metric))) for metric, _ in _COUNTS]
        rows.append([name, *counts, _why(reasons)])
        if samples is not None:
            folded.append(fold(f"{name}: what was dropped, with samples", samples))
    if not rows:
        return None
    said = (
        "Rejection sampling and the cold start keep only what is right, readable and in one language. A row "
        "that is dropped has one reason, the first that was found."
    )
    shown = table(
        ["step", *(words for _, words in _COUNTS), "dropped, by reason"],
        rows,
        caption="What was kept and what was dropped",
        class_="filtered",
    )
    return join(tag("p", said), tag("div", shown, class_="over", tabindex="0"), folded)
