"""A rating from solved problems, by the contests that they come from or by the problems' own ratings.

Shapes: C contests, K attempts at each, P problems.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from r1light.algorithms.estimators import Estimate, mean_over_samples
from r1light.evaluation.elo import HIGHEST, LOWEST, rating_of_wins, slope_of_wins, win_probability


@dataclass(frozen=True, slots=True)
class Contest:
    """A contest that was held.

    Attributes:
        points: Problem to what its solution is worth.
        results: Of each participant, the rating before the contest and the points obtained. Not empty.
    """

    points: Mapping[str, float]
    results: Sequence[tuple[float, float]]

    def wins(self, solved: Collection[str]) -> float:
        """Participants who have fewer points than these problems are worth; those with as many count half.

        Raises:
            KeyError: The contest has no such problem.
        """
        own = math.fsum(self.points[problem] for problem in set(solved))
        below = sum(points < own for _, points in self.results)
        return below + sum(points == own for _, points in self.results) / 2

    def performance(self, solved: Collection[str]) -> float:
        """The rating whose expected place, as one more participant, is the place that was obtained.

        Every participant stands before or behind; one with as many points is half of each. So more solved
        problems never lower it.
        """
        return rating_of_wins(self.wins(solved), Counter(rating for rating, _ in self.results))


def rating_by_contests(performances_CK: Sequence[Sequence[float]]) -> Estimate:
    """The mean performance over contests and attempts, with its standard error clustered by contest.

    Args:
        performances_CK: One list a contest, one performance an attempt. Not empty.
    """
    return mean_over_samples(performances_CK)


def rating_by_difficulty(shares_P: Sequence[float], difficulties_P: Sequence[float]) -> Estimate:
    """The rating with which as many problems are expected to be solved as were solved.

    It is the maximum of the likelihood where each problem is solved with Elo's probability of beating its
    rating: the score of that likelihood is (solved - expected) * ln(10) / 400. The standard error is of that
    estimating equation, clustered by problem: sqrt(P / (P - 1) * sum of (share - p)^2) over the slope of the
    expected number; there is none at the ends of the scale, or of fewer than two problems.

    Args:
        shares_P: The share of attempts that solved each problem, in [0, 1].
        difficulties_P: The problems' ratings.

    Raises:
        ValueError: There are no problems.
    """
    opponents = Counter(difficulties_P)
    rating = rating_of_wins(math.fsum(shares_P), opponents)
    count = len(shares_P)
    if count < 2 or rating in (LOWEST, HIGHEST):
        return Estimate(rating, None, count)
    pairs = zip(shares_P, difficulties_P, strict=True)
    squares = math.fsum((share - win_probability(rating, other)) ** 2 for share, other in pairs)
    return Estimate(
        rating, math.sqrt(count / (count - 1) * squares) / slope_of_wins(rating, opponents), count
    )


@dataclass(frozen=True, slots=True)
class Population:
    """The ratings of people.

    Attributes:
        ratings: In rising order, each once.
        below: Before each rating, how many people have a lower one; at the end, how many there are.
    """

    ratings: Sequence[float]
    below: Sequence[int]

    @classmethod
    def of(cls, counts: Mapping[float, int]) -> Population:
        """The population in which so many have each rating.

        Raises:
            ValueError: Nobody is in it, or a count is negative.
        """
        ratings = sorted(counts)
        if not sum(counts.values()) or min(counts.values()) < 0:
            raise ValueError("no ratings of people, or fewer than none of one")
        return cls(ratings, list(accumulate((counts[each] for each in ratings), initial=0)))

    def percentile(self, rating: float) -> float:
        """The share of people with a lower rating, in percent.

        Example:
            >>> Population.of({1000: 3, 2000: 1}).percentile(1500)
            75.0
        """
        return 100.0 * self.below[bisect_left(self.ratings, rating)] / self.below[-1]

    def percentile_of(self, rating: Estimate) -> Estimate:
        """The percentile of an estimate; its error is half of what lies between one error to each side."""
        if rating.stderr is None:
            return Estimate(self.percentile(rating.mean), None, rating.problems)
        ends = [self.percentile(rating.mean + side * rating.stderr) for side in (-1, 1)]
        return Estimate(self.percentile(rating.mean), (ends[1] - ends[0]) / 2, rating.problems)
