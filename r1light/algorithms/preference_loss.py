"""Losses of reward models.

Shapes: B pairs, or B responses.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, slots=True)
class PreferenceLoss:
    """What the losses here return.

    Attributes:
        loss: Scalar, these rows' share of the optimiser step's loss.
        correct: Detached scalar, rows on the right side: the chosen response scored above the rejected one,
            or a score above 0 for the label 1 and below 0 for the label 0. A tie is half right.
        margin: Detached scalar, sum over rows of how far on the right side they are, in units of score.
        rows: Detached scalar, rows. Divide the two sums above by it, after adding micro-batches and ranks.
    """

    loss: Tensor
    correct: Tensor
    margin: Tensor
    rows: Tensor


def pairwise_loss(
    chosen_B: Tensor, rejected_B: Tensor, *, total_pairs: int, margin_B: Tensor | None = None
) -> PreferenceLoss:
    """Bradley-Terry, -log sigmoid(chosen - rejected - margin): DeepSeek-R1's helpfulness reward model.

    Source: DeepSeek-R1 (arXiv:2501.12948v2) section 3.1 ("pairwise loss", without a formula); the margin is
    that of Llama 2 (arXiv:2307.09288) eq. 2.

    Args:
        chosen_B: Float [B], scores of the preferred responses.
        rejected_B: Float [B], scores of the others.
        total_pairs: Pairs of the whole optimiser step, over all micro-batches and ranks.
        margin_B: Float [B], by how much the scores should differ; None for 0.

    Raises:
        ValueError: If the shapes differ, or there are more rows than total_pairs.
    """
    _check(chosen_B, rejected_B, total_pairs)
    lead_B = chosen_B - rejected_B
    if margin_B is None:
        return _loss(-F.logsigmoid(lead_B), lead_B, total_pairs)
    _check(chosen_B, margin_B, total_pairs)
    return _loss(-F.logsigmoid(lead_B - margin_B), lead_B, total_pairs)


def pointwise_loss(scores_B: Tensor, labels_B: Tensor, *, total_rows: int) -> PreferenceLoss:
    """Binary cross-entropy of sigmoid(score): DeepSeek-R1's safety reward model.

    Source: DeepSeek-R1 (arXiv:2501.12948v2) section 3.1 ("point-wise", without a formula).

    Args:
        scores_B: Float [B], the logit of "safe".
        labels_B: Float [B] in [0, 1]; 1 is safe.
        total_rows: Responses of the whole optimiser step, over all micro-batches and ranks.

    Raises:
        ValueError: If the shapes differ, or there are more rows than total_rows.
    """
    _check(scores_B, labels_B, total_rows)
    loss_B = F.binary_cross_entropy_with_logits(scores_B, labels_B.to(scores_B.dtype), reduction="none")
    return _loss(loss_B, scores_B * (2.0 * labels_B - 1.0), total_rows)


def _loss(loss_B: Tensor, lead_B: Tensor, total: int) -> PreferenceLoss:
    lead_B = lead_B.detach()
    correct = (lead_B > 0).sum() + 0.5 * (lead_B == 0).sum()
    rows = lead_B.new_tensor(lead_B.shape[0])
    return PreferenceLoss(loss_B.sum() / total, correct.to(lead_B.dtype), lead_B.sum(), rows)


def _check(first_B: Tensor, second_B: Tensor, total: int) -> None:
    if first_B.ndim != 1 or first_B.shape != second_B.shape:
        raise ValueError(f"{tuple(first_B.shape)} and {tuple(second_B.shape)} must be one number a row each")
    if total < max(1, first_B.shape[0]):
        raise ValueError(
            f"a total of {total} rows, with {first_B.shape[0]} in this call; count the whole step"
        )
