"""Ratings from solved problems beside searches by brute force and arithmetic by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.algorithms.estimators import Estimate
from r1light.evaluation.rating import Contest, Population, rating_by_contests, rating_by_difficulty

SMALL = Contest({"A": 500, "B": 1000}, [(1900, 1500), (1500, 1500), (1300, 500), (1100, 0)])


def by_brute_force(contest, solved):
    """The rating on a grid of tenths whose expected place is nearest to the place obtained."""
    own = sum(contest.points[each] for each in solved)
    ratings, points = np.array(contest.results, dtype=float).T
    place = 1 + (points > own).sum() + (points == own).sum() / 2
    grid = np.arange(0, 40001) / 10
    seeds = 1 + (1 / (1 + 10 ** ((grid[:, None] - ratings) / 400))).sum(axis=1)
    return grid[np.abs(seeds - place).argmin()]


def test_a_small_contest_by_hand():
    # A alone: 500 points. Behind: 1100 with 0; as many: 1300 with 500; 1 + 1/2 beaten of 4, place 1 + 2 + 1/2
    assert SMALL.wins({"A"}) == 1.5
    # both: 1500 points tie with two: 2 + 2/2 = 3 of 4; none: ties with the last: 1/2
    assert (SMALL.wins({"A", "B"}), SMALL.wins(set())) == (3.0, 0.5)
    equal = Contest({"A": 1, "B": 2}, [(1500, 3), (1500, 1), (1500, 1), (1500, 0)])
    # B is worth 2: three of four are behind, 1500 + 400 log10(3); A ties with two: (1 + 2/2)/4 is one half
    assert equal.performance({"B"}) == pytest.approx(1500 + 400 * math.log10(3))
    assert equal.performance({"A"}) == pytest.approx(1500)


@pytest.mark.parametrize("solved", [set(), {"A"}, {"B"}, {"A", "B"}])
def test_performance_is_that_of_brute_force(solved):
    assert SMALL.performance(solved) == pytest.approx(by_brute_force(SMALL, solved), abs=0.051)


LETTERS = "ABCDE"


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3500), st.integers(0, 12)), min_size=1, max_size=30),
    st.lists(st.integers(0, 4), min_size=5, max_size=5),
    st.sets(st.sampled_from(LETTERS)),
    st.sampled_from(LETTERS),
)
def test_solving_more_never_lowers_it(results, worth, solved, one_more):
    contest = Contest(dict(zip(LETTERS, worth, strict=True)), results)
    assert contest.performance(solved | {one_more}) >= contest.performance(solved)


def test_an_unknown_problem_is_no_problem_of_the_contest():
    with pytest.raises(KeyError):
        SMALL.performance({"Z"})


def test_the_mean_over_contests_with_its_error():
    # contests' means 1000 and 1400: mean 1200, std sqrt(2) * 200 over sqrt(2)
    assert rating_by_contests([[900, 1100], [1400, 1400]]) == Estimate(1200.0, pytest.approx(200.0), 2)


def test_a_rating_by_difficulty_by_hand():
    # half of problems of 1500 solved: 1500. p = 1/2 each; squares 4 * 1/4 = 1, times 4/3;
    # slope 4 * ln(10)/400 * 1/4; so the error is sqrt(4/3) * 400 / ln(10)
    found = rating_by_difficulty([1.0, 1.0, 0.0, 0.0], [1500.0] * 4)
    assert found.mean == pytest.approx(1500)
    assert found.stderr == pytest.approx(math.sqrt(4 / 3) * 400 / math.log(10))
    # as sure as 1/2 can be, there is nothing to doubt
    assert rating_by_difficulty([0.5] * 4, [1500.0] * 4).stderr == pytest.approx(0.0, abs=1e-9)


def test_it_has_the_greatest_likelihood():
    shares, difficulties = np.array([1, 1, 0.75, 0.5, 0, 0.25]), np.array([800, 1100, 1400, 1600, 1900, 2600])
    grid = np.arange(0, 40001) / 10
    p = 1 / (1 + 10 ** ((difficulties - grid[:, None]) / 400))
    likelihood = (shares * np.log(p) + (1 - shares) * np.log(1 - p)).sum(axis=1)
    found = rating_by_difficulty(list(shares), list(map(float, difficulties)))
    assert found.mean == pytest.approx(grid[likelihood.argmax()], abs=0.051)


def test_all_solved_or_none_or_a_single_problem_has_no_error():
    assert rating_by_difficulty([1.0, 1.0], [800.0, 900.0]) == Estimate(4000.0, None, 2)
    assert rating_by_difficulty([0.0, 0.0], [800.0, 900.0]) == Estimate(0.0, None, 2)
    assert rating_by_difficulty([0.5], [800.0]).stderr is None


def test_percentiles():
    people = Population.of({1000.0: 3, 1500.0: 1, 2000.0: 4})
    # below 1000: none; below 1500: 3 of 8; below 1501: 4 of 8; below 2001: all
    assert [people.percentile(each) for each in (900, 1000, 1500, 1501, 2001)] == [0, 0, 37.5, 50, 100]
    # 1500 +- 600: below 900 none, below 2100 all; half of the difference
    assert people.percentile_of(Estimate(1500.0, 600.0, 3)) == Estimate(37.5, 50.0, 3)
    assert people.percentile_of(Estimate(1500.0, None, 1)).stderr is None
    for counts in ({}, {1000.0: 0}, {1000.0: 2, 1100.0: -1}):
        with pytest.raises(ValueError, match="no ratings of people"):
            Population.of(counts)
