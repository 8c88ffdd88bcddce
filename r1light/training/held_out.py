"""Accuracy on held-out problems, in the course of training and around it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from r1light.core.errors import RewardError, unknown_name
from r1light.core.protocols import Grader, RolloutEngine
from r1light.core.scoring import score_fields
from r1light.core.types import Problem, Sample, SamplingParams, Score, Verdict
from r1light.evaluation.outcome import Measures, Outcome
from r1light.evaluation.summary import summarise
from r1light.rewards.accuracy import Accuracy
from r1light.training import ranks
from r1light.training.collect import make_samples
from r1light.training.interrupt import Interrupt
from r1light.training.metrics import sample_fields
from r1light.training.problems import PromptEncoder

EVALUATION_STREAM = 2**30
"""Added to the iteration in the draws' key, so that evaluations share no draw with training."""

_ACCURACY = ("pass@1", "pass@1_stderr")
_MEANS = ("mean_length", "truncated", "well_formed", "reflection", "language/consistency", "unjudged")
"""Of an evaluation's figures, those that training looks at."""

SHOWN_TEST_SAMPLES = 64
"""Completions to test problems that go to samples.jsonl, before and after."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A held-out completion and its verdict."""

    sample: Sample
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class HeldOutResult:
    """One evaluation.

    Attributes:
        metrics: `pass@1` (one sampled completion a problem) and `pass@1_greedy`, each with its `_stderr`,
            over the problems that a rule judges; `unjudged`, the share of the others, where there are any; of
            all sampled completions `mean_length` (tokens), `truncated` and `well_formed` (shares),
            `reflection` (reflective words each) and, where problems ask for one, `language/consistency`.
        judged: The sampled completions.
    """

    metrics: Mapping[str, float]
    judged: tuple[Judged, ...]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Draws one completion a problem, sampled and greedy, and grades its answer.

    Verdicts and figures are those of `stage=evaluate`: the reward `accuracy`, and `evaluation.summary`.
    """

    engine: RolloutEngine
    encoder: PromptEncoder
    graders: Mapping[str, Grader]
    params: SamplingParams
    interrupt: Interrupt
    measures: Measures

    def evaluate(
        self, problems: Sequence[Problem], iteration: int, *, interruptible: bool = True
    ) -> HeldOutResult:
        """Evaluate on the problems, at temperature 1 and greedily.

        Args:
            problems: The problems, over all ranks.
            iteration: Decides the draws.
            interruptible: Whether a signal breaks the evaluation off.

        Raises:
            RewardError: If a grader fails on one of them.
            Halt: If a signal has come.
        """
        sampled = self._judge(problems, iteration, 1.0, interruptible)
        greedy = self._judge(problems, iteration, 0.0, interruptible)
        found, at_best = _summary(sampled, self.measures), _summary(greedy, None)
        metrics = _picked(found, _ACCURACY)
        metrics |= {
            name.replace("pass@1", "pass@1_greedy"): at_best[name] for name in _picked(at_best, _ACCURACY)
        }
        metrics |= _picked(found, _MEANS)
        return HeldOutResult(metrics, tuple(sampled))

    def _judge(
        self, problems: Sequence[Problem], iteration: int, temperature: float, interruptible: bool
    ) -> list[Judged]:
        params = dataclasses.replace(self.params, n=1, temperature=temperature)
        own = ranks.share_of(range(len(problems)))
        encoded = {
            index: self.encoder.request(problems[index], (EVALUATION_STREAM + iteration, index))
            for index in own
        }
        samples: dict[int, Sample] = {}
        with self.interrupt.together():
            for group in self.engine.generate([request for request, _ in encoded.values()], params):
                if interruptible:
                    self.interrupt.check()
                index = group.request.key[1]
                prompt = encoded[index][1]
                (samples[index],) = make_samples(self.encoder.template, problems[index], prompt, group)
        return ranks.gather(grade([samples[index] for index in own], self.graders))


def grade(samples: Sequence[Sample], graders: Mapping[str, Grader]) -> list[Judged]:
    """Grade the answers, each by its problem's grader; no answer is a wrong one.

    A problem for a reward model, or of the grader `none`, has no right answer: its verdict is an abstention.

    Raises:
        RewardError: If a grader fails; accuracy over the rest would not be accuracy.
    """
    judged = judge(samples, graders)
    for each in judged:
        if each.verdict.status == "error":
            raise RewardError(f"grading problem {each.sample.problem.id!r} failed: {each.verdict.detail}")
    return judged


def judge(samples: Sequence[Sample], graders: Mapping[str, Grader]) -> list[Judged]:
    """`grade`, where a grader that fails on an answer is a verdict like others."""
    scores = Accuracy(graders)(samples)
    verdicts = [Verdict(score.value, score.status, score.detail, score.parts) for score in scores]
    return [Judged(sample, verdict) for sample, verdict in zip(samples, verdicts, strict=True)]


def judged_rows(phase: str, iteration: int, judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """Rows of samples.jsonl for graded completions: accuracy alone judges them, so they have no reward."""
    return [
        {
            "phase": phase,
            "iteration": iteration,
            **sample_fields(each.sample),
            "reward": None,
            "scores": {"accuracy": score_fields(_score(each.verdict))},
            "advantage": None,
        }
        for each in judged
    ]


def check_objective(objective: str | None, before: Mapping[str, float], others: Iterable[str]) -> None:
    """Refuse what a sweep cannot go by, before hours are spent on it.

    Args:
        objective: The metric that the run is to have in its result.json; None for no sweep.
        before: The held-out figures before training, whose names those after it have too. What no rule
            judges is NaN, and stands in no result.
        others: Further names of the result's metrics.

    Raises:
        UnknownNameError: It has none of that name.
    """
    finite = [name for name, value in before.items() if math.isfinite(value)]
    known = {*others, *(f"{when}/{name}" for when in ("before", "after") for name in finite)}
    if objective is not None and objective not in known:
        raise unknown_name("metric of grpo in objective:", objective, known)


def in_words(metrics: Mapping[str, float]) -> str:
    """Held-out accuracy in one line."""
    if math.isnan(metrics["pass@1"]):
        return f"no rule judges these problems, mean length {metrics['mean_length']:.1f} tokens"
    return (
        f"pass@1 {metrics['pass@1']:.3f} sampled, {metrics['pass@1_greedy']:.3f} greedy, "
        f"mean length {metrics['mean_length']:.1f} tokens"
    )


def _score(verdict: Verdict) -> Score:
    return Score(verdict.score, verdict.status, verdict.detail, verdict.parts)


def _summary(judged: Sequence[Judged], measures: Measures | None) -> dict[str, float]:
    """What `stage=evaluate` makes of one completion a problem; accuracy that no rule judges is not a number.

    Args:
        judged: The completions.
        measures: What is measured besides; None for accuracy alone.
    """
    outcomes_PK = [[_outcome(each, measures)] for each in judged]
    return {"pass@1": float("nan")} | summarise(outcomes_PK, seed=0)


def _outcome(judged: Judged, measures: Measures | None) -> Outcome:
    sample = judged.sample
    measured: dict[str, float | None] = {}
    if measures is not None:
        measured = {
            "reflection": measures.reflection(sample.completion.text),
            "language/consistency": measures.language(sample),
        }
    return Outcome.of_sample(sample, _score(judged.verdict), measured)


def _picked(found: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    return {name: found[name] for name in names if name in found}
