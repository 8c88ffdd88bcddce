from __future__ import annotations

import dataclasses

import pytest

from r1light.core.errors import RewardError
from r1light.core.types import Problem, SamplingParams, Verdict
from r1light.evaluation.outcome import Measures
from r1light.graders.exact import Exact
from r1light.training.held_out import HeldOut
from r1light.training.interrupt import Interrupt
from r1light.training.problems import PromptEncoder

MEASURES = Measures(
    reflection=lambda text: text.count("wait"),
    language=lambda sample: (
        None if sample.problem.language is None else float("yes" in sample.completion.text)
    ),
    readable=lambda text, language: True,
    repetition=lambda text: 0.0,
)
PROBLEMS = [Problem(id=str(index), prompt="", grader="exact", answer="yes") for index in range(4)]


def held_out(engine, template, grader=None):
    encoder = PromptEncoder(template, lambda text: [ord(character) for character in text], 100)
    graders = {"exact": grader or Exact(Exact.Config())}
    return HeldOut(engine, encoder, graders, SamplingParams(n=8), Interrupt(), MEASURES)


def test_accuracy_with_its_standard_error(fake_engine, whole_text):
    engine = fake_engine(lambda name, index: "yes" if int(name) < 3 else "wait")
    result = held_out(engine, whole_text).evaluate(PROBLEMS, 5)
    assert result.metrics["pass@1"] == 0.75
    # the sample std of (1, 1, 1, 0) is sqrt(3 * 0.0625 + 0.5625) / sqrt(3) = 0.5; over sqrt(4): 0.25
    assert result.metrics["pass@1_stderr"] == pytest.approx(0.25)
    assert result.metrics["mean_length"] == (4 + 4 + 4 + 5) / 4
    assert result.metrics["reflection"] == 0.25
    assert [judged.sample.problem.id for judged in result.judged] == ["0", "1", "2", "3"]


def test_language_consistency_is_of_problems_that_ask_for_a_language(fake_engine, whole_text):
    engine = fake_engine(lambda name, index: "yes" if int(name) < 1 else "no")
    asked = [dataclasses.replace(problem, language="en") for problem in PROBLEMS[:2]]
    metrics = held_out(engine, whole_text).evaluate([*asked, *PROBLEMS[2:]], 0).metrics
    assert metrics["language/consistency"] == 0.5  # "yes" and "no"; two problems ask for none
    assert "language/consistency" not in held_out(engine, whole_text).evaluate(PROBLEMS, 0).metrics


def test_one_sampled_and_one_greedy_completion_a_problem_with_draws_of_their_own(fake_engine, whole_text):
    engine = fake_engine(lambda name, index: "yes")
    held_out(engine, whole_text).evaluate(PROBLEMS, 5)
    (requests, sampled), (_, greedy) = engine.calls
    assert (sampled.n, sampled.temperature) == (1, 1.0)
    assert (greedy.n, greedy.temperature) == (1, 0.0)
    assert all(request.key[0] > 10**6 for request in requests), "no iteration of training has such a number"


def test_no_answer_is_a_wrong_one(fake_engine, whole_text):
    result = held_out(fake_engine(lambda name, index: ""), whole_text).evaluate(PROBLEMS, 0)
    assert result.metrics["pass@1"] == 0.0


class Failing:
    def grade_many(self, items):
        return [Verdict(None, "error", "no worker") for _ in items]


class Unsure:
    def grade_many(self, items):
        return [Verdict(None, "abstain", "cannot tell") if i else Verdict(1.0) for i, _ in enumerate(items)]


def test_a_grader_that_fails_is_no_wrong_answer(fake_engine, whole_text):
    with pytest.raises(RewardError, match="grading problem '0' failed: no worker"):
        held_out(fake_engine(lambda name, index: "yes"), whole_text, Failing()).evaluate(PROBLEMS, 0)


def test_abstentions_are_left_out_of_the_mean(fake_engine, whole_text):
    result = held_out(fake_engine(lambda name, index: "yes"), whole_text, Unsure()).evaluate(PROBLEMS, 0)
    assert result.metrics["pass@1"] == 1.0
    assert "pass@1_stderr" not in result.metrics


def test_problems_for_reward_models_are_not_counted_whether_answered_or_not(fake_engine, whole_text):
    general = [
        Problem(id="g", prompt="", grader="exact", meta={"preference": "helpful"}),
        Problem(id="h", prompt="", grader="none"),
    ]
    engine = fake_engine(lambda name, index: {"g": "hello", "h": "", "0": "no"}.get(name, "yes"))
    result = held_out(engine, whole_text).evaluate([*general, *PROBLEMS], 0)
    assert result.metrics["pass@1"] == 0.75
    assert result.metrics["unjudged"] == pytest.approx(2 / 6)
    assert [judged.verdict.status for judged in result.judged[:2]] == ["abstain", "abstain"]
    alone = held_out(engine, whole_text).evaluate(general, 0).metrics
    assert alone["pass@1"] != alone["pass@1"], "no rule judges any: not a number, and no 0"
    assert "unjudged" not in held_out(engine, whole_text).evaluate(PROBLEMS, 0).metrics
