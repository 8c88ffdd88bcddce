from __future__ import annotations

import pytest

from r1light.training.diagnosis import QUIET, WINDOW, Diagnosis

HEALTHY = {
    "groups/frac_all_wrong": 0.2,
    "groups/frac_all_correct": 0.2,
    "frac_reward_zero_std": 0.4,
    "completions/clipped_ratio": 0.0,
    "entropy": 0.5,
    "rewards/format/error_rate": 0.0,
    "rewards/format/std": 0.1,
    "rewards/format/mean": 0.9,
    "sampling/sampling_logp_difference/mean": 1e-6,
}


def said(changes, iterations=WINDOW):
    diagnosis = Diagnosis()
    lines = [diagnosis.look(number, HEALTHY | changes) for number in range(1, iterations + 1)]
    return [line for line in lines if line]


def test_a_healthy_run_is_left_in_peace():
    assert said({}, 100) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"groups/frac_all_wrong": 1.0}, "nearly every group is all wrong"),
        ({"groups/frac_all_correct": 0.99}, "nearly every group is all right"),
        ({"frac_reward_zero_std": 1.0}, "dynamic_sampling"),
        ({"completions/clipped_ratio": 0.8}, "raise stage.max_tokens"),
        ({"entropy": 0.001}, "collapsed"),
        ({"rewards/format/error_rate": 0.1}, "rewards fail"),
        ({"sampling/sampling_logp_difference/mean": 0.5}, "stale weights"),
        ({"rewards/format/std": 0.0, "rewards/format/mean": 0.0}, "the reward 'format' has been 0"),
    ],
)
def test_each_symptom_has_its_line(changes, words):
    (line,) = said(changes)
    assert words in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rewards/format/error_rate": 0.1}, "rewards fail on some samples"),
        ({"groups/dropped_samples": 1.0}, "no completion has a reward"),
        # the cause is named before what follows from it
        ({"rewards/format/error_rate": 1.0, "groups/dropped_samples": 1.0}, "rewards fail on some samples"),
    ],
)
def test_what_one_iteration_shows_is_said_at_once(changes, words):
    (line,) = said(changes, 1)
    assert words in line


def test_a_line_comes_again_only_after_a_while():
    assert len(said({"completions/clipped_ratio": 0.8}, WINDOW + QUIET - 1)) == 1
    assert len(said({"completions/clipped_ratio": 0.8}, WINDOW + QUIET)) == 2


def test_low_entropy_at_high_accuracy_is_success():
    assert said({"entropy": 0.001, "groups/frac_all_correct": 0.8}) == []


def test_a_constant_full_reward_is_no_symptom():
    assert said({"rewards/format/std": 0.0, "rewards/format/mean": 1.0}) == []
