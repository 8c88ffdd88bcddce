"""Log-probabilities and entropy of tokens from hidden states and the LM head, a chunk of logits at a time.

Shapes: T tokens (any rows flattened), C tokens of one chunk, V vocabulary, W columns of it, H hidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from r1light.algorithms.lm_head import add_product, operand_dtype
from r1light.algorithms.logit_tiles import CPU_TILE_ELEMENTS, Inside, RunningSums, Tiles, slices

KEPT_ELEMENTS = 2**27
"""So many logits (512 MiB) are kept for the backward pass; the others are computed again."""

CPU_TILE_TOKENS = 1024
"""Tokens at a time on a CPU, with as few columns of a large vocabulary: square tiles read the least."""

GPU_CHUNK_ELEMENTS = 2**27
"""Logits of a chunk on an accelerator: 512 MiB."""

MIN_CHUNK_TOKENS = 256
"""A chunk reads the whole LM head, so that fewer tokens than this would be bound by memory traffic."""


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """What `chunked_logprobs` returns; float32, or float64 where an input is.

    Attributes:
        logprobs_T: [T], log-probability of each target, in nats.
        entropy_T: [T], entropy of the distribution each target is drawn from, in nats.
    """

    logprobs_T: Tensor
    entropy_T: Tensor


def chunked_logprobs(
    hidden_TH: Tensor,
    weight_VH: Tensor,
    targets_T: Tensor,
    *,
    temperature: float = 1.0,
    bias_V: Tensor | None = None,
    chunk_tokens: int | None = None,
) -> TokenLogprobs:
    """log_softmax((hidden @ weight^T + bias) / temperature) at the targets, and its entropy.

    Works through the tokens in chunks, on a CPU of some columns of V at a time, so that memory does not grow
    with T * V; the backward pass computes the logits again but for the first ones, which are kept. Gradients
    reach the hidden states, the weight and the bias, from both outputs; an entropy that no loss uses costs no
    backward work.

    Logits are float32 whatever the inputs are: half-precision logits are what makes trainer and rollout
    engine disagree (fp32 LM head: MiniMax-M1, arXiv:2506.13585). Half-precision operands stay
    so on CUDA, where the product is summed and returned in float32, and are cast to float32 elsewhere. Under
    autocast the operands take autocast's dtype.

    Args:
        hidden_TH: Float [T, H], the last hidden states, after the final norm.
        weight_VH: Float [V, H], the LM head.
        targets_T: Int64 [T], in [0, V). There is no ignore index: mask the results.
        temperature: Divides the logits. Above 0.
        bias_V: Float [V] or None. Finite, as all logits must be.
        chunk_tokens: Tokens of a chunk; None chooses by device and vocabulary.

    Raises:
        ValueError: If the shapes do not fit, or the temperature or the chunk is not positive.
    """
    _check(hidden_TH, weight_VH, targets_T, bias_V)
    if not temperature > 0:
        raise ValueError(f"temperature={temperature} must be above 0")
    if chunk_tokens is None:
        chunk_tokens = default_chunk_tokens(weight_VH.shape[0], hidden_TH.device)
        if hidden_TH.device.type == "cpu":  # which works through the vocabulary in parts as well
            chunk_tokens = max(chunk_tokens, CPU_TILE_TOKENS)
    if chunk_tokens < 1:
        raise ValueError(f"chunk_tokens={chunk_tokens} must be at least 1")
    logprobs_T, entropy_T = _ChunkedLogprobs.apply(  # type: ignore[no-untyped-call]
        hidden_TH, weight_VH, bias_V, targets_T, temperature, chunk_tokens
    )
    return TokenLogprobs(logprobs_T, entropy_T)


def default_chunk_tokens(vocabulary: int, device: torch.device) -> int:
    """As many tokens as keep a chunk within the device's budget, and at least MIN_CHUNK_TOKENS."""
    budget = CPU_TILE_ELEMENTS if device.type == "cpu" else GPU_CHUNK_ELEMENTS
    return max(MIN_CHUNK_TOKENS, budget // vocabulary)


class _ChunkedLogprobs(torch.autograd.Function):
    """The function above, with its gradient by hand.

    With z the divided logits, p = softmax(z) and H the entropy:
    d log p_y / d z_j = [j = y] - p_j, and d H / d z_j = -p_j (log p_j + H).
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden_TH: Tensor,
        weight_VH: Tensor,
        bias_V: Tensor | None,
        targets_T: Tensor,
        temperature: float,
        chunk_tokens: int,
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)  # an output that no loss uses has a gradient of None
        ctx.dtype = operand_dtype(hidden_TH, weight_VH)
        ctx.temperature, ctx.chunk_tokens = temperature, chunk_tokens
        tiles = Tiles.of(hidden_TH, weight_VH.to(ctx.dtype), bias_V, temperature, chunk_tokens)
        result_dtype = torch.float64 if ctx.dtype == torch.float64 else torch.float32
        logprobs_T = torch.empty(hidden_TH.shape[0], dtype=result_dtype, device=hidden_TH.device)
        entropy_T, normaliser_T = torch.empty_like(logprobs_T), torch.empty_like(logprobs_T)
        kept: list[Tensor] = []
        room = KEPT_ELEMENTS if any(ctx.needs_input_grad) else 0
        for rows in slices(hidden_TH.shape[0], chunk_tokens):
            sums = RunningSums(targets_T[rows])
            for columns in tiles.columns:
                logits_CW = tiles.logits(rows, columns)
                sums.add(logits_CW, columns)
                room -= logits_CW.numel()
                if room >= 0:
                    kept.append(logits_CW)
                del logits_CW  # before the next tile is made
            logprobs_T[rows], entropy_T[rows], normaliser_T[rows] = sums.results()
        if any(ctx.needs_input_grad):
            ctx.save_for_backward(hidden_TH, weight_VH, bias_V, targets_T, entropy_T, normaliser_T, *kept)
        return logprobs_T, entropy_T

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(
        ctx: Any, grad_logprobs_T: Tensor | None, grad_entropy_T: Tensor | None
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None, None]:
        hidden_TH, weight_VH, bias_V, targets_T, entropy_T, normaliser_T, *kept = ctx.saved_tensors
        dtype = entropy_T.dtype
        needs_hidden, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        grad_hidden_TH = torch.zeros_like(hidden_TH, dtype=dtype) if needs_hidden else None
        grad_weight_VH = torch.zeros_like(weight_VH, dtype=dtype) if needs_weight else None
        grad_bias_V = torch.zeros_like(bias_V, dtype=dtype) if needs_bias else None
        tiles = Tiles.of(hidden_TH, weight_VH.to(ctx.dtype), bias_V, ctx.temperature, ctx.chunk_tokens)
        waiting = iter(kept)
        for rows in slices(hidden_TH.shape[0], ctx.chunk_tokens):
            for columns in tiles.columns:
                logits_CW = next(waiting, None)
                if logits_CW is None:
                    logits_CW = tiles.logits(rows, columns)
                grad_CW = _logit_gradient(
                    logits_CW.sub(normaliser_T[rows, None]),
                    Inside.of(targets_T[rows], columns),
                    None if grad_logprobs_T is None else grad_logprobs_T[rows],
                    None if grad_entropy_T is None else grad_entropy_T[rows],
                    entropy_T[rows],
                )
                if ctx.temperature != 1.0:
                    grad_CW.div_(ctx.temperature)
                if grad_bias_V is not None:
                    grad_bias_V[columns] += grad_CW.sum(dim=0)
                grad_CW = grad_CW.to(ctx.dtype)
                if grad_hidden_TH is not None:
                    add_product(grad_hidden_TH[rows], grad_CW, tiles.operand_VH[columns])
                if grad_weight_VH is not None:
                    add_product(grad_weight_VH[columns], grad_CW.T, hidden_TH[rows].to(ctx.dtype))
                del logits_CW, grad_CW  # before the next tile is made
        return (
            None if grad_hidden_TH is None else grad_hidden_TH.to(hidden_TH.dtype),
            None if grad_weight_VH is None else grad_weight_VH.to(weight_VH.dtype),
            None if grad_bias_V is None else grad_bias_V.to(bias_V.dtype),
            None,
            None,
            None,
        )


def _logit_gradient(
    logprobs_CW: Tensor,
    inside: Inside,
    grad_logprobs_C: Tensor | None,
    grad_entropy_C: Tensor | None,
    entropy_C: Tensor,
) -> Tensor:
    """Gradient [C, W] with respect to the divided logits; leaves its arguments as they are."""
    grad_CW = logprobs_CW.exp()
    if grad_logprobs_C is None:
        grad_logprobs_C = torch.zeros_like(entropy_C)
    if grad_entropy_C is None:
        grad_CW.mul_(-grad_logprobs_C[:, None])
    else:
        factor_CW = (logprobs_CW + entropy_C[:, None]).mul_(-grad_entropy_C[:, None])
        grad_CW.mul_(factor_CW.sub_(grad_logprobs_C[:, None]))
    of_target_C = torch.where(inside.here_C, grad_logprobs_C, 0.0)
    return grad_CW.scatter_add_(-1, inside.place_C1, of_target_C[:, None])


def _check(hidden_TH: Tensor, weight_VH: Tensor, targets_T: Tensor, bias_V: Tensor | None) -> None:
    shapes = (
        f"hidden {tuple(hidden_TH.shape)}, weight {tuple(weight_VH.shape)}, targets {tuple(targets_T.shape)}"
    )
    if hidden_TH.ndim != 2 or weight_VH.ndim != 2 or targets_T.ndim != 1:
        raise ValueError(f"{shapes} must be [tokens, hidden], [vocabulary, hidden] and [tokens]")
    if hidden_TH.shape[1] != weight_VH.shape[1] or hidden_TH.shape[0] != targets_T.shape[0]:
        raise ValueError(f"{shapes} do not fit together")
    if bias_V is not None and bias_V.shape != weight_VH.shape[:1]:
        raise ValueError(
            f"bias {tuple(bias_V.shape)} must have one number a row of weight {weight_VH.shape[0]}"
        )
