"""Gold answers earn full marks and wrong ones do not, or it is found."""

from __future__ import annotations

import pytest

from r1light.core.types import Parsed, Problem, Prompt, Score
from r1light.curation.gold import GoldCheck
from r1light.curation.perfect import THOUGHTS, gold_answer, perfect_completion, thought
from r1light.curation.wrong import same_answer, wrong_answer
from r1light.graders.exact import Exact
from r1light.rewards.accuracy import Accuracy
from r1light.rewards.format import Format
from r1light.rewards.mix import RewardMix, WeightedReward
from r1light.templates.cold_start import ColdStart
from r1light.templates.plain import Plain
from r1light.templates.r1_zero import R1Zero

TEMPLATE = R1Zero(R1Zero.Config())


def problems(*answers, grader="exact"):
    return [Problem(f"p{i}", f"question {i}", grader, answer) for i, answer in enumerate(answers)]


def check(rewards, found, full_marks=None, template=TEMPLATE):
    mix = RewardMix([WeightedReward(name, reward) for name, reward in rewards.items()], max_error_rate=1.0)
    gold = GoldCheck(template, mix, full_marks or {}, lambda text: list(text.encode()), seed=0)
    return [each for batch in gold.check(found, range(len(found)), 2) for each in batch]


ACCURACY = Accuracy({"exact": Exact(Exact.Config())})


def test_a_sound_reward_passes():
    findings = check({"accuracy": ACCURACY, "format": Format()}, problems("1", "2", "3"))
    assert [(each.status, each.wrong_checked) for each in findings] == [("passed", True)] * 3


def test_a_grader_that_fails_on_gold_is_found_with_its_reason():
    findings = check({"accuracy": ACCURACY}, problems("1", ".", "3"))  # "." is nothing to `exact`
    assert [each.status for each in findings] == ["passed", "failed", "passed"]
    assert "accuracy fails: problem 'p1' has no reference answer" in findings[1].detail


def test_a_format_reward_that_is_always_zero_is_found():
    class Blind(R1Zero):
        def render(self, problem):
            return Prompt("Q: <think>", "<think>")

    def forgets_the_prefill(samples):
        return [Score.ok(float(each.completion.text.startswith("<think>"))) for each in samples]

    findings = check({"format": forgets_the_prefill}, problems("1", "2"), template=Blind(R1Zero.Config()))
    assert [each.status for each in findings] == ["failed", "failed"]
    assert findings[0].detail == "format gives 0, full marks would be 1"


def test_a_reward_that_takes_any_answer_is_found():
    findings = check({"format": Format()}, problems("1", "2"))
    assert [each.status for each in findings] == ["wrong_passes"] * 2
    assert findings[0].detail == "another's answer '2' earns 1, the gold answer '1' 1"


def test_full_marks_by_reward():
    def penalty(samples):
        return [Score.ok(0.0)] * len(samples)

    found = problems("1", "2")
    assert check({"accuracy": ACCURACY, "p": penalty}, found)[0].status == "failed"
    assert check({"accuracy": ACCURACY, "p": penalty}, found, {"p": 0.0})[0].status == "passed"
    assert check({"accuracy": ACCURACY, "p": penalty}, found, {"p": None})[0].status == "passed"


def test_a_problem_without_an_answer_is_unchecked_and_not_passed():
    findings = check({"accuracy": ACCURACY}, [*problems("1", "2"), Problem("q", "x", "exact")])
    assert [each.status for each in findings] == ["passed", "passed", "unchecked"]


def test_one_answer_for_all_leaves_no_wrong_one():
    assert [each.wrong_checked for each in check({"accuracy": ACCURACY}, problems("1", "1.0", "1"))] == [
        False
    ] * 3


def test_every_reward_abstaining_is_no_pass():
    findings = check({"a": lambda samples: [Score.abstain()] * len(samples)}, problems("1", "2"))
    assert [each.detail for each in findings] == ["every reward abstains"] * 2


@pytest.mark.parametrize("prefill", ["", "<think>", "<think>\n"])
@pytest.mark.parametrize("make", [R1Zero, Plain, ColdStart])
@pytest.mark.parametrize("answer", ["5", r"\frac{1}{2}", "x < 3", "一百", "def f(): pass\n\nprint(f())"])
def test_a_perfect_completion_is_well_formed_and_holds_the_answer(make, prefill, answer):
    prefill = prefill.replace("<think>", "|special|") if make is ColdStart else prefill
    template = make(make.Config(prefill=prefill))
    text = perfect_completion(template, prefill, "I think.", answer)
    parsed = template.parse(prefill, text)
    assert (parsed.well_formed, parsed.answer, parsed.thinking) == (True, answer, "I think.")


def test_no_perfect_completion_where_the_template_takes_none():
    class Strict:
        def parse(self, prefill, text):
            return Parsed(None, None, False)

    assert perfect_completion(Strict(), "", "x", "5") is None
    assert perfect_completion(TEMPLATE, "", "x", "</answer>") is None


def test_the_gold_answer_is_the_reference_or_what_the_source_offers():
    assert gold_answer(Problem("1", "", "code", meta={"solutions": ["print(1)", "print(2)"]})) == "print(1)"
    assert gold_answer(Problem("1", "", "math", "5", meta={"solution": "long"})) == "5"
    assert gold_answer(Problem("1", "", "math")) is None


def test_the_thought_is_in_the_language_that_is_asked_for():
    assert thought(Problem("1", "问题", "math", language="zh")) == THOUGHTS["zh"]
    assert thought(Problem("1", "Kysymys?", "math", language="fi")) == "Kysymys?"
    assert thought(Problem("1", "x", "math")) == THOUGHTS["en"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1,000", "1000.0", True),
        (r"\frac{1}{2}", "0.5", True),
        (r"\dfrac{2}{4}", r"\frac{1}{2}", True),
        ("$18", "18", True),
        ("Yes.", "yes", True),
        ("1/0", "1/0", True),
        ("1/0", "2", False),
        ("A", "B", False),
        ("12", "1.2", False),
    ],
)
def test_which_answers_are_the_same(one, other, same):
    assert same_answer(one, other) is same


def test_a_wrong_answer_is_of_the_same_grader_and_another_value():
    found = [*problems("1", "1.0", "2"), *problems("7", grader="math")]
    golds = [each.answer for each in found]
    assert {wrong_answer(0, found, golds, seed) for seed in range(20)} == {"2"}
    assert wrong_answer(3, found, golds, 0) is None
