"""Which completion is written in which slot: pure bookkeeping, no tensors.

The drafts being written always stand in the slots 0 to `len(active) - 1`, so that a step costs what its rows
cost: where one ends, the last one moves into its slot.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from r1light.rollout.drafts import Draft

REFILL_SHARE = 16
"""Free slots are filled when they are one in so many: refilling one row costs about as much as many."""


class Scheduler:
    """Queue and slots.

    Attributes:
        active: The draft in each slot that is taken.
        slots: How many are written at a time; may change.
    """

    def __init__(self, drafts: Iterable[Draft], slots: int) -> None:
        """Queue all drafts, those of a group side by side.

        Args:
            drafts: In the order in which they are to be begun.
            slots: How many are written at a time.
        """
        self._waiting = deque(drafts)
        self.slots = slots
        self.active: list[Draft] = []

    @property
    def finished(self) -> bool:
        """Whether nothing is left to write."""
        return not self.active and not self._waiting

    @property
    def refill(self) -> bool:
        """Whether it is time to begin more drafts."""
        free = self.slots - len(self.active)
        return bool(self._waiting) and (not self.active or free * REFILL_SHARE >= self.slots)

    @property
    def drafts(self) -> Iterator[Draft]:
        """Those being written, and those that wait."""
        return chain(self.active, self._waiting)

    def add(self, drafts: Iterable[Draft]) -> None:
        """Queue more drafts, those of a group side by side."""
        self._waiting.extend(drafts)

    def forget(self, group: int) -> None:
        """Take a group's drafts out of the queue."""
        self._waiting = deque(draft for draft in self._waiting if draft.group != group)

    def upcoming(self, length: Callable[[int], int], budget: int) -> list[int]:
        """The groups to prefill next, those of the queue's front.

        Args:
            length: Prompt length of a group, in tokens.
            budget: Most tokens of the prefill, padding included; one prompt may exceed it.
        """
        groups: list[int] = []
        longest = 0
        for draft in self._waiting:
            if groups and draft.group == groups[-1]:
                continue
            longest = max(longest, length(draft.group))
            if groups and longest * (len(groups) + 1) > budget:
                break
            groups.append(draft.group)
        return groups

    def admit(self, groups: Iterable[int]) -> list[Draft]:
        """Begin drafts of these groups from the queue's front, as many as slots are free."""
        allowed = set(groups)
        begun: list[Draft] = []
        while self._waiting and self._waiting[0].group in allowed and len(self.active) < self.slots:
            begun.append(self._waiting.popleft())
            self.active.append(begun[-1])
        return begun

    def retire(self, slots: Sequence[int]) -> list[tuple[int, int]]:
        """Free slots.

        Args:
            slots: Those whose drafts have ended, ascending.

        Returns:
            (from, to) moves that close the gaps; no slot is both.
        """
        gone = set(slots)
        left = len(self.active) - len(gone)
        movers = [slot for slot in range(left, len(self.active)) if slot not in gone]
        moves = list(zip(movers, (slot for slot in slots if slot < left), strict=True))
        for source, target in moves:
            self.active[target] = self.active[source]
        del self.active[left:]
        return moves

    def clear(self) -> list[Draft]:
        """Give up everything; return the drafts that have not ended."""
        rest = [*self.active, *self._waiting]
        self.active.clear()
        self._waiting.clear()
        return rest
