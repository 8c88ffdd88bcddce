"""Arena-Hard's score: the probability by a Bradley-Terry model that one model's answer beats a baseline's.

A game is worth -2 (much worse) to 2 (much better); a strong win or loss counts as three battles, any other
game as one (github.com/lmarena/arena-hard-auto, v0.1). Of two models the Bradley-Terry likelihood is that of
a coin: with the share s of battles won (a tie is half a win), s log p + (1 - s) log(1 - p) is greatest at
p = s. So the logistic regression of the published method, which has one free rating with the baseline's
held fixed, has the closed form p = s, and none is fitted here.

Deviations: the rating is not rounded to an integer; percentiles are interpolated between probabilities, and
not between ratings; with no win, or no loss, p is 0 or 1, where the regression stops at a tolerance.

Plain Python. Shapes: N battles.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

STRONG = 3
"""Battles that a strong win or loss counts as."""
ROUNDS = 100
"""Draws of a bootstrap."""


def battles(games: Sequence[int]) -> list[float]:
    """The N battles that games stand for: 1 for a win, 1/2 for a tie, 0 for a loss.

    Args:
        games: What each was worth, a whole number from -2 to 2.

    Raises:
        ValueError: If one is another number.

    Example:
        >>> battles([2, 0, -1])
        [1.0, 1.0, 1.0, 0.5, 0.0]
    """
    found: list[float] = []
    for game in games:
        if game not in (-2, -1, 0, 1, 2):
            raise ValueError(f"a game is worth {game!r}, no whole number from -2 to 2")
        share = 0.5 if game == 0 else float(game > 0)
        found += [share] * (STRONG if abs(game) == 2 else 1)
    return found


def win_probability(shares_N: Sequence[float]) -> float:
    """The Bradley-Terry probability to beat the baseline, in [0, 1]; against itself it is 1/2.

    Raises:
        ValueError: If there are no battles.
    """
    if not shares_N:
        raise ValueError("no battles, and so no probability to win one")
    return math.fsum(shares_N) / len(shares_N)


def bootstrap_interval(
    shares_N: Sequence[float], seed: int, *, rounds: int = ROUNDS, coverage: float = 0.95
) -> tuple[float, float]:
    """The interval that holds `coverage` of the probabilities of resampled battles, as ends in [0, 1].

    Each round draws N battles with replacement, as the published method does: battles and not questions, so
    that the three of a strong win are drawn apart, and the two games of a question too.

    Args:
        shares_N: Of each battle.
        seed: Decides the draws.
        rounds: How many.
        coverage: In (0, 1).

    Raises:
        ValueError: If there are no battles.
    """
    draws = random.Random(f"bradley_terry/{seed}")
    found = sorted(
        win_probability(draws.choices(shares_N, k=len(shares_N)) if shares_N else []) for _ in range(rounds)
    )
    outside = (1 - coverage) / 2
    return _quantile(found, outside), _quantile(found, 1 - outside)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Between the two nearest of the ordered values, by distance."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
