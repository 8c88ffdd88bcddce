"""Distillation losses: forward KL, reverse KL and the generalised Jensen-Shannon divergence.

Shapes: T tokens (any rows flattened), V vocabulary, K the teacher's most likely tokens. The losses are sums
over tokens, so that a caller whose [T, V] logits do not fit can slice the tokens and add.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from r1light.algorithms.sft_loss import check_tokens

MIN_TAIL_LOGPROB = -30.0
"""Floor of the log of the mass outside the top K (1e-13), below which it has no gradient."""


@dataclass(frozen=True, slots=True)
class DistillLoss:
    """What the losses here return.

    Attributes:
        loss: Scalar, these tokens' share of the optimiser step's loss.
        divergence: Detached scalar, the sum of the token divergences in nats; sum it over micro-batches and
            ranks, and divide by the sum of `tokens`.
        tokens: Detached scalar, tokens in the loss.
    """

    loss: Tensor
    divergence: Tensor
    tokens: Tensor


def forward_kl(teacher_logprobs_TV: Tensor, student_logprobs_TV: Tensor) -> Tensor:
    """KL(teacher || student) in nats, [T]: the student covers all that the teacher may say."""
    return _kl(teacher_logprobs_TV, student_logprobs_TV)


def reverse_kl(teacher_logprobs_TV: Tensor, student_logprobs_TV: Tensor) -> Tensor:
    """KL(student || teacher) in nats, [T]: the student keeps to what the teacher is likely to say."""
    return _kl(student_logprobs_TV, teacher_logprobs_TV)


def generalised_jsd(teacher_logprobs_TV: Tensor, student_logprobs_TV: Tensor, beta: float) -> Tensor:
    """GKD (arXiv:2306.13649) section 2, in nats, [T]: beta KL(teacher || m) + (1 - beta) KL(student || m).

    m = beta teacher + (1 - beta) student. As in the paper, beta = 0 names the forward and beta = 1 the
    reverse KL: the formula itself is 0 there, and tends to them only after division by beta or by 1 - beta.

    Raises:
        ValueError: If beta is outside [0, 1].
    """
    if not 0 <= beta <= 1:
        raise ValueError(f"beta={beta} must be in [0, 1]")
    if beta == 0:
        return forward_kl(teacher_logprobs_TV, student_logprobs_TV)
    if beta == 1:
        return reverse_kl(teacher_logprobs_TV, student_logprobs_TV)
    mixture_TV = torch.logaddexp(
        teacher_logprobs_TV + math.log(beta), student_logprobs_TV + math.log1p(-beta)
    )
    return beta * _kl(teacher_logprobs_TV, mixture_TV) + (1 - beta) * _kl(student_logprobs_TV, mixture_TV)


def distill_loss(
    student_logits_TV: Tensor,
    teacher_logits_TV: Tensor,
    mask_T: Tensor,
    *,
    beta: float,
    total_tokens: int,
    temperature: float = 1.0,
) -> DistillLoss:
    """GKD (arXiv:2306.13649) section 3: the generalised JSD between teacher and student, mean over tokens.

    Choices: both logits are divided by the temperature, and the loss is not multiplied by its square; the
    mean is over the tokens of the whole optimiser step.

    Args:
        student_logits_TV: Float [T, V].
        teacher_logits_TV: Float [T, V], of the same vocabulary. Gets no gradient.
        mask_T: Bool [T]. Where it is False nothing matters, NaN included.
        beta: 0 for forward KL, 1 for reverse KL, between them the JSD.
        total_tokens: Tokens of the whole optimiser step, over all micro-batches and ranks.
        temperature: Above 0.

    Raises:
        ValueError: If shapes differ or an option is out of range.
    """
    if student_logits_TV.ndim != 2 or student_logits_TV.shape != teacher_logits_TV.shape:
        raise ValueError(
            f"student {tuple(student_logits_TV.shape)} and teacher {tuple(teacher_logits_TV.shape)} logits "
            f"must both be [tokens, vocabulary]"
        )
    check_tokens(student_logits_TV[:, 0], mask_T, total_tokens)
    student_TV = _log_softmax(student_logits_TV[mask_T], temperature)
    teacher_TV = _log_softmax(teacher_logits_TV.detach()[mask_T], temperature)
    return _loss(generalised_jsd(teacher_TV, student_TV, beta), total_tokens)


def topk_distill_loss(
    student_logits_TV: Tensor,
    teacher_logprobs_TK: Tensor,
    teacher_ids_TK: Tensor,
    mask_T: Tensor,
    *,
    beta: float,
    total_tokens: int,
    temperature: float = 1.0,
) -> DistillLoss:
    """`distill_loss` against the K most likely tokens of a teacher, and one bucket for all the others.

    Deviation from GKD: both distributions are reduced to K + 1 outcomes, the last with the mass outside the
    top K. The result is never above the full divergence (data processing), equals it for K = V, and, unlike a
    renormalised top K, sees a student that puts mass where the teacher has none.

    Args:
        student_logits_TV: Float [T, V].
        teacher_logprobs_TK: Float [T, K], in nats, of the full distribution at this temperature: their
            probabilities add up to at most 1. Gets no gradient.
        teacher_ids_TK: Int64 [T, K], the tokens they belong to, each once a row.
        mask_T: Bool [T]. Where it is False log-probabilities do not matter; ids must be in [0, V).
        beta: As in distill_loss.
        total_tokens: As in distill_loss.
        temperature: Of the student's logits; the teacher's were taken at the same.

    Raises:
        ValueError: If shapes differ or an option is out of range.
    """
    if teacher_logprobs_TK.ndim != 2 or teacher_logprobs_TK.shape != teacher_ids_TK.shape:
        raise ValueError(
            f"teacher log-probabilities {tuple(teacher_logprobs_TK.shape)} and ids "
            f"{tuple(teacher_ids_TK.shape)} must both be [tokens, k]"
        )
    if student_logits_TV.ndim != 2 or student_logits_TV.shape[0] != teacher_ids_TK.shape[0]:
        raise ValueError(
            f"student logits {tuple(student_logits_TV.shape)} must be [tokens, vocabulary], "
            f"with the {teacher_ids_TK.shape[0]} tokens of the teacher"
        )
    check_tokens(teacher_ids_TK[:, 0], mask_T, total_tokens)
    student_TV = _log_softmax(student_logits_TV[mask_T], temperature)
    divergence_T = topk_divergence(teacher_logprobs_TK[mask_T], teacher_ids_TK[mask_T], student_TV, beta)
    return _loss(divergence_T, total_tokens)


def topk_divergence(
    teacher_logprobs_TK: Tensor, teacher_ids_TK: Tensor, student_logprobs_TV: Tensor, beta: float
) -> Tensor:
    """`generalised_jsd` over K + 1 outcomes, [T]: the teacher's top K, and all the others together."""
    rest = student_logprobs_TV.scatter(-1, teacher_ids_TK, -torch.inf).logsumexp(dim=-1, keepdim=True)
    top_TK = student_logprobs_TV.gather(-1, teacher_ids_TK)
    student = torch.cat([top_TK, rest.clamp(min=MIN_TAIL_LOGPROB)], dim=-1)
    teacher_TK = teacher_logprobs_TK.detach().to(student.dtype)
    mass = teacher_TK.exp().sum(dim=-1, keepdim=True).clamp(max=1.0)
    teacher = torch.cat([teacher_TK, torch.log1p(-mass).clamp(min=MIN_TAIL_LOGPROB)], dim=-1)
    return generalised_jsd(teacher, student, beta)


def _kl(logprobs_TV: Tensor, other_logprobs_TV: Tensor) -> Tensor:
    """KL(first || second), [T]."""
    return (logprobs_TV.exp() * (logprobs_TV - other_logprobs_TV)).sum(dim=-1)


def _log_softmax(logits_TV: Tensor, temperature: float) -> Tensor:
    """Log-probabilities at a temperature, in at least float32."""
    if not temperature > 0:
        raise ValueError(f"temperature={temperature} must be above 0")
    dtype = torch.promote_types(logits_TV.dtype, torch.float32)
    return torch.log_softmax(logits_TV.to(dtype) / temperature, dim=-1)


def _loss(divergence_T: Tensor, total_tokens: int) -> DistillLoss:
    total = divergence_T.sum()
    return DistillLoss(total / total_tokens, total.detach(), total.new_tensor(divergence_T.shape[0]))
