"""Rewards of general questions: the routing to reward models, and the refusal where there is none."""

from __future__ import annotations

import pytest

from r1light.core.errors import ConfigError
from r1light.core.types import Score
from r1light.graders.exact import Exact
from r1light.rewards.accuracy import Accuracy
from r1light.rewards.format import Format
from r1light.rewards.language import Language
from r1light.rewards.mix import RewardMix, WeightedReward
from r1light.rewards.preference import Preference


def fixed(value):
    return lambda samples: [Score.ok(value) for _ in samples]


def test_each_problem_gets_its_own_model_and_a_reasoning_problem_none(make_sample):
    seen = []

    def helpful(samples):
        seen.append(len(samples))
        return [Score.ok(0.25 * (index + 1)) for index in range(len(samples))]

    reward = Preference({"helpful": helpful, "safety": fixed(-1.0)})
    kinds = ["helpful", None, "safety", "helpful"]
    scores = reward([make_sample(meta={"preference": kind} if kind else {}) for kind in kinds])
    assert [score.value for score in scores] == [0.25, None, -1.0, 0.5]
    assert scores[1].status == "abstain"
    assert seen == [2]  # asked once, for both


def test_a_missing_reward_model_is_one_line_that_no_error_rate_hides(make_sample):
    mix = RewardMix([WeightedReward("preference", Preference({"safety": fixed(1.0)}))], max_error_rate=1.0)
    with pytest.raises(ConfigError) as caught:
        mix.score([make_sample(meta={"preference": "helpful"})])
    line = str(caught.value)
    assert "'sums/1'" in line
    assert "'helpful'" in line
    assert "this run has: safety" in line
    assert "\n" not in line


def test_the_sum_of_the_papers_equations_8_to_10(make_sample):
    mix = RewardMix(
        [
            WeightedReward("accuracy", Accuracy({"exact": Exact(Exact.Config())})),
            WeightedReward("format", Format()),
            WeightedReward("language", Language(Language.Config())),
            WeightedReward("preference", Preference({"helpful": fixed(0.25)})),
        ]
    )
    thinking = "The two numbers are added and that is the whole sum of them. So gehen wir, und es ist gut so."
    reasoning = make_sample(thinking=thinking, language="en")
    general = make_sample(thinking=thinking, language="en", answer=None, meta={"preference": "helpful"})
    language = mix.score([reasoning]).scores["language"][0].value
    assert 0.4 < language < 0.8
    # rule: accuracy 1 + format 1, and language; general: model 0.25 + format 1, and language
    assert mix.score([reasoning]).totals == (pytest.approx(2 + language),)
    assert mix.score([general]).totals == (pytest.approx(1.25 + language),)
    assert mix.score([general]).scores["accuracy"][0].status == "abstain"
