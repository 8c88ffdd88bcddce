"""Accuracy on held-out problems, in the course of training and around it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from r1light.algorithms.estimators import pass_at_1
from r1light.core.errors import RewardError
from r1light.core.preference import kind_of
from r1light.core.protocols import Grader, RolloutEngine
from r1light.core.scoring import score_fields
from r1light.core.types import Problem, Sample, SamplingParams, Score, Verdict
from r1light.evaluation.outcome import Measures
from r1light.training import ranks
from r1light.training.collect import make_samples
from r1light.training.interrupt import Interrupt
from r1light.training.metrics import language_consistency, sample_fields
from r1light.training.problems import PromptEncoder

EVALUATION_STREAM = 2**30
"""Added to the iteration in the draws' key, so that evaluations share no draw with training."""

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
    """Draws one completion a problem, sampled and greedy, and grades its answer."""

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
        samples = [judged.sample for judged in sampled]
        metrics = _accuracy("pass@1", sampled) | _accuracy("pass@1_greedy", greedy)
        metrics |= {
            "mean_length": fmean(len(sample.completion.token_ids) for sample in samples),
            "truncated": fmean(sample.completion.finish_reason == "length" for sample in samples),
            "well_formed": fmean(sample.parsed.well_formed for sample in samples),
            "reflection": fmean(self.measures.reflection(sample.completion.text) for sample in samples),
        }
        metrics |= language_consistency(samples, self.measures)
        unjudged = fmean(judged.verdict.score is None for judged in sampled)
        metrics |= {"unjudged": unjudged} if unjudged else {}
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
        for group in self.engine.generate([request for request, _ in encoded.values()], params):
            if interruptible:
                self.interrupt.check()
            index = group.request.key[1]
            (samples[index],) = make_samples(self.encoder.template, problems[index], encoded[index][1], group)
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
    verdicts: dict[int, Verdict] = {
        index: Verdict(None, "abstain", "a problem without a right answer")
        for index, sample in enumerate(samples)
        if kind_of(sample.problem) is not None or sample.problem.grader == "none"
    }
    for index, sample in enumerate(samples):
        if sample.parsed.answer is None:
            verdicts.setdefault(index, Verdict(0.0, detail="no answer"))
    for name, grader in graders.items():
        mine = [
            index
            for index, sample in enumerate(samples)
            if index not in verdicts and sample.problem.grader == name
        ]
        items = [(samples[index].problem, samples[index].parsed.answer or "") for index in mine]
        verdicts |= dict(zip(mine, grader.grade_many(items), strict=True)) if items else {}
    return [Judged(sample, verdicts[index]) for index, sample in enumerate(samples)]


def judged_rows(phase: str, iteration: int, judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """Rows of samples.jsonl for graded completions."""
    return [
        {
            "phase": phase,
            "iteration": iteration,
            **sample_fields(each.sample),
            "reward": each.verdict.score,
            "scores": {"accuracy": score_fields(_score(each.verdict))},
            "advantage": None,
        }
        for each in judged
    ]


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


def _accuracy(name: str, judged: Sequence[Judged]) -> dict[str, float]:
    """The share of right answers among those that can be judged, with its standard error over problems."""
    scores = [item.verdict.score for item in judged if item.verdict.score is not None]
    if not scores:
        return {name: float("nan")}
    found = pass_at_1([[score] for score in scores])
    return {name: found.mean} | ({} if found.stderr is None else {f"{name}_stderr": found.stderr})
