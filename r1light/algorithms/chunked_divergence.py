"""Distillation losses from hidden states and output heads, a chunk of logits at a time.

Neither the student's nor the teacher's [T, V] logits ever exist for all tokens. The gradient with respect to
a chunk's logits is taken as soon as its divergence is known and goes on into the hidden states and the head
there and then, so that nothing of a chunk is kept, and nothing is computed twice.

Shapes: T tokens (any rows flattened), C tokens of a chunk, V vocabulary, K the teacher's most likely tokens,
H hidden of the student, D hidden of the teacher.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from r1light.algorithms.distill_loss import generalised_jsd, topk_divergence
from r1light.algorithms.lm_head import Head, head_logits, operand_dtype, product, row_products
from r1light.algorithms.logprob import default_chunk_tokens


class TeacherTokens(Protocol):
    """What a teacher says of T tokens."""

    def divergence(self, rows: slice, student_logprobs_CV: Tensor) -> Tensor:
        """The divergence from the student at some of the tokens, [C], in nats."""
        ...


@dataclass(frozen=True, slots=True)
class FullTeacher:
    """The whole distribution of a teacher, from its hidden states.

    Attributes:
        hidden_TD: Float [T, D].
        head: Its output head, over the student's vocabulary.
        beta: See `generalised_jsd`.
        temperature: Divides its logits.
    """

    hidden_TD: Tensor
    head: Head
    beta: float
    temperature: float = 1.0

    def divergence(self, rows: slice, student_logprobs_CV: Tensor) -> Tensor:
        """See `TeacherTokens`."""
        with torch.no_grad():
            logits_CV = head_logits(self.hidden_TD[rows], self.head, self.temperature)
            teacher_CV = torch.log_softmax(logits_CV, dim=-1).to(student_logprobs_CV.dtype)
        return generalised_jsd(teacher_CV, student_logprobs_CV, self.beta)


@dataclass(frozen=True, slots=True)
class TopK:
    """A teacher's most likely tokens, and their log-probabilities under its full distribution, in nats.

    Attributes:
        logprobs_TK: Float [T, K].
        ids_TK: Int64 [T, K].
    """

    logprobs_TK: Tensor
    ids_TK: Tensor


@dataclass(frozen=True, slots=True)
class TopKTeacher:
    """A teacher by its most likely tokens; see `topk_distill_loss`.

    Attributes:
        top: They and their log-probabilities, at the temperature of the loss.
        beta: See `generalised_jsd`.
    """

    top: TopK
    beta: float

    def divergence(self, rows: slice, student_logprobs_CV: Tensor) -> Tensor:
        """See `TeacherTokens`."""
        top = self.top
        return topk_divergence(top.logprobs_TK[rows], top.ids_TK[rows], student_logprobs_CV, self.beta)


@dataclass(frozen=True, slots=True)
class ChunkedDivergence:
    """What `chunked_divergence` returns; float32, or float64 where an input is.

    Attributes:
        loss: Scalar, the sum of the token divergences in nats, with its gradient.
        entropy: Detached scalar, the sum of the student's token entropies in nats.
    """

    loss: Tensor
    entropy: Tensor


def chunked_divergence(
    hidden_TH: Tensor,
    head: Head,
    teacher: TeacherTokens,
    *,
    temperature: float = 1.0,
    chunk_tokens: int | None = None,
) -> ChunkedDivergence:
    """The sum over tokens of the divergence between teacher and student (GKD, arXiv:2306.13649, section 3).

    Equals `distill_loss` and `topk_distill_loss` on whole logits. Precision is that of `chunked_logprobs`.

    Args:
        hidden_TH: Float [T, H], the student's last hidden states, after the final norm.
        head: The student's output head.
        teacher: What the teacher says of the same tokens. Gets no gradient.
        temperature: Divides the student's logits. Above 0.
        chunk_tokens: Tokens of a chunk; None chooses by device and vocabulary.

    Raises:
        ValueError: If the shapes do not fit, or the temperature or the chunk is not positive.
    """
    weight_VH = head.weight_VH
    if hidden_TH.ndim != 2 or weight_VH.ndim != 2 or hidden_TH.shape[1] != weight_VH.shape[1]:
        raise ValueError(
            f"hidden {tuple(hidden_TH.shape)} and weight {tuple(weight_VH.shape)} must be [tokens, hidden] "
            "and [vocabulary, hidden]"
        )
    if chunk_tokens is None:
        chunk_tokens = default_chunk_tokens(weight_VH.shape[0], hidden_TH.device)
    if not temperature > 0 or chunk_tokens < 1:
        raise ValueError(f"temperature={temperature} must be above 0, chunk_tokens={chunk_tokens} at least 1")
    loss, entropy = _ChunkedDivergence.apply(  # type: ignore[no-untyped-call]
        hidden_TH, weight_VH, head.bias_V, teacher, temperature, chunk_tokens
    )
    return ChunkedDivergence(loss, entropy)


@torch.no_grad()
def chunked_top_k(
    hidden_TD: Tensor, head: Head, k: int, *, temperature: float = 1.0, chunk_tokens: int | None = None
) -> TopK:
    """The K most likely tokens and their log-probabilities at a temperature, most likely first.

    Args:
        hidden_TD: Float [T, D].
        head: The output head.
        k: K, at most V.
        temperature: Divides the logits.
        chunk_tokens: Tokens of a chunk; None chooses by device and vocabulary.
    """
    size = chunk_tokens or default_chunk_tokens(head.weight_VH.shape[0], hidden_TD.device)
    logprobs, ids = [], []
    for rows in _chunks(hidden_TD.shape[0], size):
        logprobs_CV = torch.log_softmax(head_logits(hidden_TD[rows], head, temperature), dim=-1)
        found = logprobs_CV.topk(k, dim=-1)
        logprobs.append(found.values)
        ids.append(found.indices)
    return TopK(torch.cat(logprobs), torch.cat(ids))


def _chunks(tokens: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, tokens, size))


class _ChunkedDivergence(torch.autograd.Function):
    """The function above: its gradients are known when its value is, up to the loss's own factor."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden_TH: Tensor,
        weight_VH: Tensor,
        bias_V: Tensor | None,
        teacher: TeacherTokens,
        temperature: float,
        chunk_tokens: int,
    ) -> tuple[Tensor, Tensor]:
        sums = _Gradients(ctx.needs_input_grad, hidden_TH, weight_VH, bias_V)
        head = Head(weight_VH, bias_V)
        loss = torch.zeros((), dtype=sums.dtype, device=hidden_TH.device)
        entropy = torch.zeros_like(loss)
        for rows in _chunks(hidden_TH.shape[0], chunk_tokens):
            logits_CV = head_logits(hidden_TH[rows], head, temperature)
            with torch.set_grad_enabled(sums.needed):
                logits_CV.requires_grad_(sums.needed)
                logprobs_CV = torch.log_softmax(logits_CV, dim=-1)
                divergence = teacher.divergence(rows, logprobs_CV).sum()
            if sums.needed:
                (grad_CV,) = torch.autograd.grad(divergence, logits_CV)
                sums.add(rows, grad_CV.div_(temperature), hidden_TH[rows])
            loss += divergence.detach()
            logprobs_CV = logprobs_CV.detach()
            entropy -= row_products(logprobs_CV.exp(), logprobs_CV).sum()
        ctx.save_for_backward(sums.hidden_TH, sums.weight_VH, sums.bias_V)
        ctx.dtypes = (hidden_TH.dtype, weight_VH.dtype, None if bias_V is None else bias_V.dtype)
        ctx.mark_non_differentiable(entropy)
        return loss, entropy

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_loss: Tensor, _grad_entropy: Tensor) -> tuple[Tensor | None, ...]:
        grads = [
            None if grad is None else (grad * grad_loss).to(dtype)
            for grad, dtype in zip(ctx.saved_tensors, ctx.dtypes, strict=True)
        ]
        return (*grads, None, None, None)


