"""What all supervised training is told. Imports no torch, so that a configuration is checked fast."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisedOptions:
    """Training on rows that stand in a file; an update is one optimiser step on a batch of rows."""

    batch_size: int = 64
    """Rows an update (the paper: 64)."""
    epochs: float = 2.0
    """Times that every row is seen (the paper: 2, and 2 to 3 for students)."""
    max_updates: int | None = None
    """An earlier end, in updates; the schedule ends with it. Null for all epochs."""

    lr: float = 5e-6
    """The peak learning rate of AdamW (the paper: 5e-6)."""
    lr_schedule: Literal["constant", "linear", "cosine"] = "cosine"
    """From the peak: stay, or fall to `lr_floor` of it over all updates."""
    lr_floor: float = 0.1
    """Where the schedule ends, as a share of the peak (the paper: a tenth)."""
    warmup_updates: int = 0
    """Updates over which the learning rate rises linearly to its peak."""
    adam_beta2: float = 0.95
    """AdamW's second-moment decay; the first's is 0.9."""
    weight_decay: float = 0.0
    """AdamW's."""
    max_grad_norm: float = 1.0
    """The gradient is scaled down to this norm; 0 leaves it."""
    max_skipped_updates: int = 3
    """Updates in a row that are left out, as their gradient is not finite, before the run ends (under
    DeepSpeed it ends at the first)."""

    micro_batch_tokens: int | None = None
    """The most tokens of one forward pass, padding included; null for 4096 on a CPU and 16384 on an
    accelerator. A single longer row is a pass of its own."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, a third more work."""

    eval_every: int = 0
    """Updates between measurements on held-out rows; 0 for none but before and after."""
    checkpoint_every: int = 100
    """Updates between checkpoints; there is one at the end in any case."""
    checkpoints_kept: int = 2
    """The newest checkpoints that are kept."""
    checkpoint_url: str | None = None
    """A folder in fsspec's words (s3://bucket/run) to which each checkpoint is copied; null for nowhere."""

    def __post_init__(self) -> None:
        for name in ("batch_size", "epochs", "lr", "checkpoint_every", "checkpoints_kept"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name}={getattr(self, name)} must be above 0 and finite")
        for name in ["warmup_updates", "weight_decay", "max_grad_norm", "max_skipped_updates", "eval_every"]:
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name}={getattr(self, name)} must not be negative")
        for name in ("max_updates", "micro_batch_tokens"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(f"{name}={value} must be at least 1, or null")
        if not 0 <= self.lr_floor <= 1 or not 0 <= self.adam_beta2 < 1:
            raise ValueError(
                f"lr_floor={self.lr_floor} must be in [0, 1], adam_beta2={self.adam_beta2} in [0, 1)"
            )

    def updates(self, rows: int) -> int:
        """Updates in all, the last of what rows are left.

        Example:
            >>> SupervisedOptions(batch_size=4, epochs=1.5).updates(rows=10)
            4
        """
        whole = math.ceil(round(self.epochs * rows) / self.batch_size)
        return whole if self.max_updates is None else min(whole, self.max_updates)
