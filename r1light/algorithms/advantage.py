"""Group-relative advantages.

Shapes: P problems, G samples of a problem (the group).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from r1light.algorithms.presets import AdvantageNormalisation

ZERO_VARIANCE_TOLERANCE = 1e-6
"""A group whose rewards have at most this std has no variance: rounding noise is not a preference."""


@dataclass(frozen=True, slots=True)
class Advantages:
    """What `group_advantages` returns.

    Attributes:
        advantages_PG: Float [P, G]; 0 where the mask is False and in groups without variance.
        zero_variance_P: Bool [P], True where the group gives no policy gradient.
        mean_P: Float [P], mean reward of the kept samples; 0 where none is kept.
        std_P: Float [P], population std of the kept samples' rewards; 0 where none is kept.
        kept_P: Int64 [P], kept samples.
    """

    advantages_PG: Tensor
    zero_variance_P: Tensor
    mean_P: Tensor
    std_P: Tensor
    kept_P: Tensor


def group_advantages(
    rewards_PG: Tensor,
    mask_PG: Tensor,
    *,
    normalisation: AdvantageNormalisation = "group_std",
    eps: float = 1e-4,
) -> Advantages:
    """DeepSeek-R1 (arXiv:2501.12948v2) eq. 3: A_i = (r_i - mean(r)) / std(r), over one problem's samples.

    Deviations and choices:
    1. std is the population's (divided by the count, not by the count less one). The paper does not say;
       so the squared advantages of a group average 1 whatever its size. TRL divides by the count less one:
       its advantages are smaller by sqrt((G-1)/G), 3% at G = 16.
    2. `eps` is added to the std. The paper does not say what a std of 0 does; here such groups have zero
       advantage, by a tolerance of 1e-6 rather than equality.
    3. Samples that the mask drops take no part in any mean or std.
    4. "batch_std" divides by the std of all kept rewards (Lite PPO, arXiv:2508.08221): give it the whole
       batch, over all ranks. "none" does not divide (Dr. GRPO, arXiv:2503.20783).

    Args:
        rewards_PG: Float [P, G]. What stands at dropped samples does not matter, NaN included.
        mask_PG: Bool [P, G], False for dropped samples.
        normalisation: What the centred rewards are divided by.
        eps: Added to the std, in units of reward. Not negative.

    Raises:
        ValueError: If shapes or dtypes differ from the above, or a kept reward is not finite.
    """
    _check(rewards_PG, mask_PG, normalisation, eps)
    rewards_PG = rewards_PG.masked_fill(~mask_PG, 0.0)
    kept_P = mask_PG.sum(dim=1)
    mean_P = rewards_PG.sum(dim=1) / kept_P.clamp(min=1)
    centred_PG = (rewards_PG - mean_P[:, None]).masked_fill(~mask_PG, 0.0)
    std_P = (centred_PG.square().sum(dim=1) / kept_P.clamp(min=1)).sqrt()
    zero_variance_P = std_P <= ZERO_VARIANCE_TOLERANCE
    if normalisation == "group_std":
        centred_PG = centred_PG / (std_P[:, None] + eps)
    elif normalisation == "batch_std":
        centred_PG = centred_PG / (_population_std(rewards_PG[mask_PG]) + eps)
    advantages_PG = centred_PG.masked_fill(zero_variance_P[:, None], 0.0)
    return Advantages(advantages_PG, zero_variance_P, mean_P, std_P, kept_P)


def _population_std(rewards_N: Tensor) -> Tensor:
    """Std of the rewards; 0 where there are none."""
    if rewards_N.numel() == 0:
        return rewards_N.new_zeros(())
    return rewards_N.std(correction=0)


def _check(rewards_PG: Tensor, mask_PG: Tensor, normalisation: str, eps: float) -> None:
    if rewards_PG.ndim != 2 or rewards_PG.shape != mask_PG.shape:
        raise ValueError(
            f"rewards {tuple(rewards_PG.shape)} and mask {tuple(mask_PG.shape)} must be [problems, group]"
        )
    if mask_PG.dtype != torch.bool or not rewards_PG.is_floating_point():
        raise ValueError(f"rewards {rewards_PG.dtype} must be floating and the mask {mask_PG.dtype} bool")
    if normalisation not in ("group_std", "batch_std", "none"):
        raise ValueError(f"normalisation={normalisation!r} must be group_std, batch_std or none")
    if not eps >= 0:
        raise ValueError(f"eps={eps} must not be negative")
    if not bool(torch.isfinite(rewards_PG[mask_PG]).all()):
        raise ValueError("a kept reward is not finite; mask the sample instead")
