"""The verdicts on a pipeline's questions, computed from its run folders and nothing else.

A check's number is known for a seed if every step behind it is done and says it. Its mean is over all seeds
of the pipeline: where one is missing there is none, as a verdict on some seeds would be another verdict.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r1light.core.errors import DataError
from r1light.core.run_folder import RunFolder
from r1light.reports.pipeline_files import FILE, Pipeline, mapping, read_pipeline
from r1light.reports.question_intervals import COMPARED, Value, over_seeds, paired
from r1light.reports.question_numbers import Found, Number, find, read_number

_NOISE = 1e-9
"""0.7 - 0.4 is 0.29999999999999993 and is to count as 0.3: thresholds bear so much of their size, or of 1."""


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """One check with its numbers.

    Attributes:
        name: Its name in the question.
        what: What it measures, in words.
        compare: "value", "difference" or "ratio".
        at_least: The least that holds, or None.
        at_most: The most that holds, or None.
        percent: Whether the numbers are shares.
        before: The number before; None for a check that has none.
        after: The number after.
        compared: What is held against the thresholds.
        holds: Whether it does; None without a threshold, or where the number is not known.
        missing: Why numbers are not known, each reason once.
        before_spec: Which number `before` is.
        after_spec: Which number `after` is.
    """

    name: str
    what: str
    compare: str
    at_least: float | None
    at_most: float | None
    percent: bool
    before: Value | None
    after: Value
    compared: Value
    holds: bool | None
    missing: tuple[str, ...]
    before_spec: Number | None
    after_spec: Number

    @property
    def decides(self) -> bool:
        """Whether it has a threshold."""
        return self.at_least is not None or self.at_most is not None


@dataclass(frozen=True, slots=True)
class Answer:
    """One question with its verdict.

    Attributes:
        name: Such as "rq1".
        asks: The question.
        claim: What the paper claims.
        paper: The paper's own numbers.
        checks: Its checks.
        curve: The metric of metrics.jsonl that its figure draws, or None.
        curve_steps: The steps whose curves it draws.
        curve_over: What the figure's axis counts.
    """

    name: str
    asks: str
    claim: str
    paper: str
    checks: tuple[CheckAnswer, ...]
    curve: str | None = None
    curve_steps: tuple[str, ...] = ()
    curve_over: str = "update"

    @property
    def holds(self) -> bool | None:
        """Whether all checks with a threshold hold; None, "not answered", if one of them is not known."""
        verdicts = [check.holds for check in self.checks if check.decides]
        return None if None in verdicts or not verdicts else all(verdicts)

    @property
    def verdict(self) -> str:
        """The verdict in words."""
        return {True: "holds", False: "does not hold here", None: "not answered"}[self.holds]


def answers(folder: Path) -> tuple[Answer, ...]:
    """The answers to a pipeline's questions.

    Args:
        folder: The pipeline's run folder, whether it has finished or not.

    Raises:
        DataError: If it is no pipeline's folder, or a file in it cannot be read.
    """
    return judge(read_pipeline(RunFolder(folder)))


def judge(pipeline: Pipeline) -> tuple[Answer, ...]:
    """The answers to the questions of a pipeline that has been read.

    Raises:
        DataError: If a question of pipeline.json lacks something.
    """
    where = f"{pipeline.folder.path / FILE}: questions"
    return tuple(
        _answer(pipeline, name, spec, f"{where}.{name}") for name, spec in pipeline.questions.items()
    )


def answer_metrics(found: Sequence[Answer]) -> dict[str, float]:
    """The answers as metrics of result.json: `rq1_holds` and, by check, `rq1/accuracy/before` and the like.

    Returns:
        Finite numbers only: what is unknown or infinite has no entry.
    """
    metrics: dict[str, float] = {}
    for answer in found:
        if answer.holds is not None:
            metrics[f"{answer.name}_holds"] = float(answer.holds)
        for check in answer.checks:
            numbers = {
                "before": None if check.before is None else check.before.mean,
                "after": check.after.mean,
                "value": check.compared.mean,
                "low": check.compared.low,
                "high": check.compared.high,
            }
            metrics |= {
                f"{answer.name}/{check.name}/{kind}": number
                for kind, number in numbers.items()
                if number is not None and math.isfinite(number)
            }
    return metrics


def _answer(pipeline: Pipeline, name: str, spec: Any, where: str) -> Answer:
    value = mapping(spec, where)
    checks = mapping(value.get("checks"), f"{where}.checks")
    steps = value.get("curve_steps")
    return Answer(
        name,
        str(value.get("asks") or name),
        str(value.get("claim") or ""),
        str(value.get("paper") or ""),
        tuple(_check(pipeline, key, each, f"{where}.checks.{key}") for key, each in checks.items()),
        value.get("curve") if isinstance(value.get("curve"), str) else None,
        tuple(map(str, steps)) if isinstance(steps, list) else (),
        str(value.get("curve_over") or "update"),
    )


def _check(pipeline: Pipeline, name: str, spec: Any, where: str) -> CheckAnswer:
    value = mapping(spec, where)
    after_spec = read_number(value.get("after"), f"{where}.after")
    before_spec = read_number(value["before"], f"{where}.before") if value.get("before") else None
    compare = str(value.get("compare") or "difference")
    if compare not in COMPARED:
        raise DataError(f"{where}.compare={compare} should be one of {', '.join(COMPARED)}")
    if compare != "value" and before_spec is None:
        raise DataError(f"{where}.compare={compare} needs before")
    after = _found(pipeline, after_spec)
    before = None if before_spec is None else _found(pipeline, before_spec)
    compared = over_seeds(paired(COMPARED[compare], after, before))
    bounds = [_bound(value.get(key), f"{where}.{key}") for key in ("at_least", "at_most")]
    sides = [side for side in (before, after) if side is not None]
    reasons = [found.why for side in sides for found in side.values() if found.why]
    if compared.mean is None and not reasons:
        reasons.append("0 / 0 is no ratio" if compare == "ratio" else "the numbers cannot be compared")
    return CheckAnswer(
        name,
        str(value.get("what") or name),
        compare,
        bounds[0],
        bounds[1],
        value.get("percent") is True,
        None if before is None else over_seeds(before),
        over_seeds(after),
        compared,
        _holds(compared.mean, over_seeds(after).mean, bounds[0], bounds[1]),
        tuple(dict.fromkeys(reasons)),
        before_spec,
        after_spec,
    )


def _bound(value: Any, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DataError(f"{where}={value!r} should be a number")
    return float(value)


def _holds(
    value: float | None, after: float | None, at_least: float | None, at_most: float | None
) -> bool | None:
    """None without a threshold or a number. What was never reached does not hold."""
    if value is None or (at_least is None and at_most is None):
        return None
    if after is not None and math.isinf(after):
        return False
    enough = at_least is None or value >= at_least - _NOISE * max(1.0, abs(at_least))
    return enough and (at_most is None or value <= at_most + _NOISE * max(1.0, abs(at_most)))


def _found(pipeline: Pipeline, spec: Number) -> dict[int, Found]:
    """The number for each seed; for the first alone where one step serves all of them."""
    shared = all(len(pipeline.named(name)) < 2 for name in spec.steps)
    seeds = pipeline.seeds[:1] if shared else pipeline.seeds
    return {seed: find(pipeline, spec, seed) for seed in seeds}
