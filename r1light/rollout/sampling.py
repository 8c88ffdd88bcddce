"""Choosing the next token, for every engine that runs a model in this process.

B rows (one a completion), V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from r1light.core.types import SamplingParams
from r1light.rollout import keys


def _signed(value: int) -> int:
    """A 64-bit pattern as the int64 of the same bits."""
    return value - (1 << 64) if value >> 63 else value


_GOLDEN, _MIX_1, _MIX_2 = (_signed(value) for value in (keys.GOLDEN, keys.MIX_1, keys.MIX_2))


def row_states(seed: int, rows: Sequence[tuple[tuple[int, int], int]], device: torch.device) -> Tensor:
    """The streams of some rows.

    Args:
        seed: The run's seed.
        rows: (request key, sample index) of each row.
        device: Where the states are needed.

    Returns:
        int64 [B], the bits of `keys.row_state`.
    """
    states = [_signed(keys.row_state(seed, key, index)) for key, index in rows]
    return torch.tensor(states, dtype=torch.int64, device=device)


def uniforms(states_B: Tensor, positions_B: Tensor) -> Tensor:
    """`keys.uniform` on tensors: int64 arithmetic wraps around as the 64-bit one does.

    Args:
        states_B: int64 [B], of `row_states`.
        positions_B: int64 [B], the token's position in its completion, from 0.

    Returns:
        [B] in [0, 1): float64, or float32 with 24 bits on devices without float64.
    """
    value = torch.add(states_B, positions_B + 1, alpha=_GOLDEN)
    value = (value ^ _shifted(value, 30)) * _MIX_1
    value = (value ^ _shifted(value, 27)) * _MIX_2
    value = value ^ _shifted(value, 31)
    if _wide(states_B.device) is torch.float32:
        return _shifted(value, 40).to(torch.float32) * 2.0**-24
    return _shifted(value, 11).to(torch.float64) * 2.0**-53


def sample_tokens(
    logits_BV: Tensor, params: SamplingParams, states_B: Tensor, positions_B: Tensor
) -> tuple[Tensor, Tensor]:
    """Draw a token a row by the inverse of its cumulative distribution.

    Args:
        logits_BV: [B, V], any float type.
        params: Temperature (0 takes the likeliest token), top_k, top_p (of what top_k leaves).
        states_B: int64 [B], of `row_states`.
        positions_B: int64 [B], the token's position in its completion, from 0.

    Returns:
        Token ids, int64 [B], and their log_softmax(logits / temperature) before top_k and top_p, float32 [B]
        in nats; at temperature 0 that of temperature 1. Logits that are not numbers give log-probabilities
        that are none.
    """
    logits_BV = logits_BV.float()
    if params.temperature not in (0.0, 1.0):
        logits_BV = logits_BV / params.temperature
    logprobs_BV = torch.log_softmax(logits_BV, dim=-1)
    if params.temperature == 0.0:
        tokens_B1 = logits_BV.argmax(-1, keepdim=True)
    else:
        weights_BV = logprobs_BV.exp()
        if params.top_k or params.top_p < 1.0:
            weights_BV = truncate(weights_BV, params.top_k, params.top_p)
        tokens_B1 = inverse_cdf(weights_BV, uniforms(states_B, positions_B))
    return tokens_B1.squeeze(1), logprobs_BV.gather(1, tokens_B1).squeeze(1)


def inverse_cdf(weights_BV: Tensor, uniforms_B: Tensor) -> Tensor:
    """The first token whose cumulative weight exceeds the draw's share of the row's total.

    Args:
        weights_BV: [B, V], not negative; rows need not sum to 1. Tokens of weight 0 are never drawn.
        uniforms_B: [B] in [0, 1).

    Returns:
        int64 [B, 1].
    """
    sums_BV = weights_BV.cumsum(-1, dtype=_wide(weights_BV.device))
    targets_B1 = uniforms_B.to(sums_BV.dtype).unsqueeze(1) * sums_BV[:, -1:]
    # Only rows of NaN leave the range; they are reported when their completion is made.
    return torch.searchsorted(sums_BV, targets_B1, right=True).clamp_(max=weights_BV.shape[1] - 1)


def truncate(weights_BV: Tensor, top_k: int, top_p: float) -> Tensor:
    """Set to 0 what lies outside the top_k tokens, and of those outside the nucleus (Holtzman et al. 2020).

    Args:
        weights_BV: [B, V] probabilities.
        top_k: Tokens to keep, ties of the last one included; 0 keeps all.
        top_p: The smallest set of likeliest tokens of at least this share of what top_k keeps.

    Returns:
        [B, V], not normalised.
    """
    sorted_BV, order_BV = weights_BV.sort(dim=-1, descending=True, stable=True)
    if 0 < top_k < weights_BV.shape[1]:
        last_B1 = sorted_BV[:, top_k - 1 : top_k]
        sorted_BV = sorted_BV.masked_fill(sorted_BV < last_B1, 0.0)
    if top_p < 1.0:
        before_BV = sorted_BV.cumsum(-1) - sorted_BV
        sorted_BV = sorted_BV.masked_fill(before_BV >= top_p * sorted_BV.sum(-1, keepdim=True), 0.0)
    return torch.zeros_like(weights_BV).scatter_(1, order_BV, sorted_BV)


def _shifted(value: Tensor, bits: int) -> Tensor:
    """A logical shift to the right: torch's is arithmetic."""
    return (value >> bits) & ((1 << (64 - bits)) - 1)


def _wide(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64
