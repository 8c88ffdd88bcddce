from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from r1light.algorithms.advantage import group_advantages
from r1light.algorithms.policy_loss import PolicyMetrics
from r1light.core.types import Score
from r1light.evaluation.outcome import Measures
from r1light.training.collect import Rollout
from r1light.training.metrics import UpdateSums, group_metrics, sample_rows, update_metrics

MEASURES = Measures(
    reflection=lambda text: text.count("wait"),
    language=lambda sample: {"en": 0.75, "zh": 0.25}.get(sample.problem.language),
    readable=lambda text, language: True,
    repetition=lambda text: 0.0,
)


def measured(groups):
    rewards, kept = Rollout(tuple(groups), 0, 0, 1, 0).rewards_PG()
    advantages = group_advantages(rewards, kept)
    return group_metrics(groups, advantages, 20, MEASURES), advantages


def test_rewards_groups_and_lengths(make_group):
    groups = [
        make_group([0.0, 1.0, 1.0, None], texts=["wait wait", "a", "wait", "b"], lengths=[2, 4, 6, 8]),
        make_group([1.0, 1.0, 1.0, 1.0], finish=["stop", "stop", "stop", "length"], lengths=[1, 1, 1, 9]),
    ]
    metrics, _ = measured(groups)
    assert metrics["reward"] == pytest.approx(6 / 7)  # seven kept: 0 1 1 and 1 1 1 1
    # population std of (0, 1, 1): sqrt(2/9); of the second group 0; their mean
    assert metrics["reward_std"] == pytest.approx(math.sqrt(2 / 9) / 2)
    assert metrics["frac_reward_zero_std"] == 0.5
    assert metrics["groups/frac_all_correct"] == 0.5
    assert metrics["groups/frac_all_wrong"] == 0.0
    assert metrics["groups/dropped_samples"] == 1 / 8
    assert metrics["rewards/accuracy/mean"] == pytest.approx(6 / 7)
    assert metrics["rewards/accuracy/error_rate"] == 1 / 8
    assert metrics["reflection/rate"] == 3 / 8
    assert metrics["completions/mean_length"] == (2 + 4 + 6 + 8 + 1 + 1 + 1 + 9) / 8
    assert metrics["completions/clipped_ratio"] == 1 / 8
    assert metrics["completions/max_terminated_length"] == 8.0


def test_language_consistency_is_the_mean_over_completions_that_it_applies_to(make_group):
    groups = [make_group([0.0, 1.0]), make_group([0.0, 1.0]), make_group([0.0, 1.0])]
    assert "language/consistency" not in measured(groups)[0]

    def asked(group, language):
        problem = dataclasses.replace(group.problem, language=language)
        samples = tuple(dataclasses.replace(sample, problem=problem) for sample in group.samples)
        return dataclasses.replace(group, problem=problem, samples=samples)

    mixed = [asked(groups[0], "en"), asked(groups[1], "zh"), groups[2]]
    assert measured(mixed)[0]["language/consistency"] == 0.5  # (2 * 0.75 + 2 * 0.25) / 4


def test_token_sums_become_means():
    names = list(PolicyMetrics.__dataclass_fields__)
    values = dict.fromkeys(names, 0.0) | {
        "policy_loss": 0.5,
        "kl_loss": 0.25,
        "tokens": 10.0,
        "sequences": 2.0,
        "ratio": 11.0,
        "clipped_low": 1.0,
        "clipped_high": 2.0,
        "clipped_delta": 1.0,
        "reference_kl": 3.0,
    }
    policy = PolicyMetrics(*(torch.tensor(values[name]) for name in names))
    metrics = update_metrics(UpdateSums(policy, 20.0, (1.0, 3.0), 1e-4))
    assert metrics["loss"] == pytest.approx(0.375)  # (0.5 + 0.25) over two updates
    assert metrics["kl"] == pytest.approx(0.3)
    assert metrics["entropy"] == pytest.approx(2.0)
    assert metrics["ratio"] == pytest.approx(1.1)
    assert metrics["clip_ratio/low_mean"] == pytest.approx(0.1)
    assert metrics["clip_ratio/high_mean"] == pytest.approx(0.3)
    assert metrics["clip_ratio/region_mean"] == pytest.approx(0.4)
    assert metrics["grad_norm"] == 2.0


def test_an_update_that_was_skipped_says_only_its_learning_rate():
    zero = PolicyMetrics.unstack(torch.zeros(len(PolicyMetrics.__dataclass_fields__)))
    assert update_metrics(UpdateSums(zero, 0.0, (), 1e-4)) == {"learning_rate": 1e-4}


def test_sample_rows_hold_what_a_reader_needs(make_group):
    group = make_group([0.0, None])
    _, advantages = measured([group])
    rows = sample_rows([group], advantages.advantages_PG, iteration=4)
    assert rows[0]["scores"] == {"accuracy": {"value": 0.0, "status": "ok", "detail": ""}}
    assert rows[1]["reward"] is None
    assert rows[1]["scores"]["accuracy"]["status"] == "error"
    assert {row["iteration"] for row in rows} == {4}
    assert rows[0]["reference"] == "5"


def of_source(group, source, **meta):
    """The group, its problem marked with its source in a mixture."""
    problem = dataclasses.replace(group.problem, meta={"source": source, **meta})
    samples = tuple(dataclasses.replace(sample, problem=problem) for sample in group.samples)
    return dataclasses.replace(group, problem=problem, samples=samples)


def by_model(group, source):
    """The group with a reward model's scores, where no rule judges."""
    scores = {
        "accuracy": (Score.abstain("a problem for a reward model"),) * len(group.samples),
        "helpfulness": tuple(Score.ok(reward) for reward in group.rewards),
    }
    return dataclasses.replace(of_source(group, source, preference="helpful"), scores=scores)


def test_each_source_has_its_reward_accuracy_and_length(make_group):
    sums = of_source(make_group([0.0, 1.0], name="a", lengths=[2, 4]), "sums")
    more = of_source(make_group([1.0, None], name="b", lengths=[6, 8]), "sums")
    chat = by_model(make_group([0.2, 0.4], name="c", lengths=[10, 20]), "chat")
    metrics, _ = measured([sums, chat, more])
    found = {name: value for name, value in metrics.items() if name.startswith("sources/")}
    assert found == pytest.approx(
        {
            "sources/sums/groups": 2,
            "sources/sums/reward": 2 / 3,  # 0, 1 and 1; the dropped one has none
            "sources/sums/accuracy": 2 / 3,
            "sources/sums/mean_length": 5.0,
            "sources/chat/groups": 1,
            "sources/chat/reward": 0.3,
            "sources/chat/mean_length": 15.0,
        }
    )


def test_problems_that_no_rule_judges_are_neither_all_right_nor_all_wrong(make_group):
    right = make_group([1.0, 1.0], name="a")
    chat = by_model(make_group([0.2, 0.4], name="c"), "chat")
    metrics, _ = measured([right, chat])
    assert (metrics["groups/frac_all_correct"], metrics["groups/frac_all_wrong"]) == (1.0, 0.0)
    assert "groups/frac_all_wrong" not in measured([chat])[0]
