"""Distillation: the divergence between teacher and student at the target tokens of rows.

Source: GKD (arXiv:2306.13649), sections 2 and 3. Choices:
1. The mean is over all target tokens of an update, as in fine-tuning, not over sequences.
2. No gradient goes through the sampling of on-policy rows (as in GKD).

Shapes: K target tokens of all rows, V vocabulary, H hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from r1light.algorithms.chunked_divergence import FullTeacher, TeacherTokens, chunked_divergence
from r1light.training.forward import output_head, target_hidden
from r1light.training.sft import SftRow, TokenBatch, line_batches, token_batch
from r1light.training.supervised import Sums

METRICS = ("divergence", "entropy", "tokens")
"""The sums of `DistillObjective`: nats, nats, target tokens."""


@dataclass(frozen=True, slots=True)
class RowBatch:
    """One forward pass, and the rows that are in it, in the order of their targets."""

    tokens: TokenBatch
    rows: tuple[SftRow, ...]


class Teacher(Protocol):
    """What says how the rows should go on."""

    def tokens(self, batch: RowBatch) -> TeacherTokens:
        """What it says of the batch's target tokens."""
        ...


@dataclass(frozen=True, slots=True)
class LiveTeacher:
    """A teacher that reads every batch.

    Attributes:
        model: A frozen causal language model, in evaluation mode, on the batch's device.
        vocabulary: The ids that it has in common with the student.
        beta: See `generalised_jsd`.
        temperature: Divides its logits.
    """

    model: Any
    vocabulary: int
    beta: float
    temperature: float

    @torch.no_grad()
    def tokens(self, batch: RowBatch) -> FullTeacher:
        """See `Teacher`."""
        head = output_head(self.model).first(self.vocabulary)
        return FullTeacher(target_hidden(self.model, batch.tokens), head, self.beta, self.temperature)


@dataclass(frozen=True, slots=True)
class DistillObjective:
    """The divergence of the target tokens' distributions, in nats.

    Attributes:
        teacher: Says what is aimed at.
        vocabulary: The ids that it has in common with the student.
        temperature: Divides the student's logits.
        max_tokens: The most tokens of a forward pass, padding included.
        packed: Whether several rows share a line.
    """

    teacher: Teacher
    vocabulary: int
    temperature: float
    max_tokens: int
    packed: bool
    metrics: int = len(METRICS)

    def weight(self, row: SftRow) -> float:
        """Its target tokens."""
        return float(row.targets)

    def tokens(self, row: SftRow) -> int:
        """Its tokens."""
        return len(row.input_ids)

    def micro_batches(self, rows: Sequence[SftRow], device: torch.device) -> Iterator[RowBatch]:
        """Lines of like length together; see `token_batches`."""
        return row_batches(rows, self.max_tokens, device, packed=self.packed)

    def __call__(self, model: Any, batch: RowBatch) -> Sums:
        """The divergence at the targets, and sums for the record."""
        out = chunked_divergence(
            target_hidden(model, batch.tokens),
            output_head(model).first(self.vocabulary),
            self.teacher.tokens(batch),
            temperature=self.temperature,
        )
        tokens = out.entropy.new_tensor(batch.tokens.target_K.shape[0])
        sums = torch.stack([out.loss.detach(), out.entropy, tokens]).double()
        return Sums(out.loss, sums)

    def finish(self, sums: Tensor) -> dict[str, float]:
        """Means over target tokens."""
        divergence, entropy, tokens = sums.tolist()
        return {"loss": divergence / tokens, "entropy": entropy / tokens, "target_tokens": tokens}


def row_batches(
    rows: Sequence[SftRow], max_tokens: int, device: torch.device | str, *, packed: bool
) -> Iterator[RowBatch]:
    """Rows as forward passes that know their rows; see `token_batches`."""
    for lines in line_batches(rows, max_tokens, packed=packed):
        yield RowBatch(token_batch(lines).to(device), tuple(row for line in lines for row in line))
