"""The browser of what the models of all steps wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from r1light.reports.browser import VERDICT_CHOICE, Choice, filters_html, keys_html, sample_html
from r1light.reports.html import Html, join, tag
from r1light.reports.pipeline_files import Pipeline, Step
from r1light.reports.pipeline_words import count_words
from r1light.reports.run_files import SampleRow
from r1light.reports.samples import fair_shares, pick_samples

CAPS = (60, 30, 15, 8, 4)
"""Samples a step, over all its seeds: the first of these that fits the page."""
BUDGET = 4_000_000
"""Characters that the samples may take on the page."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The samples of one step and seed that the page shows."""

    step: Step
    rows: tuple[SampleRow, ...]
    total: int


def _pick(pipeline: Pipeline, cap: int) -> list[_Drawn]:
    drawn = []
    for name in dict.fromkeys(step.name for step in pipeline.steps):
        steps = [step for step in pipeline.named(name) if step.run.folder.samples.exists()]
        for step, share in zip(steps, fair_shares([cap] * len(steps), cap), strict=True):
            picked = pick_samples(step.run.folder, share)
            drawn.append(_Drawn(step, picked.rows, picked.total))
    return [each for each in drawn if each.rows]


def _samples(pipeline: Pipeline, drawn: Sequence[_Drawn]) -> list[Html]:
    several = len(pipeline.seeds) > 1
    made = []
    for each in drawn:
        of = each.step.title + (f", seed {each.step.seed}" if several else "")
        made += [sample_html(row, of, step=each.step.name, seed=each.step.seed) for row in each.rows]
    return made


def _choices(pipeline: Pipeline, drawn: Sequence[_Drawn]) -> list[Choice]:
    steps = dict.fromkeys(each.step.name for each in drawn)
    seeds = sorted({each.step.seed for each in drawn})
    choices = [Choice("step", "Step", tuple((name, pipeline.title_of(name)) for name in steps))]
    if len(seeds) > 1:
        choices.append(Choice("seed", "Seed", tuple((str(seed), str(seed)) for seed in seeds)))
    return [*choices, VERDICT_CHOICE]


def samples_html(pipeline: Pipeline) -> Html | None:
    """The browser; None where no step kept samples.

    Raises:
        DataError: If a samples.jsonl cannot be read.
    """
    drawn: list[_Drawn] = []
    made: list[Html] = []
    for cap in CAPS:
        drawn = _pick(pipeline, cap)
        made = _samples(pipeline, drawn)
        if sum(map(len, made)) <= BUDGET:
            break
    if not made:
        return None
    total = sum(each.total for each in drawn)
    steps = len({each.step.name for each in drawn})
    rows = [row for each in drawn for row in each.rows]
    which = (
        f"{count_words(len(made), 'completion')} of {total:,} that {count_words(steps, 'step')} kept, evenly "
        "spread over seeds, phases and iterations; the rest stands in each step’s samples.jsonl. "
        "A line opens to the prompt, what the model wrote and every score with its reason; thoughts are "
        "folded once more. What a model wrote is shown as text, hidden characters included."
    )
    return join(
        tag("p", which),
        filters_html(_choices(pipeline, drawn), rows),
        tag("p", f"{len(made):,} shown", id="count", role="status"),
        keys_html(),
        tag("p", "Samples that are folded are left out in print.", class_="printed"),
        tag("div", made, class_="samples"),
    )
