"""Curves over seeds: the figures of questions, from the rows of their steps' metrics.jsonl."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from r1light.reports.axes import number_text, plottable
from r1light.reports.changes import is_fraction, label
from r1light.reports.pipeline_files import Pipeline
from r1light.reports.question_numbers import final_level, finite
from r1light.reports.questions import Answer
from r1light.reports.series import Figure, Level, Point, Series

Rows = Sequence[Mapping[str, Any]]

_TITLES = {
    "eval/pass@1": "Held-out problems answered right",
    "reward": "Reward",
    "completions/mean_length": "Completion length (tokens)",
    "reflection/rate": "Reflective words (per completion)",
    "language/consistency": "Language consistency",
}
_COUNTED = {"time/total": "seconds of training", "num_tokens": "tokens"}


def curve(rows: Rows, metric: str, over: str) -> dict[float, Point]:
    """A metric over `over`, by update (by the row's number where there is none).

    Before the first update nothing has been spent, whether the row says so or not.
    """
    found: dict[float, Point] = {}
    for i, row in enumerate(rows):
        update = _drawable(row.get("update", row.get("iteration", i)))
        x, y = _drawable(row.get(over)), _drawable(row.get(metric))
        if x is None and update == 0:
            x = 0.0
        if x is not None and y is not None and update is not None:
            found[update] = Point(x, y)
    return found


def _drawable(value: object) -> float | None:
    return finite(value) if plottable(value) else None


def mean_curve(curves: Sequence[Mapping[float, Point]]) -> tuple[Point, ...]:
    """The mean of curves at the updates that all of them have, of x and of y alike."""
    curves = [each for each in curves if each]
    if not curves:
        return ()
    points = []
    for update in sorted(set.intersection(*(set(each) for each in curves))):
        here = [each[update] for each in curves]
        points.append(Point(mean(p.x for p in here), mean(p.y or 0.0 for p in here)))
    return tuple(sorted(points, key=lambda point: point.x))


def _series(pipeline: Pipeline, name: str, metric: str, over: str) -> Series:
    curves = [curve(step.run.rows, metric, over) for step in pipeline.named(name)]
    curves = [each for each in curves if each]
    thin = tuple(tuple(each.values()) for each in curves) if len(curves) > 1 else ()
    return Series(
        pipeline.title_of(name), mean_curve(curves), smooth=not metric.startswith("eval/"), others=thin
    )


def curve_title(metric: str) -> str:
    """What a metric's figure is called."""
    return _TITLES.get(metric) or label(metric.removeprefix("eval/"))


def _levels(pipeline: Pipeline, answer: Answer) -> tuple[Level, ...]:
    """The levels that the question's checks ask to be reached on this curve, each once."""
    found: dict[tuple[str, float], Level] = {}
    for check in answer.checks:
        for spec in (check.before_spec, check.after_spec):
            if spec is None or spec.reaches is None or spec.metric != answer.curve:
                continue
            ends = [final_level(step.run.rows, spec.metric) for step in pipeline.named(spec.reaches)]
            known = [end for end in ends if end is not None]
            if known:
                less = number_text(spec.tolerance)
                if is_fraction(spec.metric):
                    less = f"{100 * spec.tolerance:.3g} points"
                said = f"where {pipeline.title_of(spec.reaches)} ends"
                said += f", less {less}" if spec.tolerance else ""
                key = (spec.reaches, spec.tolerance)
                found[key] = Level(mean(known) - spec.tolerance, said)
    return tuple(found.values())


def question_figure(pipeline: Pipeline, answer: Answer) -> Figure | None:
    """The figure of a question's curve; None where it has none, or no step has written a value of it."""
    if answer.curve is None:
        return None
    lines = [_series(pipeline, name, answer.curve, answer.curve_over) for name in answer.curve_steps]
    lines = [line for line in lines if line.points]
    if not lines:
        return None
    percent = is_fraction(answer.curve)
    caption = "As training goes on. Update 0 is the model before it." if percent else "As training goes on."
    return Figure(
        f"{answer.name}-curve",
        curve_title(answer.curve),
        caption,
        tuple(lines),
        percent,
        (0.0, 1.0) if percent else None,
        _COUNTED.get(answer.curve_over, answer.curve_over),
        levels=_levels(pipeline, answer),
    )
