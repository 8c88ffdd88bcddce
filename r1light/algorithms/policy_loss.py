"""The policy loss of GRPO and its descendants, as one pure function.

Shapes: B rows (completions), T completion tokens (padded; masks say which count).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from r1light.algorithms.aggregation import LossNormaliser, aggregate, check_mask, masked_sum
from r1light.algorithms.kl import bounded_exp, kl_estimate, unbiased_kl
from r1light.algorithms.presets import PolicyLossOptions

_Pair = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class PolicyMetrics:
    """Sums over the rows of one call: add them over micro-batches and ranks, then divide as said.

    All are detached scalars of the log-probabilities' dtype. The first two already carry the step's divisor,
    and add up to the loss; the rest are sums over tokens (divide by `tokens`) but for `sequences`.

    Attributes:
        policy_loss: The surrogate's share of the loss.
        kl_loss: The KL term's share of the loss, coefficient included.
        tokens: Tokens in the loss.
        sequences: Rows with at least one token in the loss.
        ratio: Importance ratios pi / pi_old before clipping, of each token or of its sequence.
        clipped_low: Tokens held at 1 - clip_low: with "clip" those of negative advantage, which have no
            gradient; with "cispo" all.
        clipped_high: Tokens held at 1 + clip_high: with "clip" those of positive advantage, which have no
            gradient; with "cispo" all.
        clipped_delta: Tokens of negative advantage held at clip_delta, without gradient.
        old_kl: k3 estimates of KL(old policy || policy), in nats.
        reference_kl: Estimates of KL(policy || reference) by the chosen estimator, unweighted, in nats; 0
            without a reference.
        rollout_weight: Importance weights of the rollout correction, as applied; equal to `tokens` when off.
        rollout_bounded: Tokens whose weight was truncated or masked.
        rollout_kl: log pi_rollout - log pi_old: estimates of KL(rollout engine || trainer), in nats; 0
            without rollout log-probabilities.
        rollout_difference: |log pi_rollout - log pi_old|, in nats; likewise.
    """

    policy_loss: Tensor
    kl_loss: Tensor
    tokens: Tensor
    sequences: Tensor
    ratio: Tensor
    clipped_low: Tensor
    clipped_high: Tensor
    clipped_delta: Tensor
    old_kl: Tensor
    reference_kl: Tensor
    rollout_weight: Tensor
    rollout_bounded: Tensor
    rollout_kl: Tensor
    rollout_difference: Tensor

    def __add__(self, other: PolicyMetrics) -> PolicyMetrics:
        return PolicyMetrics.unstack(self.stack() + other.stack())

    def stack(self) -> Tensor:
        """All sums as one vector, in the order of the fields, for a single all-reduce (sum)."""
        return torch.stack([getattr(self, field.name) for field in fields(self)])

    @classmethod
    def none(cls, device: torch.device) -> PolicyMetrics:
        """The sums over no rows, float32."""
        return cls.unstack(torch.zeros(len(fields(cls)), dtype=torch.float32, device=device))

    @classmethod
    def unstack(cls, sums: Tensor) -> PolicyMetrics:
        """The inverse of `stack`."""
        return cls(*sums.unbind())


@dataclass(frozen=True, slots=True)
class PolicyLoss:
    """What `policy_loss` returns.

    Attributes:
        loss: Scalar, these rows' share of the optimiser step's loss, to be minimised.
        metrics: Sums, see PolicyMetrics.
    """

    loss: Tensor
    metrics: PolicyMetrics


def policy_loss(
    logprobs_BT: Tensor,
    advantages_B: Tensor,
    mask_BT: Tensor,
    *,
    options: PolicyLossOptions,
    normaliser: LossNormaliser,
    old_logprobs_BT: Tensor | None = None,
    rollout_logprobs_BT: Tensor | None = None,
    reference_logprobs_BT: Tensor | None = None,
) -> PolicyLoss:
    """DeepSeek-R1 (arXiv:2501.12948v2) eq. 1-2, and by its options Dr. GRPO, DAPO, GSPO and CISPO.

    With r the ratio pi / pi_old, A the advantage, low = 1 - clip_low and high = 1 + clip_high, a token's
    loss is
    - "clip": -A min(r, high) for A >= 0 and -A max(r, low) for A < 0, which is PPO's -min(r A, clip(r) A);
    - "cispo": -A sg(clip(r, low, high)) log pi, with sg the stopped gradient (MiniMax-M1, arXiv:2506.13585);
    times the rollout correction's weight, plus kl_coefficient times the KL estimate; see `aggregate` for how
    tokens add up.

    Deviations and choices:
    1. R1 writes the ratio of whole outputs; ratios here are of tokens, as in DeepSeekMath (arXiv:2402.03300),
       or the geometric mean over a sequence (GSPO, arXiv:2507.18071).
    2. A ratio that equals a bound has the full gradient of the unclipped side.
    3. clip_delta bounds r for A < 0 whatever clip_high is (INTELLECT-2, arXiv:2505.07291, presumes
       delta > 1 + clip_high, where the two agree).
    4. The rollout correction is w = pi_old / pi_rollout, without gradient: min(w, max) ("truncate"), or w
       where min <= w <= max and else 0 ("mask"; masked tokens still count in the normaliser). It weighs the
       surrogate and not the KL term.
    5. Log-ratios are clamped to plus and minus 20 before exp, where their gradient ends.

    Args:
        logprobs_BT: Float [B, T], log-probabilities of the sampled tokens under the policy, in nats.
        advantages_B: Float [B].
        mask_BT: Bool [B, T], True for the tokens in the loss. Elsewhere nothing matters, NaN included.
        options: The switches.
        normaliser: Counts of the whole optimiser step, over all micro-batches and ranks.
        old_logprobs_BT: Float [B, T], under the policy at the start of the iteration; None where this is that
            policy, whose ratio is then 1 with the gradient of log pi.
        rollout_logprobs_BT: Float [B, T], as the rollout engine reported them. Needed by the correction;
            the metrics compare them with the old ones either way.
        reference_logprobs_BT: Float [B, T], under the reference. Needed where kl_coefficient > 0; the
            metrics measure the divergence either way.

    Raises:
        ValueError: If shapes differ, or log-probabilities that the options need are missing.
    """
    rows = _Rows.of(
        mask_BT, advantages_B, logprobs_BT, old_logprobs_BT, rollout_logprobs_BT, reference_logprobs_BT
    )
    log_ratio_BT = rows.logprobs_BT - rows.old_BT
    if options.ratio_level == "sequence":
        log_ratio_BT = _row_sums(log_ratio_BT) / mask_BT.sum(dim=1, keepdim=True).clamp(min=1)
    ratio_BT = bounded_exp(log_ratio_BT)
    surrogate_BT, clipped = _surrogate(ratio_BT, rows, options)
    weight_BT, bounded_BT = _rollout_weight(rows, options)
    policy_share = aggregate(surrogate_BT * weight_BT, mask_BT, options.aggregation, normaliser)
    kl_share = _kl_share(rows, options, normaliser)
    metrics = _metrics(
        rows, options, ratio_BT, clipped, (weight_BT, bounded_BT), (policy_share.detach(), kl_share.detach())
    )
    return PolicyLoss(policy_share + kl_share, metrics)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The inputs: of one shape, at least float32, 0 where masked, and only the policy's with gradient."""

    mask_BT: Tensor
    advantages_B1: Tensor
    logprobs_BT: Tensor
    old_BT: Tensor
    rollout_BT: Tensor | None
    reference_BT: Tensor | None

    @classmethod
    def of(
        cls,
        mask_BT: Tensor,
        advantages_B: Tensor,
        logprobs_BT: Tensor,
        old_BT: Tensor | None,
        rollout_BT: Tensor | None,
        reference_BT: Tensor | None,
    ) -> _Rows:
        check_mask(mask_BT)
        if advantages_B.shape != mask_BT.shape[:1]:
            raise ValueError(
                f"advantages {tuple(advantages_B.shape)} must be one a row of the mask {tuple(mask_BT.shape)}"
            )
        logprobs_BT = _clean(logprobs_BT, mask_BT)
        old_BT = logprobs_BT if old_BT is None else _clean(old_BT, mask_BT)
        return cls(
            mask_BT,
            advantages_B[:, None].detach(),
            logprobs_BT,
            old_BT.detach(),
            None if rollout_BT is None else _clean(rollout_BT, mask_BT).detach(),
            None if reference_BT is None else _clean(reference_BT, mask_BT).detach(),
        )

    def sum(self, values_BT: Tensor) -> Tensor:
        return masked_sum(values_BT.to(self.logprobs_BT.dtype).expand_as(self.mask_BT), self.mask_BT)


