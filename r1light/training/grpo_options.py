"""The options of GRPO. Imports no torch, so that a configuration is checked fast."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Literal

from r1light.algorithms.presets import (
    PRESETS,
    AdvantageNormalisation,
    Aggregation,
    KlEstimator,
    PolicyLossOptions,
    RatioLevel,
    RolloutCorrection,
    Surrogate,
)
from r1light.training.alarm import AlarmOptions
from r1light.training.schedule import learning_rate_factor

CPU_PASS_TOKENS, GPU_PASS_TOKENS = 1024, 16384
"""The most tokens of one forward pass by default. A CPU's caches hold so few; a GPU is busy with so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossOverrides:
    """Single fields of the preset's loss to replace; null keeps the preset's. See PolicyLossOptions."""

    ratio_level: RatioLevel | None = None
    """Importance ratios a token, or a sequence."""
    surrogate: Surrogate | None = None
    """PPO's clipped objective or CISPO's."""
    clip_low: float | None = None
    """Ratios are clipped below at 1 - clip_low."""
    clip_high: float | None = None
    """Ratios are clipped above at 1 + clip_high."""
    clip_delta: float | None = None
    """The bound on the ratio of tokens of negative advantage."""
    aggregation: Aggregation | None = None
    """How token losses become one number."""
    kl_estimator: KlEstimator | None = None
    """The estimator of the KL divergence to the reference."""
    kl_coefficient: float | None = None
    """The weight of the KL term; 0 keeps no reference."""
    kl_importance_weighted: bool | None = None
    """Whether the KL estimate carries the policy's ratio."""
    rollout_correction: RolloutCorrection | None = None
    """Importance weights between the engine's and the trainer's probabilities."""
    rollout_correction_level: RatioLevel | None = None
    """One such weight a token, or one a sequence."""
    rollout_correction_max: float | None = None
    """The bound above which a weight is truncated or masked."""
    rollout_correction_min: float | None = None
    """The bound below which a weight is masked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopWhen:
    """When training ends before its last iteration."""

    patience: int = 0
    """Evaluations of held-out accuracy without a gain after which training stops; 0 never stops."""
    min_gain: float = 0.005
    """What counts as a gain over the best held-out accuracy so far."""
    flops: float | None = None
    """Floating-point operations of the policy, rollouts included (see training/flops.py), in the iteration of
    which training stops; null for no bound. A falling learning rate still falls over all `iterations`."""

    def __post_init__(self) -> None:
        if self.patience < 0 or self.min_gain < 0:
            raise ValueError(f"patience={self.patience} and min_gain={self.min_gain} must not be negative")
        if self.flops is not None and not 0 < self.flops < math.inf:
            raise ValueError(f"flops={self.flops} must be above 0 and finite, or null")


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpoOptions:
    """One run of GRPO: an iteration is a rollout and what is learnt from it, an update an optimiser step."""

    name: Literal["grpo"] = "grpo"
    """The stage."""
    iterations: int = 200
    """Iterations in all."""
    prompts_per_iteration: int = 16
    """Problems an iteration (the paper: 512)."""
    group_size: int = 8
    """Completions a problem (the paper: 16)."""
    minibatches: int = 1
    """Updates that one pass over a rollout is cut into, by whole groups (the paper: 16)."""
    inner_epochs: int = 1
    """Passes over a rollout (the paper: 1)."""
    max_tokens: int = 1024
    """The cap on a completion, in tokens."""
    temperature: float = 1.0
    """Of the rollout; the trainer divides the logits by it likewise."""
    preference_updates: int | None = None
    """The last updates, whole iterations of them, in which problems with `meta.preference` are drawn (the
    paper: 400 of 1,700); null draws them from the start, 0 never."""

    lr: float = 1e-6
    """The peak learning rate of AdamW."""
    lr_schedule: Literal["constant", "linear", "cosine"] = "constant"
    """From the peak: stay, or fall to 0 over all updates."""
    warmup_updates: int = 0
    """Updates over which the learning rate rises linearly to its peak."""
    adam_beta2: float = 0.99
    """AdamW's second-moment decay; the first's is 0.9."""
    weight_decay: float = 0.0
    """AdamW's."""
    max_grad_norm: float = 1.0
    """The gradient is scaled down to this norm; 0 leaves it."""
    max_skipped_updates: int = 3
    """Updates in a row that are left out, as their gradient is not finite, before the run ends (under
    DeepSpeed it ends at the first)."""

    algorithm: Literal["grpo", "dr_grpo", "dapo", "gspo", "cispo"] = "grpo"
    """The named set of loss options, see algorithms/presets.py."""
    loss: LossOverrides = field(default_factory=LossOverrides)
    """Fields of the preset's loss to replace."""
    advantage_normalisation: AdvantageNormalisation | None = None
    """What centred rewards are divided by; null for the preset's."""
    dynamic_sampling: bool | None = None
    """Whether groups without variance are replaced by those of other problems; null for the preset's."""
    sampling_attempts: int = 3
    """Rollouts that dynamic sampling may add an iteration."""
    overlong_buffer: int | None = None
    """Tokens before the cap over which a penalty grows to `overlong_penalty`; null for the preset's choice
    (a fifth of max_tokens where it punishes), 0 for none."""
    overlong_penalty: float = 1.0
    """What a completion at the cap loses."""
    mask_truncated: bool = False
    """Whether completions cut at the cap are left out of the loss (they stay in their group's statistics)."""
    reference_reset_updates: int = 400
    """Updates after which the reference becomes the policy of that moment (the paper: 400); 0 never."""
    reference_ema: float | None = None
    """Instead of a reset: after every update, reference = ema * reference + (1 - ema) * policy."""

    micro_batch_tokens: int | None = None
    """The most tokens of one forward pass, padding included; null for 1024 on a CPU, whose caches that fits,
    and 16384 on an accelerator."""
    share_prompts: bool = True
    """Whether the completions of a group share one copy of their prompt in the forward pass."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, a third more work."""
    offload: tuple[Literal["optimizer", "policy", "reference"], ...] = ()
    """What lies in the host's memory but for updates, which leaves the device to the engine: the optimiser's
    moments, the policy's weights (rollout=native has its own), the reference's. On a CPU nothing is moved."""

    overlap_rewards: bool = False
    """Whether rewards that wait for other processes (programs, formulas) go on while the engine writes; they
    score the same."""

    eval_every: int = 25
    """Iterations between evaluations on held-out problems, with one after the last; 0 for none but before the
    first."""
    eval_problems: int = 128
    """Held-out problems of an evaluation in the course of training."""
    test_problems: int = 384
    """Further held-out problems for the figures before and after; none of them is used for anything else."""
    stop_when: StopWhen = field(default_factory=StopWhen)
    """An early end, once held-out accuracy has levelled off or a budget of compute is used up."""
    hacking_alarm: AlarmOptions = field(default_factory=AlarmOptions)
    """When a reward model's score that rises while accuracy falls raises an alarm."""
    checkpoint_every: int = 25
    """Iterations between checkpoints; there is one at the end in any case."""
    checkpoints_kept: int = 2
    """The newest checkpoints that are kept."""
    checkpoint_url: str | None = None
    """A folder in fsspec's words (s3://bucket/run) to which each checkpoint is copied; null for nowhere."""
    logged_groups: int = 1
    """Groups an iteration whose completions go to samples.jsonl."""

    def __post_init__(self) -> None:
        positive = (
            "iterations prompts_per_iteration group_size minibatches inner_epochs max_tokens temperature lr "
            "test_problems checkpoint_every checkpoints_kept"
        )
        for name in positive.split():
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name}={getattr(self, name)} must be above 0 and finite")
        not_negative = (
            "warmup_updates weight_decay max_grad_norm sampling_attempts overlong_penalty "
            "max_skipped_updates reference_reset_updates eval_every eval_problems logged_groups"
        )
        for name in not_negative.split():
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)} must not be negative")
        self._check_sizes()
        self._check_choices()

    def _check_sizes(self) -> None:
        if self.micro_batch_tokens is not None and self.micro_batch_tokens < 1:
            raise ValueError(f"micro_batch_tokens={self.micro_batch_tokens} must be at least 1, or null")
        if self.prompts_per_iteration % self.minibatches:
            raise ValueError(
                f"prompts_per_iteration={self.prompts_per_iteration} is not divided by "
                f"minibatches={self.minibatches}; nearest that is: "
                f"{_nearest_multiple(self.prompts_per_iteration, self.minibatches)}"
            )
        if self.group_size == 1:
            raise ValueError(
                "group_size=1 leaves a completion nothing to be compared with: no standard deviation, and "
                "every advantage is 0; give group_size at least 2"
            )
        if self.overlong_buffer is not None and self.overlong_buffer < 0:
            raise ValueError(f"overlong_buffer={self.overlong_buffer} must not be negative")
        if self.overlong_tokens >= self.max_tokens:
            raise ValueError(
                f"overlong_buffer={self.overlong_tokens} must be below max_tokens={self.max_tokens}"
            )

    def _check_choices(self) -> None:
        if not 0 <= self.adam_beta2 < 1:
            raise ValueError(f"adam_beta2={self.adam_beta2} must be in [0, 1)")
        if self.stop_when.patience and not (self.eval_every and self.eval_problems):
            raise ValueError(
                f"stop_when.patience={self.stop_when.patience} needs evaluations: give eval_every and "
                "eval_problems above 0"
            )
        if self.reference_ema is not None and not 0 <= self.reference_ema < 1:
            raise ValueError(f"reference_ema={self.reference_ema} must be in [0, 1)")
        if self.preference_updates is not None and self.preference_updates < 0:
            raise ValueError(f"preference_updates={self.preference_updates} must not be negative, or null")
        if self.preference_updates and (self.stop_when.patience or self.stop_when.flops is not None):
            raise ValueError(
                f"stop_when.patience={self.stop_when.patience} or stop_when.flops={self.stop_when.flops} may "
                f"end the run before its last preference_updates={self.preference_updates}; set patience to "
                "0 and flops to null, or preference_updates to null"
            )

    @property
    def loss_options(self) -> PolicyLossOptions:
        """The preset's loss with the user's fields in place."""
        given = {
            item.name: value
            for item in dataclasses.fields(self.loss)
            if (value := getattr(self.loss, item.name)) is not None
        }
        return dataclasses.replace(PRESETS[self.algorithm].loss, **given)

    @property
    def normalisation(self) -> AdvantageNormalisation:
        """The advantage normalisation in force."""
        return self.advantage_normalisation or PRESETS[self.algorithm].advantage_normalisation

    @property
    def refill(self) -> int:
        """Rollouts that may be added to replace groups without variance."""
        chosen = self.dynamic_sampling
        wanted = PRESETS[self.algorithm].dynamic_sampling if chosen is None else chosen
        return self.sampling_attempts if wanted else 0

    @property
    def overlong_tokens(self) -> int:
        """The tokens before the cap over which the penalty grows; 0 for no penalty."""
        if self.overlong_buffer is not None:
            return self.overlong_buffer
        return self.max_tokens // 5 if PRESETS[self.algorithm].soft_overlong_punishment else 0

    def pass_tokens(self, on_cpu: bool) -> int:
        """The most tokens of a forward pass."""
        return self.micro_batch_tokens or (CPU_PASS_TOKENS if on_cpu else GPU_PASS_TOKENS)

    def learning_rate(self, updates: int) -> float:
        """That of the next update after so many."""
        return self.lr * learning_rate_factor(self.lr_schedule, updates, self.warmup_updates, self.updates)

    @property
    def updates_per_iteration(self) -> int:
        """Optimiser steps an iteration."""
        return self.minibatches * self.inner_epochs

    @property
    def updates(self) -> int:
        """Optimiser steps in all."""
        return self.iterations * self.updates_per_iteration

    @property
    def preference_switch(self) -> int | None:
        """The first iteration, from 1, that draws problems with `meta.preference`; None for no schedule.

        The last `preference_updates` are rounded up to whole iterations.
        """
        if self.preference_updates is None:
            return None
        last = math.ceil(self.preference_updates / self.updates_per_iteration)
        return max(1, self.iterations - last + 1)


def _nearest_multiple(value: int, divisor: int) -> str:
    below = value // divisor * divisor
    return f"{below} or {below + divisor}" if below else str(divisor)
