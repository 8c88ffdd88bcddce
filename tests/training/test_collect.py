from __future__ import annotations

import dataclasses
import threading
import time

import pytest

from r1light.core.types import Completion, Problem, SamplingParams, Score
from r1light.rewards.mix import RewardMix, WeightedReward
from r1light.rewards.overlap import Overlapped
from r1light.training.collect import Collector, Overlong
from r1light.training.interrupt import Halt, Interrupt
from r1light.training.problems import ProblemStream, PromptEncoder


def problems(count):
    return [Problem(id=str(index), prompt="", grader="exact", answer="yes") for index in range(count)]


def is_yes(samples):
    return [Score.ok(float(sample.completion.text == "yes")) for sample in samples]


def collector(engine, template, refill=0, reward=is_yes, overlong=None, interrupt=None):
    return Collector(
        engine,
        PromptEncoder(template, lambda text: [ord(character) for character in text], 100),
        Overlapped(RewardMix([WeightedReward("yes", reward)], 1.0)),
        SamplingParams(n=2, max_tokens=10),
        overlong or Overlong(10, 0, 1.0),
        refill,
        interrupt or Interrupt(),
    )


def test_groups_come_back_in_the_order_of_the_problems_with_keys_of_their_own(fake_engine, whole_text):
    engine = fake_engine(lambda name, index: "yes" if index else "no")
    stream = ProblemStream(problems(6), seed=0)
    expected = [problem.id for problem in ProblemStream(problems(6), seed=0).take(4)[0]]
    rollout = collector(engine, whole_text).collect(stream, 4, iteration=7)
    assert [group.problem.id for group in rollout.groups] == expected
    assert [group.rewards for group in rollout.groups] == [(0.0, 1.0)] * 4
    assert {request.key for request in engine.calls[0][0]} == {(7, 0), (7, 1), (7, 2), (7, 3)}
    # "no" and "yes" and an end token each: 3 + 4 tokens a group
    assert rollout.completion_tokens == 4 * 7
    assert stream.cursor == 4


def test_groups_without_variance_are_replaced_within_the_attempts(fake_engine, whole_text):
    def author(name, index):
        return "yes" if int(name) % 2 or index else "no"  # odd problems are all right

    engine = fake_engine(author)
    stream = ProblemStream(problems(40), seed=0)
    rollout = collector(engine, whole_text, refill=3).collect(stream, 4, iteration=1)
    assert 1 < rollout.attempts <= 4
    assert len(rollout.groups) == 4
    assert stream.cursor == sum(len(requests) for requests, _ in engine.calls)
    keys = [request.key for requests, _ in engine.calls for request in requests]
    assert len(set(keys)) == len(keys)


def test_attempts_are_bounded_and_idle_groups_stay_in(fake_engine, whole_text):
    rollout = collector(fake_engine(lambda name, index: "yes"), whole_text, refill=2).collect(
        ProblemStream(problems(5), seed=0), 3, iteration=1
    )
    assert rollout.attempts == 3
    assert rollout.prompt_tokens == 3 * 3 * len("Qx")  # those of replaced groups too, each prompt once
    assert len(rollout.groups) == 3
    assert not any(group.has_variance for group in rollout.groups)


def test_a_reward_that_fails_drops_its_samples(fake_engine, whole_text):
    def fails_on_no(samples):
        return [
            Score.error("cannot") if sample.completion.text == "no" else Score.ok(1.0) for sample in samples
        ]

    engine = fake_engine(lambda name, index: "yes" if index else "no")
    rollout = collector(engine, whole_text, reward=fails_on_no).collect(
        ProblemStream(problems(3), seed=0), 2, iteration=1
    )
    rewards, kept = rollout.rewards_PG()
    assert kept.tolist() == [[False, True]] * 2
    assert rewards.tolist() == [[0.0, 1.0]] * 2
    rows = rollout.rows(rewards, mask_truncated=False)
    assert [row.learn for row in rows] == [False, True, False, True]
    assert [row.group for row in rows] == [0, 0, 1, 1]


def test_masking_leaves_out_what_was_cut(make_group):
    from r1light.training.collect import Rollout

    group = make_group([0.0, 1.0], finish=["length", "stop"])
    rollout = Rollout((group,), 0.0, 0.0, 1, 6)
    rewards, _ = rollout.rewards_PG()
    assert [row.learn for row in rollout.rows(rewards, mask_truncated=True)] == [False, True]
    assert [row.learn for row in rollout.rows(rewards, mask_truncated=False)] == [True, True]


@pytest.mark.parametrize(
    ("tokens", "finish", "expected"),
    # the cap is 20 and the buffer 5: nothing up to 15, then a fifth a token, and all of it where it was cut
    [
        (10, "stop", 0.0),
        (15, "stop", 0.0),
        (16, "stop", -0.2),
        (18, "stop", -0.6),
        (20, "stop", -1.0),
        (20, "length", -1.0),
    ],
)
def test_the_overlong_punishment_grows_over_its_buffer(tokens, finish, expected):
    completion = Completion((0,) * tokens, "", (0.0,) * tokens, finish)
    assert Overlong(20, 5, 1.0)(completion) == pytest.approx(expected)
    assert Overlong(20, 0, 1.0)(completion) == 0.0
    assert Overlong(20, 5, 0.5)(completion) == pytest.approx(expected / 2)


class Slow:
    """Is it a yes? Asked elsewhere, and the first time slowly."""

    def __init__(self):
        self.called = []

    def waits_elsewhere(self, samples):
        return True

    def __call__(self, samples):
        time.sleep(0.02 * (len(self.called) == 0))
        self.called.append(samples[0].problem.id)
        return is_yes(samples)


def test_rewards_that_wait_elsewhere_change_no_score_and_no_order(fake_engine, whole_text):
    def author(name, index):
        return "yes" if (int(name) + index) % 3 else "no"

    def collected(reward):
        stream = ProblemStream(problems(9), seed=0)
        return collector(fake_engine(author), whole_text, refill=2, reward=reward).collect(stream, 6, 1)

    slow = Slow()
    beside, plain = collected(slow), collected(is_yes)
    assert beside.groups == plain.groups
    assert (beside.attempts, beside.completion_tokens) == (plain.attempts, plain.completion_tokens)
    assert len(slow.called) >= 6


def test_the_engine_goes_on_while_a_reward_waits(fake_engine, whole_text):
    written, gate = [], threading.Event()

    class Waits:
        def waits_elsewhere(self, samples):
            return True

        def __call__(self, samples):
            assert gate.wait(30), "opened when the engine has written everything"
            return is_yes(samples)

    def author(name, index):
        written.append(name)
        if len(written) == 4 * 2:
            gate.set()
        return "yes"

    rollout = collector(fake_engine(author), whole_text, reward=Waits()).collect(
        ProblemStream(problems(4), seed=0), 4, iteration=1
    )
    assert [group.rewards for group in rollout.groups] == [(1.0, 1.0)] * 4


def test_a_rollout_that_is_whole_is_told(fake_engine, whole_text):
    whole = []
    rolls = dataclasses.replace(
        collector(fake_engine(lambda name, index: "yes"), whole_text), whole=lambda: whole.append(True)
    )
    rolls.collect(ProblemStream(problems(3), seed=0), 2, iteration=1)
    assert whole == [True]


def test_a_signal_breaks_a_rollout_off(fake_engine, whole_text):
    interrupt = Interrupt()
    interrupt.signum = 15
    with pytest.raises(Halt):
        collector(fake_engine(lambda name, index: "yes"), whole_text, interrupt=interrupt).collect(
            ProblemStream(problems(3), seed=0), 2, iteration=1
        )
