"""Pairs of which the chosen answers are, all in all, no longer than the rejected ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True, slots=True)
class Lengths:
    """The lengths of a pair's answers, in characters."""

    chosen: int
    rejected: int

    @property
    def difference(self) -> int:
        """How much longer the chosen one is."""
        return self.chosen - self.rejected


def comparable(one: str, other: str, max_ratio: float) -> bool:
    """Whether the longer of two texts is at most `max_ratio` times as long as the shorter."""
    return max(len(one), len(other)) <= max_ratio * min(len(one), len(other))


def surplus(pairs: Sequence[Lengths], tolerance: float) -> set[int]:
    """The pairs to leave out, so that mean lengths of chosen and rejected answers differ by little.

    Those go first in which the answers that are longer on the whole are longest beyond the others; a pair
    that would turn the imbalance round is passed over. Judges like long answers, and a reward model that
    learns from them would learn to count.

    Args:
        pairs: All pairs.
        tolerance: The difference of the means that is borne, as a share of the rejected answers' mean.

    Returns:
        Positions. Without them |mean chosen - mean rejected| <= tolerance * mean rejected, unless no pair can
        be left out that brings it nearer.
    """
    over = sum(pair.difference for pair in pairs)
    sign = 1 if over > 0 else -1
    total = sum(pair.rejected for pair in pairs)
    out: set[int] = set()
    for position in sorted(range(len(pairs)), key=lambda index: -sign * pairs[index].difference):
        pair = pairs[position]
        if abs(over) <= tolerance * total or sign * pair.difference <= 0:
            break
        rest, left = over - pair.difference, total - pair.rejected
        if sign * rest < -tolerance * left:
            continue
        over, total = rest, left
        out.add(position)
    return out


def mean_lengths(pairs: Sequence[Lengths]) -> dict[str, float]:
    """The means of both sides, `chosen_length` and `rejected_length`, in characters; none without pairs."""
    if not pairs:
        return {}
    return {
        "chosen_length": fmean(pair.chosen for pair in pairs),
        "rejected_length": fmean(pair.rejected for pair in pairs),
    }
