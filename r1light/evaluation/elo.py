"""Elo's model of contests: who beats whom with which probability, and which rating explains a result.

Ratings are on Codeforces's scale, on which 400 points are odds of ten to one (Mirzayanov, "Open Codeforces
Rating System", codeforces.com/blog/entry/20762). Opponents are people, or problems with a rating of their
own: Codeforces gives a problem the rating of those who solve it half of the time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

SCALE = 400.0
"""Points of rating to odds of ten to one."""
LOWEST, HIGHEST = 0.0, 4000.0
"""Ratings end here: who loses against all, or beats all, has no finite one."""

_STEPS = 60  # halvings of that range, to 4e-15 points


def win_probability(rating: float, opponent: float) -> float:
    """The probability in (0, 1) of doing better than an opponent: 1 / (1 + 10^((opponent - rating) / 400)).

    Example:
        >>> win_probability(1900, 1500) * 11
        10.0
    """
    return 1.0 / (1.0 + math.pow(10.0, (opponent - rating) / SCALE))


def expected_wins(rating: float, opponents: Mapping[float, int]) -> float:
    """How many opponents one is expected to beat.

    Args:
        rating: One's rating.
        opponents: The others' ratings, with how many have each.
    """
    return math.fsum(win_probability(rating, other) * count for other, count in opponents.items())


def expected_rank(rating: float, opponents: Mapping[float, int]) -> float:
    """The expected place, from 1: one more than the opponents that are expected to do better.

    It is Codeforces's `seed`, 1 + sum over j of P(j is before us), in other words.
    """
    return 1.0 + sum(opponents.values()) - expected_wins(rating, opponents)


def rating_of_wins(wins: float, opponents: Mapping[float, int]) -> float:
    """The rating with which so many opponents are expected to be beaten, in [LOWEST, HIGHEST].

    It never falls as `wins` rises, as `expected_wins` rises with the rating. That the expected place is the
    one obtained says the same: one more than the opponents, less those beaten.

    Args:
        wins: Opponents beaten, where a tie counts half, in [0, number of opponents].
        opponents: The others' ratings, with how many have each.

    Raises:
        ValueError: There are no opponents, or more wins than opponents.
    """
    count = sum(opponents.values())
    if not count or not 0 <= wins <= count:
        raise ValueError(f"{wins:g} wins against {count} opponents")
    low, high = LOWEST, HIGHEST
    if wins <= expected_wins(low, opponents):
        return low
    if wins >= expected_wins(high, opponents):
        return high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if expected_wins(middle, opponents) < wins:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def slope_of_wins(rating: float, opponents: Mapping[float, int]) -> float:
    """The derivative of `expected_wins` by the rating, in wins a point: ln(10) / 400 * sum of p (1 - p)."""
    shares = [(win_probability(rating, other), count) for other, count in opponents.items()]
    return math.log(10.0) / SCALE * math.fsum(p * (1.0 - p) * count for p, count in shares)
