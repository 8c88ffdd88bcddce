"""Rows in a seeded order, epoch after epoch."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from r1light.training import ranks

T = TypeVar("T")


class RowSource(Protocol):
    """Where training gets its rows from, batch by batch."""

    cursor: Any
    """Its whole state, as plain values; setting it back has the same rows come again."""

    @property
    def rows(self) -> Sequence[Any]:
        """What an epoch goes through."""
        ...

    @property
    def epoch(self) -> float:
        """Epochs done."""
        ...

    def take(self, count: int) -> list[Any]:
        """This rank's share of the next rows over all ranks."""
        ...

    def facts(self) -> Mapping[str, float]:
        """Numbers about what was taken last, for the record."""
        ...

    @property
    def drawn_tokens(self) -> int:
        """Tokens that the model itself read and wrote to make what was taken last."""
        ...


class RowStream(Generic[T]):
    """Batches of rows; each epoch has an order of its own that (seed, epoch) decides.

    `cursor`, the number of rows taken, is its whole state. A batch may lie in two epochs, and the last one
    holds what is left.
    """

    def __init__(self, rows: Sequence[T], seed: int, epochs: float) -> None:
        self.rows = rows
        self.total = round(epochs * len(rows))
        self.cursor = 0
        self._seed = seed
        self._order: tuple[int, list[int]] = (-1, [])

    def take(self, count: int) -> list[T]:
        """This rank's share of the next rows over all ranks; fewer than `count` at the end."""
        end = min(self.cursor + count, self.total)
        positions = ranks.share_of(range(self.cursor, end))
        self.cursor = end
        return [self._row(position) for position in positions]

    @property
    def epoch(self) -> float:
        """Epochs done."""
        return self.cursor / len(self.rows)

    def facts(self) -> Mapping[str, float]:
        """How far it has come."""
        return {"epoch": self.epoch}

    @property
    def drawn_tokens(self) -> int:
        """None: the rows are there."""
        return 0

    def _row(self, position: int) -> T:
        epoch, index = divmod(position, len(self.rows))
        if self._order[0] != epoch:
            order = list(range(len(self.rows)))
            random.Random(f"rows/{self._seed}/{epoch}").shuffle(order)
            self._order = (epoch, order)
        return self.rows[self._order[1][index]]