def _clean(logprobs_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """At least float32, and 0 without gradient where masked: a NaN there must not reach a product."""
    if logprobs_BT.shape != mask_BT.shape:
        raise ValueError(
            f"log-probabilities {tuple(logprobs_BT.shape)} and mask {tuple(mask_BT.shape)} differ in shape"
        )
    dtype = torch.promote_types(logprobs_BT.dtype, torch.float32)
    return logprobs_BT.to(dtype).masked_fill(~mask_BT, 0.0)


def _row_sums(values_BT: Tensor) -> Tensor:
    """Each row's sum, on all its tokens."""
    return values_BT.sum(dim=1, keepdim=True).expand_as(values_BT)


@dataclass(frozen=True, slots=True)
class _Clipped:
    """Which tokens' ratios were held at which bound; bool [B, T]."""

    low_BT: Tensor
    high_BT: Tensor
    delta_BT: Tensor


def _surrogate(ratio_BT: Tensor, rows: _Rows, options: PolicyLossOptions) -> tuple[Tensor, _Clipped]:
    """Token losses before the rollout correction, and what was clipped."""
    low, high = 1.0 - options.clip_low, 1.0 + options.clip_high
    advantages_B1 = rows.advantages_B1
    above_BT, below_BT = ratio_BT > high, ratio_BT < low
    if options.surrogate == "cispo":
        loss_BT = -advantages_B1 * ratio_BT.clamp(low, high).detach() * rows.logprobs_BT
        return loss_BT, _Clipped(below_BT, above_BT, torch.zeros_like(above_BT))
    delta = float("inf") if options.clip_delta is None else options.clip_delta
    negative_B1 = advantages_B1 < 0
    ratio_where_positive_BT = ratio_BT.clamp(max=high)
    ratio_where_negative_BT = ratio_BT.clamp(min=low, max=delta)
    loss_BT = -advantages_B1 * torch.where(negative_B1, ratio_where_negative_BT, ratio_where_positive_BT)
    return loss_BT, _Clipped(
        low_BT=below_BT & negative_B1,
        high_BT=above_BT & (advantages_B1 > 0),
        delta_BT=(ratio_BT > delta) & negative_B1,
    )


@torch.no_grad()
def _rollout_weight(rows: _Rows, options: PolicyLossOptions) -> _Pair:
    """The correction's weights, and a bool mask of those that a bound changed."""
    if options.rollout_correction == "off":
        return torch.ones_like(rows.old_BT), torch.zeros_like(rows.mask_BT)
    if rows.rollout_BT is None:
        raise ValueError(f"rollout_correction={options.rollout_correction} needs rollout_logprobs_BT")
    log_weight_BT = rows.old_BT - rows.rollout_BT
    if options.rollout_correction_level == "sequence":
        log_weight_BT = _row_sums(log_weight_BT)
    weight_BT = bounded_exp(log_weight_BT)
    above_BT = weight_BT > options.rollout_correction_max
    if options.rollout_correction == "truncate":
        return weight_BT.clamp(max=options.rollout_correction_max), above_BT
    outside_BT = above_BT | (weight_BT < options.rollout_correction_min)
    return weight_BT.masked_fill(outside_BT, 0.0), outside_BT


def _kl_share(rows: _Rows, options: PolicyLossOptions, normaliser: LossNormaliser) -> Tensor:
    """The KL term of the loss, coefficient included; 0 where the coefficient is."""
    if options.kl_coefficient == 0:
        return rows.logprobs_BT.new_zeros(())
    if rows.reference_BT is None:
        raise ValueError(f"kl_coefficient={options.kl_coefficient} needs reference_logprobs_BT")
    if options.kl_importance_weighted:
        kl_BT = unbiased_kl(options.kl_estimator, rows.logprobs_BT, rows.old_BT, rows.reference_BT)
    else:
        kl_BT = kl_estimate(options.kl_estimator, rows.logprobs_BT, rows.reference_BT)
    return options.kl_coefficient * aggregate(kl_BT, rows.mask_BT, options.aggregation, normaliser)


@torch.no_grad()
def _metrics(
    rows: _Rows, options: PolicyLossOptions, ratio_BT: Tensor, clipped: _Clipped, weights: _Pair, terms: _Pair
) -> PolicyMetrics:
    """The sums, given the rollout correction's weights and what was bounded, and the loss's two terms."""
    weight_BT, bounded_BT = weights
    kl_BT = gap_BT = torch.zeros_like(rows.old_BT)
    if rows.reference_BT is not None:
        kl_BT = kl_estimate(options.kl_estimator, rows.logprobs_BT, rows.reference_BT)
    if rows.rollout_BT is not None:
        gap_BT = rows.rollout_BT - rows.old_BT
    return PolicyMetrics(
        *terms,
        tokens=rows.sum(torch.ones_like(ratio_BT)),
        sequences=rows.mask_BT.any(dim=1).sum().to(ratio_BT.dtype),
        ratio=rows.sum(ratio_BT),
        clipped_low=rows.sum(clipped.low_BT),
        clipped_high=rows.sum(clipped.high_BT),
        clipped_delta=rows.sum(clipped.delta_BT),
        old_kl=rows.sum(kl_estimate("k3", rows.old_BT, rows.logprobs_BT)),
        reference_kl=rows.sum(kl_BT),
        rollout_weight=rows.sum(weight_BT),
        rollout_bounded=rows.sum(bounded_BT),
        rollout_kl=rows.sum(gap_BT),
        rollout_difference=rows.sum(gap_BT.abs()),
    )
