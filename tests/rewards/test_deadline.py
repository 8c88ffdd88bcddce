"""Rewards that hang in this process."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from r1light.core.errors import RewardError
from r1light.core.types import Score
from r1light.rewards.mix import RewardMix, WeightedReward


def mix(reward, deadline=0.2):
    return RewardMix([WeightedReward("mine", reward, deadline=deadline)], max_error_rate=1.0)


def sleeps(samples):
    time.sleep(60)


def loops(samples):
    while True:
        pass


def swallows_exceptions(samples):
    while True:
        try:
            time.sleep(60)
        except Exception:  # as reward functions are often written
            continue


def backtracks(samples):
    return re.match(r"(a+)+$", "a" * 40 + "b")


def waits(samples):
    threading.Lock().acquire() and threading.Event().wait()


@pytest.mark.parametrize("reward", [sleeps, loops, swallows_exceptions, backtracks, waits])
def test_a_hang_ends_the_run_with_one_line_that_says_which_reward_and_where(reward, make_sample):
    started = time.monotonic()
    with pytest.raises(RewardError) as caught:
        mix(reward).score([make_sample()] * 3)
    assert time.monotonic() - started < 5
    line = str(caught.value)
    assert line.startswith("reward 'mine' was not done with 3 samples at its deadline of 0.2 s")
    assert reward.__name__ in line
    assert "test_deadline.py" in line
    assert "reward.components.mine.deadline" in line
    assert "\n" not in line
    assert "where it hung" in caught.value.__notes__[0]


def test_a_reward_in_time_is_left_alone_and_so_is_everyone_elses_alarm(make_sample):
    rang = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: rang.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        scored = mix(lambda samples: [Score.ok(1.0)], 10.0).score([make_sample()])
        assert scored.totals == (1.0,)
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
        time.sleep(0.5)
        assert rang == [signal.SIGALRM]
    finally:
        signal.signal(signal.SIGALRM, before)


def test_after_a_hang_no_alarm_is_left(make_sample):
    with pytest.raises(RewardError):
        mix(sleeps).score([make_sample()])
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


def test_in_another_thread_a_reward_in_time_is_scored(make_sample):
    found = []
    thread = threading.Thread(
        target=lambda: found.append(mix(lambda samples: [Score.ok(1.0)], 5.0).score([make_sample()]))
    )
    thread.start()
    thread.join(10)
    assert found[0].totals == (1.0,)


def test_no_deadline_is_no_bound(make_sample):
    assert mix(lambda samples: [Score.ok(1.0)], None).score([make_sample()]).totals == (1.0,)
    with pytest.raises(ValueError, match="above 0 seconds"):
        mix(sleeps, 0.0)


STUBBORN = """
    import time
    from r1light.rewards import deadline
    deadline.GRACE_SECONDS = 0.3

    def catches_everything(samples):
        while True:
            try:
                time.sleep(60)
            except BaseException:
                continue

    {call}
    print("survived")
"""


@pytest.mark.parametrize(
    "call",
    [
        'deadline.call_in_time(catches_everything, [1], "mine", 0.2)',
        "import threading; arguments = (catches_everything, [1], 'mine', 0.2); "
        "thread = threading.Thread(target=deadline.call_in_time, args=arguments); "
        "thread.start(); thread.join()",
    ],
    ids=["catches the alarm", "not in the main thread"],
)
def test_what_the_alarm_cannot_end_the_watchdog_does(call):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(STUBBORN).replace("{call}", call)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "survived" not in done.stdout
    assert "<reward 'mine', deadline 0.2 s>" in done.stderr
    assert "catches_everything" in done.stderr
