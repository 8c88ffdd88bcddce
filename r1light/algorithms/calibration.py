"""How well probabilities fit what happens: sums that add up over batches and ranks, and what they come to.

Shapes: N predictions, K bins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

BINS = 10
"""Bins of equal width over the confidence, which lies in [0.5, 1]."""
SUMS = 3 + 3 * BINS
"""The length of what `calibration_sums` returns."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What sums over any predictions come to.

    Attributes:
        count: Predictions.
        accuracy: The share in which the likelier outcome happened; an even chance is half right.
        accuracy_stderr: Its standard error, sqrt(accuracy (1 - accuracy) / count).
        brier: Mean squared distance of the probability from what happened (0 or 1); 0.25 for always 0.5.
        ece: The expected calibration error, in [0, 0.5].
    """

    count: float
    accuracy: float
    accuracy_stderr: float
    brier: float
    ece: float


def calibration_sums(probability_N: Tensor, happened_N: Tensor) -> Tensor:
    """Float64 [SUMS] for `calibration`; the sums of parts add up to those of the whole.

    Args:
        probability_N: Float [N] in [0, 1], of an outcome.
        happened_N: Float or bool [N], 1 where it happened and 0 where not.

    Raises:
        ValueError: If the shapes differ.
    """
    if probability_N.ndim != 1 or probability_N.shape != happened_N.shape:
        raise ValueError(
            f"{tuple(probability_N.shape)} probabilities and {tuple(happened_N.shape)} outcomes must be one "
            "number a row each"
        )
    probability_N, happened_N = probability_N.detach().double(), happened_N.double()
    confidence_N = torch.maximum(probability_N, 1.0 - probability_N)
    right_N = ((probability_N > 0.5).double() == happened_N).double()
    right_N = torch.where(probability_N == 0.5, 0.5, right_N)
    squares = (probability_N - happened_N).square().sum()
    bin_N = ((confidence_N - 0.5) * 2 * BINS).long().clamp(0, BINS - 1)
    member_KN = torch.nn.functional.one_hot(bin_N, BINS).T.double()
    head = torch.stack([squares.new_tensor(float(len(right_N))), right_N.sum(), squares])
    return torch.cat([head, member_KN.sum(1), member_KN @ confidence_N, member_KN @ right_N])


def calibration(sums: Tensor) -> Calibration:
    """What the sums come to.

    The expected calibration error is that of Guo et al. (arXiv:1706.04599, eq. 3): predictions are binned by
    their confidence, max(p, 1 - p), and ECE = sum over bins of (count of the bin / N) * |accuracy of the
    bin - mean confidence of the bin|.

    Deviations:
        1. Bins cover [0.5, 1], where the confidence of two outcomes lies, in tenths of it.

    Args:
        sums: Float64 [SUMS], of at least one prediction.
    """
    count, right, squares = (float(value) for value in sums[:3])
    _, confidence_K, right_K = sums[3:].view(3, BINS)
    accuracy = right / count
    return Calibration(
        count,
        accuracy,
        math.sqrt(accuracy * (1.0 - accuracy) / count),
        squares / count,
        float((right_K - confidence_K).abs().sum()) / count,
    )
