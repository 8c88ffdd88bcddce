"""AlpacaEval 2.0's length-controlled win rate: what the preference would be at equal lengths.

A logistic regression predicts the judge's preference q in [0, 1] for the model's output from tanh of the
normalised difference of lengths, from the instruction's difficulty, and from a constant, the model itself;
the win rate is its mean prediction with the lengths' term at zero (arXiv:2404.04475, section 3; the constants
are those of github.com/tatsu-lab/alpaca_eval: an L1 penalty, whose strength is one of ten that a
cross-validation in five parts finds best, and the comparisons of two gamed baselines as rows of weight 0.1).

Deviations: the optimum is found to a tolerance of 1e-10 by a proximal Newton method, where liblinear, which
the published code calls, stops at 1e-4 and draws its order of coordinates.

Shapes: N rows, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STRENGTHS = tuple(float(strength) for strength in np.logspace(-4, 4, 10))
"""Candidates for C, which multiplies the loss against the L1 norm of the weights."""
PARTS = 5
"""Of the cross-validation."""
GAMED_WEIGHT = 0.1
"""Of a row of a gamed baseline: 0.2 over two of them."""
_STEPS = 200
_TOLERANCE = 1e-10


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison of a model's output with the baseline's.

    Attributes:
        preference: Of the judge for the model's output, in [0, 1].
        longer: The baseline's length minus that of the model, in characters.
        difficulty: Of the instruction, as published; None where it is not known.
    """

    preference: float
    longer: float
    difficulty: float | None = None


@dataclass(frozen=True, slots=True)
class Gamed:
    """A published comparison of a gamed baseline with the baseline: a row that regularises.

    Attributes:
        preference: In [0, 1].
        difference: Normalised difference of lengths.
        difficulty: Of the instruction.
    """

    preference: float
    difference: float
    difficulty: float


@dataclass(frozen=True, slots=True)
class LengthControlled:
    """What the regression came to.

    Attributes:
        win_rate: The mean prediction at equal lengths, in [0, 1].
        stderr: The standard error of that mean over instructions, as the published code gives it: it knows
            nothing of the weights' own error, and is 0 without difficulties.
        weights: Of the lengths' term, of the difficulty where it is known, and of the constant.
        strength: The C that was chosen.
    """

    win_rate: float
    stderr: float
    weights: tuple[float, ...]
    strength: float


def length_controlled(comparisons: Sequence[Comparison], gamed: Sequence[Gamed] = ()) -> LengthControlled:
    """Fit and predict.

    With difficulties and gamed rows it is what the published code calls `length_controlled_v1`; without gamed
    rows `length_controlled_noreg`; without both `length_controlled_minimal`.

    Args:
        comparisons: Those of the model, in the order of the benchmark.
        gamed: Published rows, in their order.

    Raises:
        ValueError: There are fewer than five comparisons; or only some have a difficulty; or there are gamed
            rows and no difficulties.
    """
    known = [each.difficulty for each in comparisons if each.difficulty is not None]
    if len(comparisons) < PARTS or len(known) not in (0, len(comparisons)) or (gamed and not known):
        raise ValueError(
            f"length control needs {PARTS} comparisons, has {len(comparisons)}; of them {len(known)} have a "
            f"difficulty, which all need or none, and all where there are gamed rows ({len(gamed)})"
        )
    longer = np.array([each.longer for each in comparisons], dtype=np.float64)
    spread = float(longer.std(ddof=1))
    length = np.tanh(longer / spread if spread else np.zeros_like(longer))
    columns = [length, *([np.array(known)] if known else []), np.ones_like(length)]
    features_NF = np.column_stack(columns)
    at_zero = features_NF.copy()
    at_zero[:, 0] = 0.0
    preference_N = np.array([each.preference for each in comparisons], dtype=np.float64)
    weight_N = np.ones_like(preference_N)
    if gamed:
        first = np.array([[np.tanh(each.difference), each.difficulty, 0.0] for each in gamed])
        features_NF = np.concatenate([first, features_NF])
        preference_N = np.concatenate([[each.preference for each in gamed], preference_N])
        weight_N = np.concatenate([np.full(len(gamed), GAMED_WEIGHT), weight_N])
    strength = _best_strength(features_NF, preference_N, weight_N)
    weights_F = fit(features_NF, preference_N, weight_N, strength)
    predicted = _sigmoid(at_zero @ weights_F)
    stderr = float(predicted.std(ddof=1) / np.sqrt(len(predicted)))
    return LengthControlled(float(predicted.mean()), stderr, tuple(map(float, weights_F)), strength)


