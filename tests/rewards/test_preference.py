"""Rewards of general questions: which text each model reads, on which problems, and what is refused."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from r1light.core.errors import ConfigError, UnknownNameError
from r1light.core.types import Message
from r1light.graders.exact import Exact
from r1light.graders.none import NoGrader
from r1light.models.scorer import Scorer
from r1light.rewards.accuracy import Accuracy
from r1light.rewards.format import Format
from r1light.rewards.language import Language
from r1light.rewards.mix import RewardMix, WeightedReward
from r1light.rewards.preference import Harmlessness, Helpfulness, ModelConfig


class Counting(torch.nn.Module):
    """A classifier whose logit is the sum of a text's ids."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.config = SimpleNamespace(pad_token_id=0)
        self.batches = []

    def forward(self, input_ids, attention_mask, use_cache):
        self.batches.append(tuple(input_ids.shape))
        return SimpleNamespace(logits=(input_ids * attention_mask).sum(1, keepdim=True) * self.weight)


class Recorder:
    """Loads a counting model, whose texts become one id each character; keeps what it was given."""

    def __init__(self, label="LABEL_0"):
        self.label = label
        self.read = []
        self.loaded = []
        self.model = Counting()

    def encode(self, messages):
        self.read.append(messages)
        return (1,) * len(messages[-1].content)

    def __call__(self, path, device):
        self.loaded.append((path, device))
        return Scorer(self.model, self.encode, 100, self.label)


def reward(kind, recorder, **options):
    return kind(ModelConfig(path="model", **options), lambda: "cpu", recorder)


def sigmoid(logit):
    return 1 / (1 + math.exp(-logit))


def helpful(make_sample, **fields):
    return make_sample(meta={"preference": "helpful"}, **fields)


def test_helpfulness_sees_only_the_summary_and_harmlessness_everything(make_sample):
    seen = Recorder()
    (score,) = reward(Helpfulness, seen)([helpful(make_sample, answer="abc")])
    assert seen.read == [(Message("user", "2+3?"), Message("assistant", "abc"))]
    assert score.value == pytest.approx(sigmoid(3))  # three characters, an id of 1 each
    whole = Recorder()
    sample = make_sample("hm</think>ok", prefill="<think>", meta={"preference": "safety"})
    (score,) = reward(Harmlessness, whole)([sample])
    assert whole.read[0][-1] == Message("assistant", "<think>hm</think>ok")


def test_a_conversation_is_read_with_all_its_turns(make_sample):
    turns = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    seen = Recorder()
    reward(Helpfulness, seen)([helpful(make_sample, prompt=turns, answer="d")])
    assert seen.read == [(*turns, Message("assistant", "d"))]


def test_each_abstains_on_problems_of_rules_and_of_the_other_and_loads_nothing_for_them(make_sample):
    samples = [make_sample(), helpful(make_sample), make_sample(meta={"preference": "safety"})]
    loads = Recorder()
    assert [score.status for score in reward(Helpfulness, loads)(samples)] == ["abstain", "ok", "abstain"]
    assert [score.status for score in reward(Harmlessness, loads)(samples)] == ["abstain", "abstain", "ok"]
    idle = Recorder()
    reward(Helpfulness, idle)([samples[0], samples[2]])
    assert idle.loaded == []
    assert loads.loaded == [("model", "cpu")] * 2


def test_without_a_summary_the_score_is_0(make_sample):
    idle = Recorder()
    scores = reward(Helpfulness, idle)([helpful(make_sample, answer=None), helpful(make_sample, answer=" ")])
    assert [score.value for score in scores] == [0.0, 0.0]
    assert idle.loaded == []


def test_batches_are_of_like_length_within_the_budget_and_scores_in_the_callers_order(make_sample):
    seen = Recorder()
    texts = ["aa", "a" * 6, "aaa", "a" * 5]
    scores = reward(Helpfulness, seen, max_batch_tokens=12)([helpful(make_sample, answer=t) for t in texts])
    # longest first: 6 and 5 fill 2 * 6 = 12 tokens, then 3 and 2 together
    assert seen.model.batches == [(2, 6), (2, 3)]
    assert [score.value for score in scores] == pytest.approx([sigmoid(len(text)) for text in texts])


def test_a_long_text_keeps_its_end_and_says_so(make_sample):
    (score,) = reward(Helpfulness, Recorder(), max_length=4)([helpful(make_sample, answer="a" * 9)])
    assert score.value == pytest.approx(sigmoid(4))
    assert score.detail == "its last 4 of 9 tokens"


def test_a_model_of_the_other_kind_and_an_unknown_kind_are_refused_in_one_line(make_sample):
    mix = RewardMix(
        [WeightedReward("helpfulness", reward(Helpfulness, Recorder("safe")))], max_error_rate=1.0
    )
    with pytest.raises(
        ConfigError, match=r"helpfulness\.path=model is a reward model of 'safe', not of 'helpful'"
    ):
        mix.score([helpful(make_sample)])
    with pytest.raises(UnknownNameError, match="'helpfull'; did you mean 'helpful'"):
        reward(Helpfulness, Recorder())([make_sample(meta={"preference": "helpfull"})])
    for options in ({"path": ""}, {"path": "m", "max_length": 1}, {"path": "m", "max_batch_tokens": 0}):
        with pytest.raises(ValueError, match=r"path is empty|max_length="):
            ModelConfig(**options)


def test_the_sum_of_the_papers_equations_8_to_10(make_sample):
    mix = RewardMix(
        [
            WeightedReward("accuracy", Accuracy({"exact": Exact(Exact.Config()), "none": NoGrader()})),
            WeightedReward("format", Format()),
            WeightedReward("language", Language(Language.Config())),
            WeightedReward("helpfulness", reward(Helpfulness, Recorder())),
            WeightedReward("harmlessness", reward(Harmlessness, Recorder())),
        ]
    )
    thinking = "The two numbers are added and that is the whole sum of them. So gehen wir, und es ist gut so."
    reasoning = make_sample(thinking=thinking, language="en")
    general = helpful(make_sample, thinking=thinking, language="en", answer="ok", grader="none")
    safety = make_sample("x", thinking=thinking, language="en", grader="none", meta={"preference": "safety"})
    language = mix.score([reasoning]).scores["language"][0].value
    assert 0.4 < language < 0.8
    # rule: accuracy 1 + format 1, and language; general: its model's score + format, and language
    assert mix.score([reasoning]).totals == (pytest.approx(2 + language),)
    assert mix.score([general]).totals == (pytest.approx(sigmoid(2) + 1 + language),)
    assert mix.score([safety]).totals == (pytest.approx(sigmoid(1) + 1 + language),)
    assert mix.score([general]).scores["accuracy"][0].status == "abstain"


def test_a_problem_that_nobody_can_grade_is_abstained_on_by_its_grader(make_sample):
    accuracy = Accuracy({"none": NoGrader()})
    (score,) = accuracy([make_sample(grader="none")])
    assert score.status == "abstain"
    assert "without a right answer" in score.detail
