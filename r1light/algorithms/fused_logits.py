"""Passes over logits that torch.compile makes one of each, for a GPU: they take as long as memory is read.

Shapes: C tokens of a tile, W columns of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor


@cache
def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of this module, compiled at its first use."""
    found: Callable[..., Any] = torch.compile(function)
    return found


def sums_below(logits_CW: Tensor, largest_C: Tensor) -> tuple[Tensor, Tensor]:
    """With m the largest logit, the sums of e^(z - m) and of e^(z - m) (z - m); both [C]."""
    below_CW = logits_CW - largest_C[:, None]
    weights_CW = below_CW.exp()
    return weights_CW.sum(-1), (weights_CW * below_CW).sum(-1)


def logit_gradient(
    logits_CW: Tensor,
    normaliser_C: Tensor,
    here_C: Tensor,
    place_C1: Tensor,
    grad_logprobs_C: Tensor,
    grad_entropy_C: Tensor | None,
    entropy_C: Tensor,
    temperature: float,
    dtype: torch.dtype,
) -> Tensor:
    """The gradient with respect to the logits before their division, [C, W]; see `_ChunkedLogprobs`.

    Args:
        logits_CW: Float, divided by the temperature.
        normaliser_C: The logarithm of the sum of e^z.
        here_C: bool, whether the target is among the columns.
        place_C1: int64, its column.
        grad_logprobs_C: The gradient with respect to the targets' log-probabilities.
        grad_entropy_C: With respect to the entropies; None for none.
        entropy_C: The entropies.
        temperature: What the logits were divided by.
        dtype: Of the result.
    """
    logprobs_CW = logits_CW - normaliser_C[:, None]
    factor_CW = -grad_logprobs_C[:, None]
    if grad_entropy_C is not None:
        factor_CW = factor_CW - grad_entropy_C[:, None] * (logprobs_CW + entropy_C[:, None])
    columns_W = torch.arange(logits_CW.shape[1], device=logits_CW.device)
    is_target_CW = (columns_W == place_C1) & here_C[:, None]
    grad_CW = logprobs_CW.exp() * factor_CW + torch.where(is_target_CW, grad_logprobs_C[:, None], 0.0)
    return (grad_CW / temperature).to(dtype)
