"""Rewards that are limited to some sources of the data."""

from __future__ import annotations

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.validate import validate
from r1light.core.errors import ConfigError, UnknownNameError
from r1light.core.types import Completion, Parsed, Problem, Sample, Score
from r1light.rewards.mix import RewardMix, WeightedReward
from r1light.stages import stage_module
from r1light.stages.build import build_problems


def sample(source=None):
    meta = {} if source is None else {"source": source}
    return Sample(
        Problem("p", "2+3", "exact", "5", meta=meta),
        "2+3",
        Completion((), "5", (), "stop"),
        Parsed(None, "5", True),
    )


def test_a_limited_reward_sees_its_sources_only_and_abstains_on_the_rest():
    seen = []

    def of_a(samples):
        seen.append([each.problem.meta.get("source") for each in samples])
        return [Score.ok(1.0)] * len(samples)

    def of_all(samples):
        return [Score.ok(0.25)] * len(samples)

    mix = RewardMix([WeightedReward("a", of_a, 2.0, sources=("a",)), WeightedReward("all", of_all)])
    mixed = mix.score([sample("a"), sample("b"), sample(), sample("a")])
    assert seen == [["a", "a"]]
    assert mixed.totals == (2.25, 0.25, 0.25, 2.25)
    assert [score.status for score in mixed.scores["a"]] == ["ok", "abstain", "abstain", "ok"]
    assert mix.state()["a"] == {"ok": 2, "abstain": 2, "error": 0}
    mix.score([sample("b")])
    assert seen == [["a", "a"]]  # not called where it has nothing to score


def test_a_limited_reward_that_raises_fails_on_its_own_samples_only():
    def breaks(samples):
        raise ZeroDivisionError("x")

    mix = RewardMix([WeightedReward("a", breaks, sources=("a",))], max_error_rate=1.0)
    scores = mix.score([sample("a"), sample("b")]).scores["a"]
    assert [score.status for score in scores] == ["error", "abstain"]


def configure(*overrides):
    (plain,) = compose_jobs(list(overrides), Source(), multirun=False).jobs
    return validate(plain, stage_module)


def test_sources_are_configured_and_must_be_in_the_data():
    config = configure("data=mixture", "reward.components.format.sources=[sums]")
    assert [spec.sources for spec in config.reward.components] == [None, ("sums",)]
    assert config.resolved["reward"]["components"]["format"] == {"weight": 1.0, "sources": ["sums"]}
    assert "sources" not in config.resolved["reward"]["components"]["accuracy"]
    assert {problem.meta["source"] for problem in build_problems(config, "train")} == {"sums", "countdown"}
    wrong = configure("data=mixture", "reward.components.format.sources=[sum]")
    with pytest.raises(
        UnknownNameError, match=r"data=mixture in reward\.components\.format 'sum'; did you mean"
    ):
        build_problems(wrong, "train")
    wrong = configure("data.train_size=8", "reward.components.format.sources=[sums]")
    with pytest.raises(UnknownNameError, match=r"data=arithmetic .* Known: none"):
        build_problems(wrong, "train")
    with pytest.raises(ConfigError, match=r"reward\.components\.format: sources is empty"):
        configure("reward.components.format.sources=[]")
