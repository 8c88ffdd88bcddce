"""Log-probabilities and entropy of tokens from hidden states and the LM head, a chunk of logits at a time.

Shapes: T tokens (any rows flattened), C tokens of one chunk, V vocabulary, H hidden.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from r1light.algorithms.lm_head import add_product, operand_dtype, product

KEPT_ELEMENTS = 2**23
"""Up to this many logits (32 MiB) are kept for the backward pass; beyond, they are computed again."""

CPU_CHUNK_ELEMENTS = 2**20
"""Logits of a chunk on a CPU: 4 MiB stay in its caches."""

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

    Works through the tokens in chunks, so that memory grows with chunk_tokens * V and not with T * V; the
    backward pass computes the logits again, unless there are few enough to keep. Gradients reach the hidden
    states, the weight and the bias, from both outputs; an entropy that no loss uses costs no backward work.

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
    if chunk_tokens < 1:
        raise ValueError(f"chunk_tokens={chunk_tokens} must be at least 1")
    logprobs_T, entropy_T = _ChunkedLogprobs.apply(  # type: ignore[no-untyped-call]
        hidden_TH, weight_VH, bias_V, targets_T, temperature, chunk_tokens
    )
    return TokenLogprobs(logprobs_T, entropy_T)


def default_chunk_tokens(vocabulary: int, device: torch.device) -> int:
    """As many tokens as keep a chunk within the device's budget, and at least MIN_CHUNK_TOKENS."""
    budget = CPU_CHUNK_ELEMENTS if device.type == "cpu" else GPU_CHUNK_ELEMENTS
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
        needs_grad = any(ctx.needs_input_grad)
        keep = needs_grad and hidden_TH.shape[0] * weight_VH.shape[0] <= KEPT_ELEMENTS
        result_dtype = torch.float64 if ctx.dtype == torch.float64 else torch.float32
        logprobs_T = torch.empty(hidden_TH.shape[0], dtype=result_dtype, device=hidden_TH.device)
        entropy_T = torch.empty_like(logprobs_T)
        kept_CV = []
        for rows, log_softmax_CV in _log_softmax_chunks(ctx, hidden_TH, weight_VH, bias_V):
            logprobs_T[rows] = log_softmax_CV.gather(-1, targets_T[rows, None]).squeeze(-1)
            entropy_T[rows] = -torch.linalg.vecdot(log_softmax_CV.exp(), log_softmax_CV)
            if keep:
                kept_CV.append(log_softmax_CV)
            del log_softmax_CV  # before the next chunk is made
        if needs_grad:
            ctx.save_for_backward(hidden_TH, weight_VH, bias_V, targets_T, entropy_T, *kept_CV)
        return logprobs_T, entropy_T

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(
        ctx: Any, grad_logprobs_T: Tensor | None, grad_entropy_T: Tensor | None
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None, None]:
        hidden_TH, weight_VH, bias_V, targets_T, entropy_T, *kept_CV = ctx.saved_tensors
        needs_hidden, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        grad_hidden_TH = torch.empty_like(hidden_TH) if needs_hidden else None
        grad_weight_VH = torch.zeros_like(weight_VH, dtype=entropy_T.dtype) if needs_weight else None
        grad_bias_V = torch.zeros_like(bias_V, dtype=entropy_T.dtype) if needs_bias else None
        operand_VH = weight_VH.to(ctx.dtype)
        for rows, log_softmax_CV in _log_softmax_chunks(ctx, hidden_TH, weight_VH, bias_V, kept_CV):
            grad_CV = _logit_gradient(
                log_softmax_CV,
                targets_T[rows],
                None if grad_logprobs_T is None else grad_logprobs_T[rows],
                None if grad_entropy_T is None else grad_entropy_T[rows],
                entropy_T[rows],
            ).div_(ctx.temperature)
            if grad_bias_V is not None:
                grad_bias_V += grad_CV.sum(dim=0)
            grad_CV = grad_CV.to(ctx.dtype)
            if grad_hidden_TH is not None:
                grad_hidden_TH[rows] = product(grad_CV, operand_VH).to(hidden_TH.dtype)
            if grad_weight_VH is not None:
                add_product(grad_weight_VH, grad_CV.T, hidden_TH[rows].to(ctx.dtype))
            del log_softmax_CV, grad_CV  # before the next chunk is made
        return (
            grad_hidden_TH,
            None if grad_weight_VH is None else grad_weight_VH.to(weight_VH.dtype),
            None if grad_bias_V is None else grad_bias_V.to(bias_V.dtype),
            None,
            None,
            None,
        )


def _log_softmax_chunks(
    ctx: Any, hidden_TH: Tensor, weight_VH: Tensor, bias_V: Tensor | None, kept_CV: list[Tensor] | None = None
) -> Iterator[tuple[slice, Tensor]]:
    """Yield each chunk's rows and log_softmax(logits / temperature), from `kept_CV` where it was kept.

    Holds no chunk while the caller works on it: each is hundreds of MiB where the vocabulary is large.
    """
    operand_HV = None if kept_CV else weight_VH.to(ctx.dtype).T
    for index, start in enumerate(range(0, hidden_TH.shape[0], ctx.chunk_tokens)):
        rows = slice(start, start + ctx.chunk_tokens)
        if operand_HV is None:
            yield rows, kept_CV[index]  # type: ignore[index]
        else:
            yield rows, _log_softmax(hidden_TH[rows].to(ctx.dtype), operand_HV, bias_V, ctx.temperature)


def _log_softmax(hidden_CH: Tensor, operand_HV: Tensor, bias_V: Tensor | None, temperature: float) -> Tensor:
    """log_softmax of the divided logits, [C, V]."""
    logits_CV = product(hidden_CH, operand_HV)
    if bias_V is not None:
        logits_CV += bias_V
    if temperature != 1.0:
        logits_CV /= temperature
    return torch.log_softmax(logits_CV, dim=-1)


def _logit_gradient(
    log_softmax_CV: Tensor,
    targets_C: Tensor,
    grad_logprobs_C: Tensor | None,
    grad_entropy_C: Tensor | None,
    entropy_C: Tensor,
) -> Tensor:
    """Gradient [C, V] with respect to the divided logits; leaves its arguments as they are."""
    grad_CV = log_softmax_CV.exp()
    if grad_entropy_C is None:
        scale_CV = torch.zeros_like(entropy_C)[:, None]
    else:
        scale_CV = (log_softmax_CV + entropy_C[:, None]).mul_(-grad_entropy_C[:, None])
    if grad_logprobs_C is None:
        return grad_CV.mul_(scale_CV)
    grad_CV.mul_(scale_CV - grad_logprobs_C[:, None])
    return grad_CV.scatter_add_(-1, targets_C[:, None], grad_logprobs_C[:, None])


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
