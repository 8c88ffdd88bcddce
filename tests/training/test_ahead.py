"""Rollouts that are drawn while the policy learns."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from r1light.core.types import Problem
from r1light.training.ahead import Ahead
from r1light.training.problems import ProblemSchedule


class Collector:
    """Takes problems and gives their ids; what it does is written down."""

    def __init__(self, steps):
        self.engine = SimpleNamespace(async_steps=steps)
        self.collected, self.threads, self.fails = [], set(), False

    def collect(self, stream, problems, iteration):
        self.threads.add(threading.current_thread().name)
        taken, _ = stream.take(problems)
        if self.fails:
            raise KeyboardInterrupt
        self.collected.append(iteration)
        return [problem.id for problem in taken]


def ahead(steps, iterations=3):
    problems = [Problem(id=str(number), prompt="", grader="exact") for number in range(6)]
    collector, schedule = Collector(steps), ProblemSchedule(problems, 0)
    return Ahead(collector, schedule, 2, iterations), collector, schedule


def test_both_ways_give_the_same_rollouts_in_order():
    found = []
    for steps in (0, 1):
        drawn, collector, _ = ahead(steps)
        found.append([(drawn.take(number), drawn.settle())[0] for number in (1, 2, 3)])
        assert collector.collected == [1, 2, 3]  # and none after the last iteration
        assert (len(collector.threads) == 2) == bool(steps)
    assert found[0] == found[1]
    assert len({name for rollout in found[0] for name in rollout}) == 6


def test_a_checkpoint_has_the_problems_where_a_resumed_run_takes_them():
    drawn, _, schedule = ahead(1)
    for number in (1, 2):
        drawn.take(number)
        drawn.settle()
    assert schedule.cursors[1] == 6  # the third rollout is there already
    assert drawn.cursors[1] == 4  # and is drawn again when the run is resumed after the second
    again, _, other = ahead(1)
    other.cursors = drawn.cursors
    assert again.take(3) == drawn.take(3)


def test_what_ends_a_rollout_ends_the_run_after_the_iteration_and_the_problems_stand():
    drawn, collector, schedule = ahead(1)
    drawn.take(1)
    drawn.settle()
    collector.fails = True
    drawn.take(2)
    drawn.settle()  # the iteration that learns meanwhile is whole
    with pytest.raises(KeyboardInterrupt):
        drawn.take(3)
    assert schedule.cursors[1] == 4
