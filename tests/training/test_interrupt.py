from __future__ import annotations

import os
import signal
import threading

import pytest

from r1light.training import ranks
from r1light.training.interrupt import Halt, Interrupt, catch_signals


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_the_first_signal_is_noted_and_the_second_is_as_before(signum):
    heard = []
    before = signal.signal(signum, lambda number, frame: heard.append(number))
    try:
        interrupt = Interrupt()
        with catch_signals(interrupt):
            interrupt.check()
            os.kill(os.getpid(), signum)
            assert interrupt.signum == signum
            assert heard == []
            with pytest.raises(Halt):
                interrupt.check()
            os.kill(os.getpid(), signum)
            assert heard == [signum]
        os.kill(os.getpid(), signum)
        assert heard == [signum, signum]
    finally:
        signal.signal(signum, before)


def test_outside_the_main_thread_nothing_is_touched():
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def work():
        with catch_signals(Interrupt()):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert seen == [before]


def test_a_signal_that_comes_while_ranks_agree_is_for_the_next_time_and_not_lost(monkeypatch):
    interrupt = Interrupt()

    def gather(items):
        interrupt.signum = interrupt.signum or signal.SIGTERM  # it comes to this rank while all are asked
        return [*items, None]

    monkeypatch.setattr(ranks, "world_size", lambda: 2)
    monkeypatch.setattr(ranks, "gather", gather)
    assert not interrupt.agreed(), "the other rank has heard of none"
    assert interrupt.agreed()
    assert interrupt.signum == signal.SIGTERM


def test_a_signal_of_another_rank_is_everybodys(monkeypatch):
    interrupt = Interrupt()
    monkeypatch.setattr(ranks, "world_size", lambda: 2)
    monkeypatch.setattr(ranks, "gather", lambda items: [*items, signal.SIGUSR1])
    assert interrupt.agreed()
    with pytest.raises(Halt):
        interrupt.check()
