"""The way from the base to the last model: what every stage did to five numbers, end to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean

from r1light.reports.pipeline_curves import curve, mean_curve
from r1light.reports.pipeline_files import Pipeline, Step
from r1light.reports.question_numbers import finite
from r1light.reports.series import Point


@dataclass(frozen=True, slots=True)
class Track:
    """One number that is followed through all stages.

    Attributes:
        slug: Letters alone.
        title: What it is, with its unit.
        rows: Its names in metrics.jsonl, the first that a step has is taken.
        result: Its name in the result of an evaluation; None where evaluations do not have it.
        percent: Whether it is a share.
        smooth: Whether it is noisy enough for a moving average.
    """

    slug: str
    title: str
    rows: tuple[str, ...]
    result: str | None
    percent: bool = False
    smooth: bool = True


TRACKS = (
    Track("accuracy", "Held-out problems answered right", ("eval/pass@1",), "pass@1", True, False),
    Track("reward", "Reward in training", ("reward",), None),
    Track("length", "Length (tokens)", ("completions/mean_length", "eval/mean_length"), "mean_length"),
    Track("reflection", "Reflective words", ("reflection/rate", "eval/reflection"), "reflection"),
    Track(
        "language",
        "Language consistency",
        ("language/consistency", "eval/language/consistency"),
        "language/consistency",
        True,
    ),
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one stage of the story did to one number.

    Attributes:
        line: The mean over seeds, over updates; empty where the stage wrote no such rows.
        others: Each seed's line, where there are two seeds or more.
        dots: Each seed's evaluation of the stage's model.
    """

    line: tuple[Point, ...] = ()
    others: tuple[tuple[Point, ...], ...] = ()
    dots: tuple[float, ...] = ()

    @property
    def dot(self) -> float | None:
        """The evaluation's mean."""
        return mean(self.dots) if self.dots else None

    @property
    def values(self) -> list[float]:
        """All that is drawn."""
        drawn = [p.y for line in (self.line, *self.others) for p in line if p.y is not None]
        return [*drawn, *self.dots]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the story.

    Attributes:
        name: The step's name.
        title: What it is called.
        updates: How many updates its longest seed took; 0 for an evaluation.
        stretches: Track slug to what the stage did to it.
    """

    name: str
    title: str
    updates: float
    stretches: Mapping[str, Stretch]


def story(pipeline: Pipeline) -> tuple[Stage, ...]:
    """The stages of the pipeline's story that have something to show."""
    stages = []
    for name in pipeline.story:
        steps = pipeline.named(name)
        updates = [n for s in steps for row in s.run.rows if (n := finite(row.get("update"))) is not None]
        stretches = {track.slug: _stretch(pipeline, steps, track) for track in TRACKS}
        stages.append(Stage(name, pipeline.title_of(name), max(updates, default=0.0), stretches))
    return tuple(stages)


def _stretch(pipeline: Pipeline, steps: list[Step], track: Track) -> Stretch:
    curves = []
    for step in steps:
        found = (curve(step.run.rows, metric, "update") for metric in track.rows)
        curves.append(next((one for one in found if one), {}))
    curves = [one for one in curves if one]
    others = tuple(tuple(one.values()) for one in curves) if len(curves) > 1 else ()
    dots = [] if track.result is None else [_evaluated(pipeline, step, track.result) for step in steps]
    return Stretch(mean_curve(curves), others, tuple(dot for dot in dots if dot is not None))


def _evaluated(pipeline: Pipeline, step: Step, metric: str) -> float | None:
    """What the evaluation of a step's model says; a step that evaluates says it itself."""
    if step.stage == "evaluate":
        return finite(step.run.metrics.get(metric)) if step.counts else None
    for other in pipeline.steps:
        if other.stage == "evaluate" and other.counts and step.key in other.needs:
            value = finite(other.run.metrics.get(metric))
            if value is not None:
                return value
    return None
