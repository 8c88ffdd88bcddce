"""Logits in tiles: some tokens by some columns of the vocabulary, which a processor's caches hold.

Shapes: T tokens, C tokens of a tile, V vocabulary, W columns of a tile, H hidden.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from r1light.algorithms.lm_head import product, row_products

CPU_TILE_ELEMENTS = 2**20
"""Logits at a time on a CPU: 4 MiB stay in its caches."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """The divided logits, a tile at a time.

    Attributes:
        hidden_TH: Float [T, H].
        operand_VH: [V, H], the head in the dtype that products are taken in.
        bias_V: Float [V], or None.
        temperature: Divides the logits.
        columns: The parts of the vocabulary.
    """

    hidden_TH: Tensor
    operand_VH: Tensor
    bias_V: Tensor | None
    temperature: float
    columns: list[slice]

    @classmethod
    def of(
        cls, hidden_TH: Tensor, operand_VH: Tensor, bias_V: Tensor | None, temperature: float, tokens: int
    ) -> Tiles:
        """Choose the columns for tiles of so many tokens: on a CPU few, elsewhere all at a time."""
        vocabulary = operand_VH.shape[0]
        on_cpu = hidden_TH.device.type == "cpu"
        width = max(1, CPU_TILE_ELEMENTS // tokens) if on_cpu else vocabulary
        return cls(hidden_TH, operand_VH, bias_V, temperature, list(slices(vocabulary, width)))

    def logits(self, rows: slice, columns: slice) -> Tensor:
        """[C, W], in at least float32."""
        logits_CW = product(self.hidden_TH[rows].to(self.operand_VH.dtype), self.operand_VH[columns].T)
        if self.bias_V is not None:
            logits_CW += self.bias_V[columns]
        return logits_CW if self.temperature == 1.0 else logits_CW.div_(self.temperature)


class RunningSums:
    """What softmax needs of rows whose logits come a tile at a time (Milakov and Gimelshein 2018).

    With m the largest logit so far: total = sum of e^(z - m), and weighted = sum of e^(z - m) (z - m).
    """

    def __init__(self, targets_C: Tensor) -> None:
        self._targets_C = targets_C
        self._largest_C: Tensor | None = None
        self._total_C = self._weighted_C = self._chosen_C = torch.zeros((), device=targets_C.device)

    def add(self, logits_CW: Tensor, columns: slice) -> None:
        """Take a tile."""
        largest_C = logits_CW.amax(-1)
        if self._largest_C is not None:
            largest_C = torch.maximum(self._largest_C, largest_C)
            rise_C = self._largest_C - largest_C
            self._weighted_C = (self._weighted_C + self._total_C * rise_C) * rise_C.exp()
            self._total_C = self._total_C * rise_C.exp()
        self._largest_C = largest_C
        below_CW = logits_CW - largest_C[:, None]
        weights_CW = below_CW.exp()
        self._weighted_C = self._weighted_C + row_products(weights_CW, below_CW)
        self._total_C = self._total_C + weights_CW.sum(-1)
        inside = Inside.of(self._targets_C, columns)
        found_C = logits_CW.gather(-1, inside.place_C1).squeeze(-1)
        self._chosen_C = torch.where(inside.here_C, found_C, self._chosen_C)

    def results(self) -> tuple[Tensor, Tensor, Tensor]:
        """The targets' log-probabilities, the entropies, and the logarithms of the sums of e^z; all [C]."""
        assert self._largest_C is not None
        log_total_C = self._total_C.log()
        normaliser_C = self._largest_C + log_total_C
        entropy_C = log_total_C - self._weighted_C / self._total_C
        return self._chosen_C - normaliser_C, entropy_C, normaliser_C


@dataclass(frozen=True, slots=True)
class Inside:
    """Where targets stand in some columns of the vocabulary.

    Attributes:
        here_C: bool, whether they are among them.
        place_C1: int64, their column; of those that are not, some column.
    """

    here_C: Tensor
    place_C1: Tensor

    @classmethod
    def of(cls, targets_C: Tensor, columns: slice) -> Inside:
        """Look for targets, int64 [C], in some columns."""
        here_C = (targets_C >= columns.start) & (targets_C < columns.stop)
        width = columns.stop - columns.start
        return cls(here_C, (targets_C - columns.start).clamp(0, width - 1)[:, None])


def slices(total: int, size: int) -> Iterator[slice]:
    """From 0 to `total` in steps of `size`; the last may be shorter."""
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))
