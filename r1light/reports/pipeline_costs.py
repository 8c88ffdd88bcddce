"""What a pipeline cost, step by step, and what distillation cost the student and the teacher."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from r1light.reports.axes import duration_text, number_text
from r1light.reports.html import Child, Html, join, tag
from r1light.reports.pipeline_files import Pipeline, Step
from r1light.reports.question_numbers import finite
from r1light.reports.tables import table


@dataclass(frozen=True, slots=True)
class Cost:
    """What some steps took together; None where none of them says.

    Attributes:
        seconds: Wall time.
        tokens: Tokens drawn or learnt from.
        flops: Floating-point operations of the trained models.
        memory_gb: The most that one of them held at once.
        energy_kwh: Energy.
    """

    seconds: float | None
    tokens: float | None
    flops: float | None
    memory_gb: float | None
    energy_kwh: float | None


def cost_of(steps: Iterable[Step]) -> Cost:
    """The sum over steps; of memory the largest."""
    steps = list(steps)
    return Cost(
        _total(step.seconds for step in steps),
        _total(_last(step, "num_tokens") for step in steps),
        _total(_last(step, "flops") for step in steps),
        max((n for step in steps for n in _memory(step)), default=None),
        _total(finite(step.run.manifest.get("energy_kwh")) for step in steps),
    )


def _total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _last(step: Step, name: str) -> float | None:
    """A count of the result, or the last of metrics.jsonl where there is no result."""
    value = finite(step.run.metrics.get(name))
    if value is not None:
        return value
    return next((n for row in reversed(step.run.rows) if (n := finite(row.get(name))) is not None), None)


def _memory(step: Step) -> list[float]:
    return [n for row in step.run.rows if (n := finite(row.get("host/rss_gb"))) is not None]


def flops_words(flops: float) -> str:
    """Floating-point operations with a prefix.

    Example:
        >>> flops_words(2.5e13)
        '25 TFLOP'
    """
    for size, prefix in ((1e21, "Z"), (1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G")):
        if flops >= size:
            return f"{flops / size:.3g} {prefix}FLOP"
    return f"{flops:.3g} FLOP"


def _cells(cost: Cost) -> list[Child]:
    def said(value: float | None, words: Callable[[float], str]) -> str:
        return "–" if value is None else words(value)

    return [
        said(cost.seconds, duration_text),
        said(cost.tokens, lambda n: number_text(round(n))),
        said(cost.flops, flops_words),
        said(cost.memory_gb, lambda n: f"{n:.2f} GB"),
    ]


_HEADS = ("time", "tokens", "operations", "most memory")


def costs_html(pipeline: Pipeline) -> Html | None:
    """A table of all steps, and what is to be said of it; None for a pipeline that has not begun."""
    begun = [step for step in pipeline.steps if step.seconds is not None or step.run.rows]
    if not begun:
        return None
    rows: list[Sequence[Child]] = []
    for name in dict.fromkeys(step.name for step in begun):
        steps = [step for step in begun if step.name == name]
        rows.append([pipeline.title_of(name), str(len(steps)), *_cells(cost_of(steps))])
    whole = cost_of(begun)
    total = [tag("strong", "together"), str(len(begun)), *_cells(whole)]
    energy = (
        "Energy is not known: no step’s manifest records it."
        if whole.energy_kwh is None
        else f"Energy, as far as manifests record it: {number_text(round(whole.energy_kwh, 3))} kWh."
    )
    said = (
        "Time is each step’s wall time, summed over seeds; steps that ran side by side share it. Tokens are "
        "those drawn or learnt from. Operations are the trained model’s floating-point operations, "
        f"generation included; a dash means that a step does not count them. {energy}"
    )
    shown = table(
        ["step", "runs", *_HEADS], [*rows, total], caption="Summed over seeds", class_="numbers costs"
    )
    return join(
        tag("p", said), tag("div", shown, class_="over", tabindex="0"), _distillation(pipeline, begun)
    )


def _distillation(pipeline: Pipeline, begun: Sequence[Step]) -> Html | None:
    """The cost of training the student, of drawing from the teacher and of making it, apart."""
    keys = {step.key: step for step in begun}
    rows: list[Sequence[Child]] = []
    students = [name for name in dict.fromkeys(s.name for s in begun) if _distils(pipeline.named(name)[0])]
    for name in students:
        own = [step for step in begun if step.name == name]
        asked = {key for step in own for key in step.needs if key in keys}
        drawn = {key for key in asked if keys[key].stage == "sample"}
        made = _behind(keys, asked) - drawn
        title = pipeline.title_of(name)
        rows.append([f"{title}: the student’s training", str(len(own)), *_cells(cost_of(own))])
        for words, group in (("drawing what it learns from", drawn), ("making the teacher", made)):
            if group:
                cost = cost_of(keys[key] for key in group)
                rows.append([f"{title}: {words}", str(len(group)), *_cells(cost)])
    if not rows:
        return None
    said = (
        "What a student spends to learn from a teacher, and what the teacher had cost before. The teacher’s "
        "cost is in none of the comparisons at equal compute."
    )
    shown = table(["part", "runs", *_HEADS], rows, caption="Distillation", class_="numbers costs")
    return join(
        tag("h3", "Student and teacher", class_="sub"),
        tag("p", said),
        tag("div", shown, class_="over", tabindex="0"),
    )


def _distils(step: Step) -> bool:
    return step.stage == "distill" or (step.stage == "sft" and step.name.startswith("distill"))


def _behind(keys: dict[str, Step], asked: set[str]) -> set[str]:
    """The steps that some stand on, they themselves among them."""
    found: set[str] = set()
    left = list(asked)
    while left:
        key = left.pop()
        if key not in found and key in keys:
            found.add(key)
            left += keys[key].needs
    return found
