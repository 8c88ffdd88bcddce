"""What the steps of a pipeline filtered out, and why."""

from __future__ import annotations

from collections.abc import Iterable

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


def _dropped(steps: Iterable[Step]) -> dict[str, float]:
    """Reasons and how many rows went for each, the commonest first."""
    found: dict[str, float] = {}
    for name, value in (each for step in steps for each in step.run.metrics.items()):
        count = finite(value)
        if not count:
            continue
        reason = _LEFT_OUT.get(name)
        if name.startswith(_DROPPED):
            reason = name.removeprefix(_DROPPED).replace("_", " ")
        if reason is not None:
            found[reason] = found.get(reason, 0.0) + count
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def _why(reasons: dict[str, float]) -> Html | str:
    if not reasons:
        return "–"
    told = [f"{reason} {number_text(count)}" for reason, count in reasons.items()]
    return tag("span", ", ".join(told))


def _count(steps: Iterable[Step], metric: str) -> str:
    known = [n for step in steps if (n := finite(step.run.metrics.get(metric))) is not None]
    return number_text(sum(known)) if known else "–"


def filtered_html(pipeline: Pipeline) -> Html | None:
    """A row for each step that dropped something, and its samples folded; None where none did.

    Raises:
        DataError: If a dropped.jsonl cannot be read.
    """
    rows: list[list[Child]] = []
    folded = []
    for name in dict.fromkeys(step.name for step in pipeline.steps):
        steps = pipeline.named(name)
        reasons = _dropped(steps)
        samples = [(step.seed, dropped_html(step.run.folder)) for step in steps]
        shown = [(seed, html) for seed, html in samples if html is not None]
        if not reasons and not shown:
            continue
        title = pipeline.title_of(name)
        counts = [_count(steps, metric) for metric, _ in _COUNTS]
        rows.append([title, *counts, _why(reasons)])
        if shown:
            inside = [
                [tag("p", f"Seed {seed}", class_="label") if len(steps) > 1 else None, html]
                for seed, html in shown
            ]
            folded.append(fold(f"{title}: what was dropped, with samples", *inside))
    if not rows:
        return None
    said = (
        "Rejection sampling and the cold start keep only what is right, readable and in one language. A row "
        "that is dropped has one reason, the first that was found."
    )
    heads = ["step", *(words for _, words in _COUNTS), "dropped, by reason"]
    caption = "What was kept and what was dropped"
    caption += ", summed over seeds" if len(pipeline.seeds) > 1 else ""
    shown_table = table(heads, rows, caption=caption, class_="filtered")
    return join(tag("p", said), tag("div", shown_table, class_="over", tabindex="0"), folded)