def fit(features_NF: Array, preference_N: Array, weight_N: Array, strength: float) -> Array:
    """The F weights w that minimise |w|_1 + C sum_n s_n (log(1 + exp(z_n)) - q_n z_n), z = features @ w.

    Args:
        features_NF: Of each row.
        preference_N: q, in [0, 1].
        weight_N: s, not negative.
        strength: C, positive.
    """
    weights = np.zeros(features_NF.shape[1])
    value = _objective(features_NF, preference_N, weight_N, strength, weights)
    for _ in range(_STEPS):
        probability = _sigmoid(features_NF @ weights)
        slope = strength * features_NF.T @ (weight_N * (probability - preference_N))
        curve = weight_N * probability * (1 - probability)
        hessian = strength * (features_NF.T * curve) @ features_NF + 1e-12 * np.eye(len(weights))
        step = _penalised_step(slope, hessian, weights) - weights
        size = 1.0
        while size > 1e-12:
            there = weights + size * step
            better = _objective(features_NF, preference_N, weight_N, strength, there)
            if better <= value:
                break
            size /= 2
        else:
            break
        weights, value = there, better
        if float(np.abs(size * step).max()) < _TOLERANCE:
            break
    return weights


def _penalised_step(slope: Array, hessian: Array, start: Array) -> Array:
    """Where slope @ (v - start) + (v - start) @ hessian @ (v - start) / 2 + |v|_1 is least.

    Found a coordinate at a time.
    """
    there = start.copy()
    for _ in range(_STEPS):
        before = there.copy()
        for index in range(len(there)):
            curve = hessian[index, index]
            pull = curve * there[index] - slope[index] - hessian[index] @ (there - start)
            there[index] = np.sign(pull) * max(abs(pull) - 1.0, 0.0) / curve
        if float(np.abs(there - before).max()) < _TOLERANCE / 10:
            break
    return there


def _objective(features: Array, preference: Array, weight: Array, strength: float, weights: Array) -> float:
    scores = features @ weights
    losses = weight * (np.logaddexp(0.0, scores) - preference * scores)
    return float(np.abs(weights).sum() + strength * losses.sum())


def _best_strength(features: Array, preference: Array, weight: Array) -> float:
    """The C with the least loss on parts that were left out; the smallest of equals.

    A part holds every fifth row. Its loss is the mean of s times the cross-entropy, and parts weigh alike.
    """
    part = np.arange(len(preference)) % PARTS
    losses = []
    for strength in STRENGTHS:
        of_parts = []
        for number in range(PARTS):
            here, there = part == number, part != number
            weights = fit(features[there], preference[there], weight[there], strength)
            of_parts.append(_mean_loss(features[here] @ weights, preference[here], weight[here]))
        losses.append(float(np.mean(of_parts)))
    return STRENGTHS[int(np.argmin(losses))]


def _mean_loss(scores: Array, preference: Array, weight: Array) -> float:
    probability = np.clip(_sigmoid(scores), 1e-15, 1 - 1e-15)
    losses = preference * np.log(probability) + (1 - preference) * np.log(1 - probability)
    return float(-(weight * losses).mean())


def _sigmoid(scores: Array) -> Array:
    result: Array = np.exp(-np.logaddexp(0.0, -scores))
    return result
