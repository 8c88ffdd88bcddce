"""Rewards that go on while completions are written."""

from __future__ import annotations

import random
import threading
import time

import pytest

from r1light.core.errors import ConfigError, RewardError, WorkerError
from r1light.core.types import Score
from r1light.rewards.accuracy import Accuracy
from r1light.rewards.mix import RewardMix, WeightedReward
from r1light.rewards.overlap import Overlapped


class Elsewhere:
    """A reward that may go on beside; keeps who called it, and counts its calls into its scores."""

    def __init__(self, work=lambda samples: None):
        self.work = work
        self.threads = []

    def waits_elsewhere(self, samples):
        return True

    def __call__(self, samples):
        self.threads.append(threading.current_thread().name)
        self.work(samples)
        return [Score.ok(float(len(self.threads)))] * len(samples)


def overlapped(*rewards, deadline=None, **options):
    parts = [WeightedReward(str(index), each, deadline=deadline) for index, each in enumerate(rewards)]
    return Overlapped(RewardMix(parts, **options))


def test_what_waits_goes_on_beside_and_all_else_at_once(make_sample):
    gate, here = threading.Event(), []

    def at_once(samples):
        here.append(threading.current_thread())
        return [Score.ok(10.0)] * len(samples)

    beside = Elsewhere(lambda samples: gate.wait(10))
    begun = overlapped(beside, at_once).begin([make_sample()])
    assert here == [threading.current_thread()]
    assert not begun.done
    gate.set()
    assert begun.settle().totals == (11.0,)
    assert begun.done
    assert beside.threads == ["r1light-rewards"]


def test_where_it_is_not_asked_all_are_called_at_once(make_sample):
    reward = Elsewhere()
    mix = Overlapped(RewardMix([WeightedReward("0", reward)]), beside=False)
    begun = mix.begin([make_sample()])
    assert begun.done
    assert begun.settle().totals == (1.0,)
    assert reward.threads == [threading.current_thread().name]


def test_scores_are_those_without_the_overlap_however_long_each_takes(make_sample):
    batches = [[make_sample()] * size for size in (1, 3, 2, 1, 4)]
    plain = RewardMix([WeightedReward("0", Elsewhere())])
    expected = [plain.score(batch) for batch in batches]
    for seed in range(3):
        naps = random.Random(seed)
        mix = overlapped(Elsewhere(lambda samples, naps=naps: time.sleep(naps.random() / 200)))
        begun = [mix.begin(batch) for batch in batches]
        assert [each.settle() for each in begun] == expected
        assert mix.mix.state() == plain.state()


def test_an_exception_costs_its_samples_and_too_many_end_the_run(make_sample):
    def fails(samples):
        raise ValueError("broken")

    mix = overlapped(Elsewhere(fails), max_error_rate=0.5, min_samples=2)
    first, second = mix.begin([make_sample()]), mix.begin([make_sample()])
    assert first.settle().totals == (None,)
    with pytest.raises(RewardError, match="failed on 2 of 2 samples"):
        second.settle()


def test_a_wrong_configuration_is_told_to_who_settles(make_sample):
    def refuses(samples):
        raise ConfigError("no such judge")

    with pytest.raises(ConfigError, match="no such judge"):
        overlapped(Elsewhere(refuses)).begin([make_sample()]).settle()


def test_a_hang_ends_the_run_at_its_deadline_with_the_place(make_sample):
    gate = threading.Event()

    def hangs(samples):
        gate.wait(60)

    begun = overlapped(Elsewhere(hangs), deadline=0.2).begin([make_sample()] * 3)
    started = time.monotonic()
    with pytest.raises(RewardError, match="was not done with 3 samples at its deadline") as caught:
        begun.settle()
    assert time.monotonic() - started < 10
    assert begun.done, "whoever polls is told as well"
    assert "hangs" in caught.value.__notes__[0]
    gate.set()


def test_a_deadline_runs_from_a_batchs_own_beginning(make_sample):
    # four batches of 0.1 s each are done after 0.4 s, and none took 0.3 s
    mix = overlapped(Elsewhere(lambda samples: time.sleep(0.1)), deadline=0.3)
    begun = [mix.begin([make_sample()]) for _ in range(4)]
    assert [each.settle().totals for each in begun] == [(1.0,), (2.0,), (3.0,), (4.0,)]


def test_what_is_dropped_does_not_begin(make_sample):
    began, gate = threading.Event(), threading.Event()

    def waits(samples):
        began.set()
        gate.wait(10)

    mix = overlapped(Elsewhere(waits))
    first, second = mix.begin([make_sample()]), mix.begin([make_sample()])
    assert began.wait(10)
    mix.drop()
    with pytest.raises(WorkerError, match="given up"):
        second.settle()
    gate.set()
    assert first.settle().totals == (1.0,)
    assert mix.begin([make_sample()]).settle().totals == (2.0,), "the second batch was never scored"


def test_accuracy_waits_where_its_graders_do(make_sample):
    class Near:
        waits_elsewhere = False

    class Far:
        waits_elsewhere = True

    name = make_sample().problem.grader
    assert Accuracy({name: Far()}).waits_elsewhere([make_sample()])
    assert not Accuracy({name: Near()}).waits_elsewhere([make_sample()])
    assert not Accuracy({name: object()}).waits_elsewhere([make_sample()])
    assert not Accuracy({}).waits_elsewhere([make_sample()])
