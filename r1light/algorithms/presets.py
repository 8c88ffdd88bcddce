"""The options of the policy loss, and the published algorithms as named sets of them. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

AdvantageNormalisation = Literal["group_std", "batch_std", "none"]
"""What the centred rewards are divided by: the group's std, the whole batch's, or nothing."""

RatioLevel = Literal["token", "sequence"]
"""One importance ratio a token, or one a sequence: the geometric mean of its tokens' ratios (GSPO)."""

Surrogate = Literal["clip", "cispo"]
"""PPO's clipped objective, or CISPO's: clip and detach the ratio, and keep every token's gradient."""

Aggregation = Literal["seq_mean_token_mean", "token_mean", "seq_mean_token_sum_norm"]
"""Mean of sequences' token means (GRPO), mean of all tokens (DAPO), or sum over a constant (Dr. GRPO)."""

KlEstimator = Literal["k1", "k2", "k3"]
"""The per-token estimator of the KL divergence to the reference; see `kl`."""

RolloutCorrection = Literal["off", "truncate", "mask"]
"""What becomes of an importance weight above its bound: it is cut down to it, or its token left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLossOptions:
    """The switches of `policy_loss`. The defaults are token-level PPO clipping with the paper's k3 term.

    Example:
        >>> PolicyLossOptions(clip_low=10.0, clip_high=10.0).clip_high
        10.0
    """

    ratio_level: RatioLevel = "token"
    """The level on which importance ratios are taken and clipped."""
    surrogate: Surrogate = "clip"
    """The objective that is built from a ratio and an advantage."""
    clip_low: float = 0.2
    """Ratios are clipped below at 1 - clip_low. 1 or more: there is no lower bound."""
    clip_high: float = 0.2
    """Ratios are clipped above at 1 + clip_high."""
    clip_delta: float | None = None
    """Bound on the ratio where the advantage is negative (two-sided clipping); None for no bound."""
    aggregation: Aggregation = "seq_mean_token_mean"
    """How token losses become one number."""
    kl_estimator: KlEstimator = "k3"
    """The estimator of the KL divergence from the reference, in nats a token."""
    kl_coefficient: float = 0.0
    """The weight of the KL term in the loss (the paper's beta). 0 leaves the term out."""
    kl_importance_weighted: bool = False
    """Multiply the estimator by the policy's token ratio, which makes its gradient unbiased."""
    rollout_correction: RolloutCorrection = "off"
    """Importance weights between the trainer's and the rollout engine's probabilities."""
    rollout_correction_level: RatioLevel = "token"
    """One such weight a token, or one a sequence (there: the product over its tokens)."""
    rollout_correction_max: float = 2.0
    """The bound above which a weight is truncated or masked."""
    rollout_correction_min: float = 0.0
    """The bound below which a weight is masked ("mask" alone)."""

    def __post_init__(self) -> None:
        for name in ("clip_low", "clip_high", "rollout_correction_max"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)} must be above 0")
        if self.clip_delta is not None and not self.clip_delta > 1:
            raise ValueError(
                f"clip_delta={self.clip_delta} must be above 1, the ratio of an unchanged policy"
            )
        if self.clip_delta is not None and self.surrogate == "cispo":
            raise ValueError("clip_delta belongs to surrogate=clip; cispo bounds every ratio by clip_high")
        if not self.kl_coefficient >= 0:
            raise ValueError(f"kl_coefficient={self.kl_coefficient} must not be negative")
        if self.kl_importance_weighted and self.kl_estimator == "k2":
            raise ValueError(
                "kl_importance_weighted needs kl_estimator=k1 or k3; it makes k2's gradient wrong"
            )
        if not 0 <= self.rollout_correction_min < self.rollout_correction_max:
            raise ValueError(
                f"rollout_correction_min={self.rollout_correction_min} must be in "
                f"[0, rollout_correction_max={self.rollout_correction_max})"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A published algorithm: its loss, and what it asks of the rest of the iteration.

    Attributes:
        loss: The options of `policy_loss`.
        advantage_normalisation: The one of `group_advantages`.
        dynamic_sampling: Whether groups without variance are replaced by fresh ones.
        soft_overlong_punishment: Whether completions near the length cap are punished.
        source: The paper.
    """

    loss: PolicyLossOptions
    advantage_normalisation: AdvantageNormalisation
    dynamic_sampling: bool = False
    soft_overlong_punishment: bool = False
    source: str


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "grpo": Preset(
            # The paper's eps of stage 1 and its beta; with eps 10 only ratios above 11 are clipped.
            loss=PolicyLossOptions(clip_low=10.0, clip_high=10.0, kl_coefficient=0.001),
            advantage_normalisation="group_std",
            source="DeepSeek-R1, arXiv:2501.12948v2, eq. 1-3 and section 3.2.1",
        ),
        "dr_grpo": Preset(
            loss=PolicyLossOptions(aggregation="seq_mean_token_sum_norm"),
            advantage_normalisation="none",
            source="Understanding R1-Zero-Like Training, arXiv:2503.20783, section 3.2",
        ),
        "dapo": Preset(
            loss=PolicyLossOptions(clip_high=0.28, aggregation="token_mean"),
            advantage_normalisation="group_std",
            dynamic_sampling=True,
            soft_overlong_punishment=True,
            source="DAPO, arXiv:2503.14476, eq. 8",
        ),
        "gspo": Preset(
            loss=PolicyLossOptions(ratio_level="sequence", clip_low=3e-4, clip_high=4e-4),
            advantage_normalisation="group_std",
            source="Group Sequence Policy Optimization, arXiv:2507.18071, eq. 5-7",
        ),
        "cispo": Preset(
            # The paper gives no bounds; no lower one, and ScaleRL's cap of 5 (arXiv:2510.13786) above.
            loss=PolicyLossOptions(surrogate="cispo", clip_low=1.0, clip_high=4.0, aggregation="token_mean"),
            advantage_normalisation="group_std",
            source="MiniMax-M1, arXiv:2506.13585, eq. 4-5",
        ),
    }
)
"""The named algorithms. The user's own options replace single fields of a preset's `loss`."""
