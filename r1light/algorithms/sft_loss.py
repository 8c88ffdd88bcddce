"""The loss of supervised fine-tuning.

Shapes: B rows, T tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class SftLoss:
    """What `sft_loss` returns.

    Attributes:
        loss: Scalar, these tokens' share of the optimiser step's loss.
        nll: Detached scalar, sum of the negative log-likelihoods in nats; sum it over micro-batches and
            ranks, and divide by the sum of `tokens`.
        tokens: Detached scalar, tokens in the loss.
    """

    loss: Tensor
    nll: Tensor
    tokens: Tensor


def sft_loss(logprobs_BT: Tensor, mask_BT: Tensor, *, total_tokens: int) -> SftLoss:
    """DeepSeek-R1 (arXiv:2501.12948v2) section B.4.2: cross-entropy of the target tokens.

    Choice: the mean is over all target tokens of the optimiser step, so that a token weighs the same in a
    short answer and a long one, and however rows are split into micro-batches. The paper does not say.

    Args:
        logprobs_BT: Float, log-probabilities of the target tokens, in nats; any shape.
        mask_BT: Bool of that shape, True for target tokens. Elsewhere nothing matters, NaN included.
        total_tokens: Target tokens of the whole optimiser step, over all micro-batches and ranks.

    Raises:
        ValueError: If the shapes differ, the mask is not bool, or total_tokens is not positive.
    """
    check_tokens(logprobs_BT, mask_BT, total_tokens)
    dtype = torch.promote_types(logprobs_BT.dtype, torch.float32)
    nll = -logprobs_BT.to(dtype).masked_fill(~mask_BT, 0.0).sum()
    return SftLoss(nll / total_tokens, nll.detach(), mask_BT.sum().to(dtype))


def check_tokens(values: Tensor, mask: Tensor, total_tokens: int) -> None:
    """Raise a ValueError unless the mask is bool and of the values' shape, and the total is positive."""
    if mask.dtype != torch.bool or values.shape != mask.shape:
        raise ValueError(
            f"values {tuple(values.shape)} need a bool mask of their shape, not {mask.dtype} "
            f"{tuple(mask.shape)}"
        )
    if total_tokens < 1:
        raise ValueError(f"total_tokens={total_tokens} must be at least 1; skip a step without target tokens")
