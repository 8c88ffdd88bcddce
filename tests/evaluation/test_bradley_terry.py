from __future__ import annotations

import math

import numpy as np
import pytest

from r1light.evaluation.bradley_terry import battles, bootstrap_interval, win_probability

GAMES = [2, 1, 0, 0, -1, -2, 2, 1, 1, -1]
"""3 + 1 + 1/2 + 1/2 + 0 + 3*0 + 3 + 1 + 1 + 0 = 10 wins of 3 + 1 + 1 + 1 + 1 + 3 + 3 + 1 + 1 + 1 = 16."""


def regression(shares):
    """The rating against the baseline's by Newton's method on the published regression: each battle twice, a
    tie as a win and a loss, log(10) times the difference of ratings in units of 400, no intercept."""
    wins = np.array([outcome for share in shares for outcome in (math.ceil(share), math.floor(share))])
    rating = 0.0
    for _ in range(50):
        chance = 1 / (1 + np.exp(-rating))
        rating += (wins - chance).sum() / (len(wins) * chance * (1 - chance))
    elo = 400 / math.log(10) * rating
    return 1 / (1 + 10 ** (-elo / 400))


def test_the_probability_is_the_share_of_weighted_wins_and_the_regressions():
    shares = battles(GAMES)
    assert (math.fsum(shares), len(shares)) == (10, 16)
    assert win_probability(shares) == 10 / 16
    assert regression(shares) == pytest.approx(10 / 16, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_any_games_give_what_the_regression_gives(seed):
    games = np.random.default_rng(seed).integers(-2, 3, size=60).tolist()
    assert win_probability(battles(games)) == pytest.approx(regression(battles(games)), abs=1e-9)


def test_the_baseline_against_itself_is_even_and_strong_games_weigh_three():
    assert win_probability(battles([0] * 10)) == 0.5
    assert win_probability(battles([2, -1, -1, -1])) == 0.5
    assert win_probability(battles([1, 1])) == 1.0
    with pytest.raises(ValueError, match="no battles"):
        win_probability([])
    with pytest.raises(ValueError, match="is worth 3"):
        battles([3])


def test_the_interval_is_that_of_numpys_draws_and_of_the_binomial():
    shares = battles([1] * 600 + [-1] * 400)
    low, high = bootstrap_interval(shares, 0, rounds=1000)
    draws = np.random.default_rng(0).choice(shares, size=(1000, 1000)).mean(axis=1)
    assert (low, high) == pytest.approx(tuple(np.percentile(draws, [2.5, 97.5])), abs=0.004)
    error = 1.96 * math.sqrt(0.6 * 0.4 / 1000)
    assert (low, high) == pytest.approx((0.6 - error, 0.6 + error), abs=0.004)
    assert bootstrap_interval(shares, 0) == bootstrap_interval(shares, 0)
    assert bootstrap_interval(shares, 0) != bootstrap_interval(shares, 1)
    assert bootstrap_interval([1.0, 1.0], 0) == (1.0, 1.0)
