from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.curation.lengths import Lengths, comparable, mean_lengths, surplus


@pytest.mark.parametrize(
    ("one", "other", "expected"), [("aa", "a", True), ("aaa", "a", False), ("a", "aa", True)]
)
def test_lengths_are_comparable_up_to_the_ratio(one, other, expected):
    assert comparable(one, other, 2.0) is expected


def test_the_most_lopsided_pairs_of_the_longer_side_go_first():
    # differences 10, 2, -1, 0: 11 over; without the first 1 over of 30 rejected, which 5% = 1.5 bears
    pairs = [Lengths(20, 10), Lengths(12, 10), Lengths(9, 10), Lengths(10, 10)]
    assert surplus(pairs, 0.05) == {0}
    # at 0 the second would turn it round (-1 < 0), and nothing else is longer
    assert surplus(pairs, 0.0) == {0}
    assert surplus([Lengths(pair.rejected, pair.chosen) for pair in pairs], 0.0) == {0}, "the other way round"


def test_pairs_of_one_side_only_cannot_be_balanced():
    assert surplus([Lengths(3, 2), Lengths(5, 2)], 0.0) == {0, 1}
    assert surplus([], 0.05) == set()


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), max_size=40), st.floats(0, 0.3))
def test_what_is_left_out_never_makes_it_worse(sizes, tolerance):
    pairs = [Lengths(*each) for each in sizes]
    out = surplus(pairs, tolerance)
    left = [pair for index, pair in enumerate(pairs) if index not in out]
    before, after = (sum(pair.difference for pair in each) for each in (pairs, left))
    assert abs(after) <= max(abs(before), tolerance * sum(pair.rejected for pair in left) + 1e-9)
    assert not out or before * sum(pairs[index].difference for index in out) > 0


def test_mean_lengths():
    assert mean_lengths([Lengths(4, 1), Lengths(2, 2)]) == {"chosen_length": 3.0, "rejected_length": 1.5}
    assert mean_lengths([]) == {}
