"""Elo's model of contests beside arithmetic by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.evaluation.elo import (
    HIGHEST,
    LOWEST,
    expected_rank,
    expected_wins,
    rating_of_wins,
    slope_of_wins,
    win_probability,
)


def test_four_hundred_points_are_ten_to_one():
    assert win_probability(1900, 1500) == pytest.approx(10 / 11)
    assert win_probability(1500, 1900) == pytest.approx(1 / 11)
    assert win_probability(1500, 1500) == 0.5


def test_wins_and_place():
    # against 1100, 1500, 1500 and 1900 with 1500: 10/11 + 1/2 + 1/2 + 1/11 = 2; of five, place 1 + 4 - 2 = 3
    opponents = {1100.0: 1, 1500.0: 2, 1900.0: 1}
    assert expected_wins(1500, opponents) == pytest.approx(2.0)
    assert expected_rank(1500, opponents) == pytest.approx(3.0)
    assert rating_of_wins(2.0, opponents) == pytest.approx(1500.0)


def test_a_rating_by_hand():
    # 3 of 4 equals beaten: 1 / (1 + 10^(-d / 400)) = 3/4, so d = 400 log10(3)
    assert rating_of_wins(3, {1200.0: 4}) == pytest.approx(1200 + 400 * math.log10(3))


def test_all_and_none_are_the_ends_of_the_scale():
    assert rating_of_wins(0, {1500.0: 3}) == LOWEST
    assert rating_of_wins(3, {1500.0: 3}) == HIGHEST


@pytest.mark.parametrize(("wins", "opponents"), [(0, {}), (4, {1500.0: 3}), (-1, {1500.0: 3})])
def test_wins_that_cannot_be(wins, opponents):
    with pytest.raises(ValueError, match="against"):
        rating_of_wins(wins, opponents)


RATINGS = st.dictionaries(st.floats(-100, 4100), st.integers(1, 50), min_size=1, max_size=8)


@settings(deadline=None)
@given(RATINGS, st.floats(0, 1), st.floats(0, 1))
def test_more_wins_never_lower_it(opponents, one, other):
    count = sum(opponents.values())
    low, high = sorted((one * count, other * count))
    assert rating_of_wins(low, opponents) <= rating_of_wins(high, opponents)


@settings(deadline=None)
@given(RATINGS, st.floats(10, 3990))
def test_it_undoes_expected_wins(opponents, rating):
    again = rating_of_wins(expected_wins(rating, opponents), opponents)
    # where the curve is flat, many ratings have the same wins up to rounding
    assert expected_wins(again, opponents) == pytest.approx(expected_wins(rating, opponents))


def test_the_slope_is_the_difference_quotient():
    opponents = {1100.0: 2, 1700.0: 3}
    step = 1e-3
    rise = expected_wins(1400 + step, opponents) - expected_wins(1400 - step, opponents)
    assert slope_of_wins(1400, opponents) == pytest.approx(rise / (2 * step), rel=1e-6)
