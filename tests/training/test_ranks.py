from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.types import Problem
from r1light.training import ranks
from r1light.training.interrupt import Halt, Interrupt
from r1light.training.problems import ProblemStream

PROBLEMS = [Problem(id=str(index), prompt="", grader="exact") for index in range(7)]


@pytest.fixture
def as_rank(monkeypatch):
    """Be one of several, where the others say what is given."""

    def become(rank, said):
        monkeypatch.setattr(ranks, "rank", lambda: rank)
        monkeypatch.setattr(ranks, "world_size", lambda: len(said))
        monkeypatch.setattr(ranks, "gather", lambda items: said)

    return become


def test_alone_everything_is_its_own():
    assert ranks.share_of([1, 2, 3]) == ranks.gather([1, 2, 3]) == [1, 2, 3]
    assert ranks.of_first(lambda: "made") == "made"
    assert list(ranks.in_step(["a", "b"], pytest.fail)) == [("a", True, False), ("b", True, True)]


def test_a_rank_with_fewer_batches_fills_up(as_rank):
    as_rank(1, [3, 1])
    assert list(ranks.in_step(["a"], pytest.fail)) == [
        ("a", True, False),
        ("a", False, False),
        ("a", False, True),
    ]
    as_rank(1, [2, 0])
    assert list(ranks.in_step([], lambda: "spare")) == [("spare", False, False), ("spare", False, True)]


@given(st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=4), min_size=1, max_size=4))
def test_what_all_ranks_take_together_does_not_hang_on_their_number(rounds):
    with pytest.MonkeyPatch.context() as patch:
        taken = []
        world = max(len(wanted) for wanted in rounds)
        streams = [ProblemStream(PROBLEMS, 0) for _ in range(world)]
        for wanted in rounds:
            wanted = wanted + [0] * (world - len(wanted))
            patch.setattr(ranks, "gather", lambda items, wanted=wanted: wanted)
            for rank, stream in enumerate(streams):
                patch.setattr(ranks, "rank", lambda rank=rank: rank)
                problems, positions = stream.take(wanted[rank])
                assert len(problems) == len(positions) == wanted[rank]
                taken += positions
        total = sum(sum(wanted) for wanted in rounds)
        assert sorted(taken) == list(range(total))
        assert {stream.cursor for stream in streams} == {total}


def test_equal_takes_are_dealt_as_shares_are(as_rank):
    as_rank(1, [3, 3])
    assert ProblemStream(PROBLEMS, 0).take(3)[1] == [1, 3, 5]


def test_a_signal_to_one_rank_is_one_to_all(as_rank):
    as_rank(1, [15, None])
    interrupt = Interrupt()
    assert interrupt.agreed()
    assert interrupt.signum == 15


def test_where_one_rank_is_broken_off_all_are(as_rank):
    as_rank(1, [True, False])  # the other one
    with pytest.raises(Halt), Interrupt().together():
        pass
    as_rank(0, [True, False])  # this one
    interrupt = Interrupt()
    interrupt.signum = 15
    with pytest.raises(Halt), interrupt.together():
        interrupt.check()
    as_rank(0, [False, False])
    with Interrupt().together():
        pass
