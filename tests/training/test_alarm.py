from __future__ import annotations

import math
import random

import pytest

from r1light.training.alarm import AlarmOptions, HackingAlarm, trend


def rewards(model, rule):
    return {"rewards/helpfulness/mean": model, "rewards/accuracy/mean": rule}


def rings(alarm, pairs):
    """The first iteration, from 1, in which it rings; None if in none."""
    for number, (model, rule) in enumerate(pairs, start=1):
        if alarm.look(number, rewards(model, rule)):
            return number
    return None


def test_a_line_worked_out_by_hand():
    # x 0 1 2 3, y 1 2 2 4: mean x 1.5, S_xx 5; mean y 2.25; S_xy 1.875 + 0.125 - 0.125 + 2.625 = 4.5
    # slope 0.9; the line is 0.9 1.8 2.7 3.6, the rest 0.1 0.2 -0.7 0.4, squares 0.7
    # error sqrt(0.7 / 2 / 5) = sqrt(0.07); neighbours correlate below 0: 0.02 - 0.14 - 0.28 < 0
    found = trend([(0, 1), (1, 2), (2, 2), (3, 4)])
    assert found.slope == pytest.approx(0.9)
    assert found.error == pytest.approx(math.sqrt(0.07))
    assert found.t == pytest.approx(0.9 / math.sqrt(0.07))


def test_a_rest_that_wanders_widens_the_error():
    # x 0..5, y 1 1 0 0 1 1: level, mean 2/3, S_xx 17.5; the rest 1/3 1/3 -2/3 -2/3 1/3 1/3, squares 4/3
    # neighbours: 1/9 - 2/9 + 4/9 - 2/9 + 1/9 = 2/9, so r = (2/9) / (4/3) = 1/6, and (1 + r) / (1 - r) = 7/5
    found = trend(list(enumerate((1, 1, 0, 0, 1, 1))))
    assert found.slope == pytest.approx(0.0)
    assert found.error == pytest.approx(math.sqrt(4 / 3 / 4 / 17.5 * 7 / 5))


@pytest.mark.parametrize(("ys", "t"), [((1, 2, 3), math.inf), ((3, 2, 1), -math.inf), ((2, 2, 2), 0.0)])
def test_a_line_without_a_rest(ys, t):
    assert trend(list(enumerate(ys))).t == t


def test_two_points_have_no_error():
    with pytest.raises(ValueError, match="needs 3 points"):
        trend([(0, 1), (1, 2)])


def test_noise_alone_does_not_ring():
    """Levels of their own with white noise: 40 runs of 150 iterations, 121 windows each."""
    draw = random.Random(0)
    rang = sum(
        rings(
            HackingAlarm(AlarmOptions()), [(draw.gauss(0.5, 0.1), draw.gauss(0.7, 0.1)) for _ in range(150)]
        )
        is not None
        for _ in range(40)
    )
    assert rang == 0


@pytest.mark.parametrize(
    ("model_slope", "rule_slope", "expected"),
    [
        (0.01, -0.01, True),
        (0.01, 0.01, False),
        (-0.01, -0.01, False),
        (-0.01, 0.01, False),
        (0.01, 0.0, False),
    ],
)
def test_only_a_rise_of_the_one_with_a_fall_of_the_other_rings(model_slope, rule_slope, expected):
    draw = random.Random(1)
    pairs = [
        (0.3 + model_slope * step + draw.gauss(0, 0.03), 0.8 + rule_slope * step + draw.gauss(0, 0.03))
        for step in range(60)
    ]
    assert (rings(HackingAlarm(AlarmOptions()), pairs) is not None) is expected


def test_the_line_names_both_rewards_and_comes_with_a_full_window():
    alarm = HackingAlarm(AlarmOptions(window=5))
    found = [alarm.look(number, rewards(0.1 * number, 1 - 0.1 * number)) for number in range(1, 6)]
    assert found[:4] == [""] * 4
    assert "the reward model 'helpfulness' rises by 0.1 an iteration" in found[4]
    assert "'accuracy' falls by 0.1" in found[4]


def test_iterations_without_a_score_are_passed_over_and_count_as_time():
    """The model scores every other iteration; slopes are per iteration all the same."""
    alarm, last = HackingAlarm(AlarmOptions(window=5)), None
    for number in range(1, 11):
        given = 0.1 * number if number % 2 else math.nan
        last = alarm.look(number, rewards(given, 1 - 0.1 * number)) or last
    assert "rises by 0.1 an iteration" in last
    assert "over 5 iterations" in last


def test_a_run_without_reward_models_or_with_the_alarm_off_is_not_watched():
    assert HackingAlarm(AlarmOptions()).look(1, {"rewards/accuracy/mean": 0.5}) is None
    assert HackingAlarm(AlarmOptions(window=0)).look(1, rewards(0.5, 0.5)) is None


@pytest.mark.parametrize("broken", [0, 3, 17, 29, 40])
def test_a_resumed_alarm_rings_at_the_same_iteration(broken):
    import json

    draw = random.Random(2)
    pairs = [(0.01 * step + draw.gauss(0, 0.05), 1 - 0.01 * step + draw.gauss(0, 0.05)) for step in range(60)]
    whole = [HackingAlarm(AlarmOptions())]
    expected = [whole[0].look(number, rewards(*pair)) for number, pair in enumerate(pairs)]
    assert any(expected)
    alarm = HackingAlarm(AlarmOptions())
    found = []
    for number, pair in enumerate(pairs):
        if number == broken:
            state = json.loads(json.dumps(alarm.state()))
            alarm = HackingAlarm(AlarmOptions())
            alarm.load_state(state)
        found.append(alarm.look(number, rewards(*pair)))
    assert found == expected


@pytest.mark.parametrize(
    "options", [{"window": 4}, {"window": -1}, {"threshold": 0}, {"threshold": math.inf}]
)
def test_options_out_of_range(options):
    with pytest.raises(ValueError, match="must be"):
        AlarmOptions(**options)
