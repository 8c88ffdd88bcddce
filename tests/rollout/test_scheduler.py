import random

from hypothesis import given
from hypothesis import strategies as st

from r1light.rollout.drafts import Draft
from r1light.rollout.native.scheduler import Scheduler


def drafts(groups, n):
    return [Draft(group, index, 5) for group in range(groups) for index in range(n)]


def test_gaps_are_closed_by_the_last_rows():
    scheduler = Scheduler(drafts(1, 6), 6)
    names = scheduler.admit([0])
    # Slots 1, 2 and 5 end: three stay, so that slots 3 and 4 move into 1 and 2.
    assert scheduler.retire([1, 2, 5]) == [(3, 1), (4, 2)]
    assert scheduler.active == [names[0], names[3], names[4]]
    assert scheduler.retire([0, 1, 2]) == []
    assert scheduler.finished


def test_prefill_takes_whole_groups_from_the_front_within_the_budget():
    scheduler = Scheduler(drafts(4, 2), 8)
    lengths = [10, 9, 8, 8].__getitem__
    # Padded to the longest: 10, 20, 30, 40 tokens.
    assert scheduler.upcoming(lengths, 30) == [0, 1, 2]
    assert scheduler.upcoming(lengths, 29) == [0, 1]
    assert scheduler.upcoming(lengths, 1) == [0]
    assert scheduler.upcoming(lengths, 1000) == [0, 1, 2, 3]


def test_a_group_may_be_begun_in_parts_and_only_the_given_groups_begin():
    scheduler = Scheduler(drafts(2, 3), 2)
    assert [(each.group, each.index) for each in scheduler.admit([0])] == [(0, 0), (0, 1)]
    scheduler.retire([0, 1])
    assert [(each.group, each.index) for each in scheduler.admit([0])] == [(0, 2)]
    assert scheduler.admit([0]) == []
    assert [(each.group, each.index) for each in scheduler.admit([1])] == [(1, 0)]


def test_refills_wait_for_a_sixteenth_of_the_slots():
    scheduler = Scheduler(drafts(1, 100), 32)
    scheduler.admit([0])
    assert not scheduler.refill
    scheduler.retire([4])
    assert not scheduler.refill
    scheduler.retire([4])
    assert scheduler.refill


@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 9), st.integers(0, 2**32))
def test_every_draft_is_begun_once_and_stands_where_the_moves_say(groups, n, slots, seed):
    random_ = random.Random(seed)
    scheduler = Scheduler(drafts(groups, n), slots)
    where: list[Draft] = []  # what a cache that only follows the moves holds
    begun: list[tuple[int, int]] = []
    while not scheduler.finished:
        if scheduler.refill:
            new = scheduler.admit(scheduler.upcoming(lambda group: 3, 6))
            where += new
            begun += [(each.group, each.index) for each in new]
            assert new
        over = sorted(random_.sample(range(len(where)), random_.randint(0, len(where))))
        moves = scheduler.retire(over)
        for source, target in moves:
            where[target] = where[source]
        assert not {source for source, _ in moves} & {target for _, target in moves}
        del where[len(scheduler.active) :]
        assert where == scheduler.active
        assert len(where) <= slots
    assert begun == [(group, index) for group in range(groups) for index in range(n)]


def test_giving_up_returns_what_has_not_ended():
    scheduler = Scheduler(drafts(2, 2), 3)
    scheduler.admit([0, 1])
    scheduler.retire([1])
    assert [(each.group, each.index) for each in scheduler.clear()] == [(0, 0), (1, 0), (1, 1)]
    assert scheduler.finished