class _Gradients:
    """Sums of the gradients that are needed, in at least float32.

    Attributes:
        needed: Whether any is.
        dtype: Theirs.
    """

    def __init__(
        self, needs: tuple[bool, ...], hidden_TH: Tensor, weight_VH: Tensor, bias_V: Tensor | None
    ) -> None:
        operand = operand_dtype(hidden_TH, weight_VH)
        self.needed = any(needs[:3])
        self.dtype = torch.float64 if operand == torch.float64 else torch.float32
        self.hidden_TH = torch.empty_like(hidden_TH, dtype=self.dtype) if needs[0] else None
        self.weight_VH = torch.zeros_like(weight_VH, dtype=self.dtype) if needs[1] else None
        self.bias_V = torch.zeros_like(bias_V, dtype=self.dtype) if needs[2] and bias_V is not None else None
        self._operand = operand
        self._head_VH = weight_VH.to(operand)

    def add(self, rows: slice, grad_CV: Tensor, hidden_CH: Tensor) -> None:
        """Take in a chunk's gradient with respect to its logits, before the temperature."""
        if self.bias_V is not None:
            self.bias_V += grad_CV.sum(dim=0)
        grad_CV = grad_CV.to(self._operand)
        if self.hidden_TH is not None:
            self.hidden_TH[rows] = product(grad_CV, self._head_VH)
        if self.weight_VH is not None:
            self.weight_VH += product(grad_CV.T, hidden_CH.to(self._operand))
