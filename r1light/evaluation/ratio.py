"""The ratio of two means over completions, with its standard error clustered by problem."""

from __future__ import annotations

import math
from collections.abc import Sequence

from r1light.algorithms.estimators import Estimate


def ratio_of_means(over_PK: Sequence[Sequence[float]], under_PK: Sequence[Sequence[float]]) -> Estimate:
    """The mean of one value over the mean of another, of the same completions.

    The error is the delta method's: with r the ratio and e = over - r * under, it is that of the mean of e
    (its sums over problems deviate from 0) divided by the mean of `under` (Cochran, Sampling Techniques,
    section 6.4, with clusters as units).

    Args:
        over_PK: One list a problem.
        under_PK: The other values, in the same places; their sum is not 0.

    Raises:
        ValueError: If the shapes differ, or the values below sum to 0.

    Example:
        >>> ratio_of_means([[1.0], [0.0]], [[1.0], [1.0]])
        Estimate(mean=0.5, stderr=0.5, problems=2)
    """
    if [len(row) for row in over_PK] != [len(row) for row in under_PK]:
        raise ValueError("a ratio needs both values of every completion")
    under = math.fsum(value for row in under_PK for value in row)
    if not under:
        raise ValueError("the mean below a ratio is 0")
    ratio = math.fsum(value for row in over_PK for value in row) / under
    problems = len(over_PK)
    if problems < 2:
        return Estimate(ratio, None, problems)
    rests = [
        math.fsum(over) - ratio * math.fsum(below) for over, below in zip(over_PK, under_PK, strict=True)
    ]
    squares = math.fsum(rest**2 for rest in rests)
    return Estimate(ratio, math.sqrt(problems / (problems - 1) * squares) / abs(under), problems)
