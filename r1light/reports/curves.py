"""Which metrics stand together on which figure, and the figures of a run's metrics."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from r1light.reports.axes import plottable
from r1light.reports.changes import is_fraction
from r1light.reports.series import Figure, Point, Series

Rows = Sequence[Mapping[str, Any]]

_COUNTERS = ("iteration", "update", "epoch")
OTHERS = "Other metrics"
"""The section of what no plan names."""
_MOST_OTHERS = 24


@dataclass(frozen=True, slots=True)
class Plan:
    """One figure to make if its metrics are there.

    Attributes:
        slug: See `Figure`.
        title: See `Figure`.
        caption: See `Figure`.
        metrics: Pairs of a metric's name and its label. A `*` in the name stands for any text, and `{}` in
            the label is that text.
        percent: See `Figure`.
        limits: See `Figure`.
        smooth: See `Series`.
    """

    slug: str
    title: str
    caption: str
    metrics: tuple[tuple[str, str], ...]
    percent: bool = False
    limits: tuple[float, float] | None = None
    smooth: bool = True


_UNIT = (0.0, 1.0)

SECTIONS: tuple[tuple[str, tuple[Plan, ...]], ...] = (
    (
        "Learning",
        (
            Plan(
                "accuracy",
                "Held-out accuracy",
                "Problems that training never sees. Iteration 0 is the model before training.",
                (
                    ("eval/pass@1_greedy", "pass@1, greedy"),
                    ("eval/pass@1", "pass@1, sampled"),
                    ("eval/*/pass@1", "{} pass@1"),
                    ("eval/cons@*", "cons@{}"),
                ),
                percent=True,
                limits=_UNIT,
            ),
            Plan(
                "reward",
                "Reward",
                "Mean over the iteration's completions: the weighted sum, and each reward before its weight.",
                (("reward", "reward (weighted sum)"), ("rewards/*/mean", "{}")),
            ),
            Plan(
                "length",
                "Completion length (tokens)",
                "Mean number of tokens that a completion takes, thoughts and answer together.",
                (
                    ("completions/mean_length", "training"),
                    ("eval/mean_length", "held-out"),
                    ("completions/mean_terminated_length", "training, ended by itself"),
                ),
            ),
            Plan(
                "reflection",
                "Reflective words",
                "How often completions stop to check themselves: “wait”, “let me check” and the like.",
                (("reflection/rate", "training"), ("eval/reflection*", "held-out")),
            ),
            Plan(
                "language",
                "Language consistency",
                "Share of the thoughts that is in the language asked for.",
                (("language/consistency", "training"), ("eval/language/consistency", "held-out")),
                percent=True,
                limits=_UNIT,
            ),
        ),
    ),
    (
        "Policy",
        (
            Plan(
                "entropy",
                "Entropy (nats per token)",
                "How undecided the policy is. A fall to 0 ends exploration.",
                (("entropy", "entropy"),),
            ),
            Plan(
                "kl",
                "KL divergence from the reference (nats per token)",
                "How far the policy has moved; it falls to 0 where the reference is reset.",
                (("kl", "KL"),),
            ),
            Plan(
                "clip",
                "Clipped tokens",
                "Share of tokens whose probability ratio was clipped. Strictly on-policy updates clip none.",
                (
                    ("clip_ratio/region_mean", "either side"),
                    ("clip_ratio/low_mean", "low side"),
                    ("clip_ratio/high_mean", "high side"),
                ),
                percent=True,
            ),
            Plan(
                "grad", "Gradient norm", "Before clipping, mean over the updates.", (("grad_norm", "norm"),)
            ),
            Plan(
                "lr",
                "Learning rate",
                "At the iteration's end.",
                (("learning_rate", "learning rate"),),
                smooth=False,
            ),
        ),
    ),
    (
        "Groups and rewards",
        (
            Plan(
                "groups",
                "Groups that teach little",
                "A group whose completions all have the same reward gives no advantage and so no gradient.",
                (
                    ("frac_reward_zero_std", "all of one reward"),
                    ("groups/frac_all_correct", "all correct"),
                    ("groups/frac_all_wrong", "all wrong"),
                ),
                percent=True,
                limits=_UNIT,
            ),
            Plan(
                "truncated",
                "Truncated completions",
                "Share that met the token cap before an end token.",
                (("completions/clipped_ratio", "training"), ("eval/truncated", "held-out")),
                percent=True,
            ),
            Plan(
                "spread",
                "Spread of rewards",
                "Standard deviation of the reward, and of each reward before its weight.",
                (("reward_std", "reward (weighted sum)"), ("rewards/*/std", "{}")),
            ),
            Plan(
                "outcomes",
                "Rewards that gave no score",
                "Share of completions on which a reward abstained or failed; neither counts as a score of 0.",
                (("rewards/*/abstain_rate", "{} abstained"), ("rewards/*/error_rate", "{} failed")),
                percent=True,
            ),
            Plan(
                "sampling",
                "Engine against trainer",
                "Difference between the log-probabilities of the rollout engine and of the trainer.",
                (("sampling/*", "{}"),),
            ),
        ),
    ),
    (
        "Cost",
        (
            Plan(
                "time",
                "Time (seconds per iteration)",
                "The whole iteration, and its parts where they were measured.",
                (("step_time", "iteration"), ("time/*", "{}")),
            ),
            Plan(
                "throughput",
                "Throughput (tokens per second)",
                "Tokens generated and learnt from, by the wall clock.",
                (("perf/*tokens_per_second", "{}tokens/s"),),
            ),
            Plan("memory", "Memory of the host (GB)", "Resident set size.", (("host/rss_gb", "resident"),)),
            Plan(
                "tokens",
                "Tokens so far",
                "Prompts and completions, summed.",
                (("num_tokens", "tokens"),),
                smooth=False,
            ),
        ),
    ),
)


def _counter(rows: Rows) -> str:
    return next((name for name in _COUNTERS if any(plottable(row.get(name)) for row in rows)), "row")


def _names(rows: Rows) -> list[str]:
    """The metrics of the rows: what holds a number somewhere, in the order of appearance."""
    found: dict[str, None] = {}
    for row in rows:
        for name, value in row.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.setdefault(name)
    return [name for name in found if name not in _COUNTERS and not name.endswith("_stderr")]


def series_of(rows: Rows, name: str, label: str, *, smooth: bool = True) -> Series:
    """One metric as a series.

    Args:
        rows: Of metrics.jsonl.
        name: The metric. Rows without it give no point; null, NaN and infinities give a point without value.
            `<name>_stderr`, where present, gives the point an interval of 1.96 times itself.
        label: For the legend.
        smooth: See `Series`.

    Returns:
        The series over iterations; over updates, epochs or row numbers where there are none.
    """
    counter = _counter(rows)
    points = []
    for i, row in enumerate(rows):
        x = row.get(counter, i)
        if name not in row or not plottable(x):
            continue
        value, error = row[name], row.get(f"{name}_stderr")
        y = float(value) if plottable(value) else None
        half = 1.96 * float(error) if error is not None and plottable(error) else None
        points.append(Point(float(x), y, half))
    return Series(label, tuple(sorted(points, key=lambda point: point.x)), smooth)


def _claimed(plan: Plan, names: Iterable[str]) -> dict[str, str]:
    """Metric to label, in the plan's order; each metric once."""
    names = list(names)
    found: dict[str, str] = {}
    for pattern, label in plan.metrics:
        shape = re.compile(re.escape(pattern).replace(r"\*", "(.*)"))
        for name in names:
            match = shape.fullmatch(name)
            if match and name not in found:
                found[name] = label.format(*(part.replace("_", " ") for part in match.groups()))
    return found


def _has_value(rows: Rows, name: str) -> bool:
    return any(plottable(row.get(name)) for row in rows)


def figures(rows: Rows) -> list[tuple[str, list[Figure]]]:
    """The figures of a run.

    Args:
        rows: Of metrics.jsonl, of any stage.

    Returns:
        Sections of figures that have something to show. Metrics that no plan names stand in the last section,
        one figure each.
    """
    names = [name for name in _names(rows) if _has_value(rows, name)]
    counter, left, sections = _counter(rows), dict.fromkeys(names), []
    for title, plans in SECTIONS:
        made = []
        for plan in plans:
            claimed = _claimed(plan, left)
            lines = tuple(series_of(rows, name, label, smooth=plan.smooth) for name, label in claimed.items())
            left = {name: None for name in left if name not in claimed}
            if lines:
                made.append(
                    Figure(plan.slug, plan.title, plan.caption, lines, plan.percent, plan.limits, counter)
                )
        if made:
            sections.append((title, made))
    others = [
        Figure(f"other-{i}", name, "", (series_of(rows, name, name),), is_fraction(name), None, counter)
        for i, name in enumerate(list(left)[:_MOST_OTHERS])
    ]
    if others:
        sections.append((OTHERS, others))
    return sections
