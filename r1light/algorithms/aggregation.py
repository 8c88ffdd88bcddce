"""From token losses to one number, so that micro-batches and ranks add up to the whole batch.

Shapes: B rows (sequences), T tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor

from r1light.algorithms.presets import Aggregation


@dataclass(frozen=True, slots=True, kw_only=True)
class LossNormaliser:
    """What a loss is divided by: counts over one whole optimiser step, all micro-batches and all ranks.

    A loss function has no default for it, so that no micro-batch can be divided by its own counts unseen.
    `check` compares it at the end of a step with what the micro-batches really held.

    Attributes:
        sequences: Sequences with at least one token in the loss.
        tokens: Tokens in the loss.
        max_tokens: The length cap, the constant divisor of "seq_mean_token_sum_norm".

    Example:
        >>> (LossNormaliser(sequences=2, tokens=9, max_tokens=8)
        ...     + LossNormaliser(sequences=1, tokens=4, max_tokens=8)).tokens
        13
    """

    sequences: int
    tokens: int
    max_tokens: int

    def __post_init__(self) -> None:
        if not 0 <= self.sequences <= self.tokens <= self.sequences * self.max_tokens:
            raise ValueError(
                f"sequences={self.sequences}, tokens={self.tokens} and max_tokens={self.max_tokens} must "
                f"satisfy 0 <= sequences <= tokens <= sequences * max_tokens"
            )

    @classmethod
    def of(cls, mask_BT: Tensor, max_tokens: int) -> LossNormaliser:
        """The counts of one mask (bool [B, T]); add those of all micro-batches and ranks."""
        check_mask(mask_BT)
        sequences = int(mask_BT.any(dim=1).sum())
        return cls(sequences=sequences, tokens=int(mask_BT.sum()), max_tokens=max_tokens)

    def __add__(self, other: LossNormaliser) -> LossNormaliser:
        if self.max_tokens != other.max_tokens:
            raise ValueError(f"max_tokens={self.max_tokens} and {other.max_tokens} of one step differ")
        return LossNormaliser(
            sequences=self.sequences + other.sequences,
            tokens=self.tokens + other.tokens,
            max_tokens=self.max_tokens,
        )

    def check(self, *, sequences: float, tokens: float) -> None:
        """Compare with the sums that the losses of the step report.

        Raises:
            ValueError: If they differ by more than rounding: the step's gradient has the wrong scale.
        """
        if abs(sequences - self.sequences) > 0.5 or abs(tokens - self.tokens) > max(0.5, 1e-5 * self.tokens):
            raise ValueError(
                f"the step was divided by {self.sequences} sequences and {self.tokens} tokens, "
                f"but its micro-batches held {sequences:.0f} and {tokens:.0f}"
            )


def aggregate(
    values_BT: Tensor, mask_BT: Tensor, aggregation: Aggregation, normaliser: LossNormaliser
) -> Tensor:
    """Reduce token values to these rows' share of the whole step's loss.

    The shares of all micro-batches of all ranks add up to the loss of the whole batch:
    - "seq_mean_token_mean" (GRPO, arXiv:2402.03300 eq. 3): each sequence's mean, over `sequences`;
    - "token_mean" (DAPO, arXiv:2503.14476 eq. 8): the sum of all tokens, over `tokens`;
    - "seq_mean_token_sum_norm" (Dr. GRPO, arXiv:2503.20783): the sum, over `sequences * max_tokens`.

    Args:
        values_BT: Float [B, T]. What stands where the mask is False does not matter, NaN included.
        mask_BT: Bool [B, T]. Rows without any token add 0.
        aggregation: One of the above.
        normaliser: The counts of the whole optimiser step.

    Returns:
        A scalar, differentiable in the values.

    Raises:
        ValueError: If the shapes differ, the step holds no token, or the aggregation is unknown.
    """
    check_mask(mask_BT)
    if values_BT.shape != mask_BT.shape:
        raise ValueError(f"values {tuple(values_BT.shape)} and mask {tuple(mask_BT.shape)} differ in shape")
    if normaliser.tokens == 0:
        raise ValueError("the optimiser step holds no token to learn from; skip it")
    values_BT = values_BT.masked_fill(~mask_BT, 0.0)
    if aggregation == "token_mean":
        return values_BT.sum() / normaliser.tokens
    if aggregation == "seq_mean_token_sum_norm":
        return values_BT.sum() / (normaliser.sequences * normaliser.max_tokens)
    if aggregation == "seq_mean_token_mean":
        lengths_B = mask_BT.sum(dim=1).clamp(min=1)
        return (values_BT.sum(dim=1) / lengths_B).sum() / normaliser.sequences
    raise ValueError(f"unknown aggregation {aggregation!r}; known: {', '.join(get_args(Aggregation))}")


def masked_sum(values_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """Sum of the values where the mask is True; what stands elsewhere does not matter, NaN included."""
    return values_BT.masked_fill(~mask_BT, 0.0).sum()


def check_mask(mask_BT: Tensor) -> None:
    """Raise a ValueError unless the mask is bool and [rows, tokens]."""
    if mask_BT.dtype != torch.bool or mask_BT.ndim != 2:
        raise ValueError(f"the mask, {mask_BT.dtype} {tuple(mask_BT.shape)}, must be bool [rows, tokens]")
