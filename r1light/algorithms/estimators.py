"""Estimates from k samples a problem: pass@1 and other means with standard errors, pass@k and cons@k.

Plain Python.

Shapes: P problems, K samples of a problem (the number may differ between problems).
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over problems.

    Attributes:
        mean: In the unit of the values.
        stderr: Its standard error over the drawing of problems and samples; None for fewer than two problems.
        problems: How many it is of.
    """

    mean: float
    stderr: float | None
    problems: int


def pass_at_1(scores_PK: Sequence[Sequence[float]]) -> Estimate:
    """DeepSeek-R1 (arXiv:2501.12948v2) section D.1: the mean over problems of k samples' mean score.

    The standard error is clustered by problem, as samples of one problem are not independent: the std of the
    problems' means (divided by P - 1) over sqrt(P) (arXiv:2411.00640, with clusters of equal weight).

    Args:
        scores_PK: One list a problem, of at least one score in [0, 1].

    Raises:
        ValueError: If there are no problems, or one has no scores.
    """
    _check(scores_PK)
    return _over_problems([math.fsum(scores_K) / len(scores_K) for scores_K in scores_PK])


def mean_over_samples(values_PK: Sequence[Sequence[float]]) -> Estimate:
    """The mean over all samples, with its standard error clustered by problem (arXiv:2411.00640).

    The error is sqrt(P / (P - 1) * S) / samples, S the sum over problems of the squared sum of its samples'
    deviations. With as many samples of each problem, mean and error are those of `pass_at_1`.

    Args:
        values_PK: One list a problem, of at least one value in any unit.

    Raises:
        ValueError: If there are no problems, or one has no values.
    """
    _check(values_PK)
    problems, samples = len(values_PK), sum(map(len, values_PK))
    mean = math.fsum(value for values_K in values_PK for value in values_K) / samples
    if problems < 2:
        return Estimate(mean, None, problems)
    deviations_P = [math.fsum(value - mean for value in values_K) for values_K in values_PK]
    squares = math.fsum(deviation**2 for deviation in deviations_P)
    return Estimate(mean, math.sqrt(problems / (problems - 1) * squares) / samples, problems)


def pass_at_k(samples: int, correct: int, k: int) -> float:
    """Codex (arXiv:2107.03374) eq. 1: 1 - C(n - c, k) / C(n, k), without bias.

    Args:
        samples: Samples drawn (n).
        correct: Of them, the right ones (c).
        k: At most n.

    Raises:
        ValueError: If 0 <= c <= n or 1 <= k <= n does not hold.
    """
    if not 0 <= correct <= samples or not 1 <= k <= samples:
        raise ValueError(f"pass@{k} of {samples} samples, {correct} of them right: need 1 <= k <= samples")
    return 1.0 - math.comb(samples - correct, k) / math.comb(samples, k)


def mean_pass_at_k(correct_PK: Sequence[Sequence[bool]], k: int) -> Estimate:
    """`pass_at_k` over problems, with the standard error clustered by problem.

    Raises:
        ValueError: If there are no problems, or one has fewer than k samples.
    """
    _check(correct_PK)
    return _over_problems([pass_at_k(len(row_K), sum(map(bool, row_K)), k) for row_K in correct_PK])


def majority_vote(answers_K: Sequence[Hashable | None], *, seed: int, key: str) -> Hashable | None:
    """The most frequent answer; None where nobody gave one.

    Args:
        answers_K: Answers in a canonical form, in which equal answers are equal; None for no answer, which
            has no vote.
        seed: Decides ties, with `key`.
        key: The problem's id, so that a tie's outcome depends neither on the problem's place nor on the
            samples'.
    """
    votes = Counter(answer for answer in answers_K if answer is not None)
    if not votes:
        return None
    most = max(votes.values())
    tied = sorted((answer for answer, count in votes.items() if count == most), key=repr)
    return random.Random(f"{seed}/{key}".encode(errors="surrogatepass")).choice(tied)  # ids are anything


def cons_at_k(
    answers_PK: Sequence[Sequence[Hashable | None]],
    scores_PK: Sequence[Sequence[float]],
    *,
    k: int,
    seed: int,
    keys_P: Sequence[str],
) -> Estimate:
    """DeepSeek-R1 (arXiv:2501.12948v2) section D.1, cons@k: the score of the majority's answer.

    Choices: the first k samples of a problem vote; ties are broken by the seed; a problem that nobody
    answered scores 0. The score of an answer is the mean over the samples that gave it.

    Args:
        answers_PK: Canonical answers, one list a problem; see majority_vote.
        scores_PK: Scores of those samples, in [0, 1].
        k: Voters a problem.
        seed: Decides ties.
        keys_P: The problems' ids.

    Raises:
        ValueError: If the lists do not fit together, there are no problems, or one has fewer than k samples.
    """
    _check(scores_PK)
    if not len(answers_PK) == len(scores_PK) == len(keys_P):
        raise ValueError(
            f"{len(answers_PK)} answer lists, {len(scores_PK)} score lists and {len(keys_P)} ids differ"
        )
    outcomes = []
    for key, answers_K, scores_K in zip(keys_P, answers_PK, scores_PK, strict=True):
        if len(answers_K) != len(scores_K) or not 1 <= k <= len(answers_K):
            raise ValueError(
                f"problem {key!r} has {len(answers_K)} answers and {len(scores_K)} scores; "
                f"cons@{k} needs {k} of each"
            )
        elected = majority_vote(answers_K[:k], seed=seed, key=key)
        given = [score for answer, score in zip(answers_K[:k], scores_K, strict=False) if answer == elected]
        outcomes.append(0.0 if elected is None else math.fsum(given) / len(given))
    return _over_problems(outcomes)


def _over_problems(values_P: Sequence[float]) -> Estimate:
    """Mean and standard error of one value a problem."""
    count = len(values_P)
    mean = math.fsum(values_P) / count
    if count < 2:
        return Estimate(mean, None, count)
    variance = math.fsum((value - mean) ** 2 for value in values_P) / (count - 1)
    return Estimate(mean, math.sqrt(variance / count), count)


def _check(rows_PK: Sequence[Sequence[object]]) -> None:
    if not rows_PK:
        raise ValueError("there are no problems to estimate from")
    if not all(rows_PK):
        raise ValueError("a problem has no samples")
