"""Where completions are written: their keys and values, and what the next step needs to know of each.

S slots, B of them in use, P prompts of one prefill, L tokens, K key/value heads, D head width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from r1light.rollout.choosing import Choosing
from r1light.rollout.drafts import Draft

DecodeStep = Callable[[Tensor, Tensor, int, Tensor], Tensor]
"""`Decoder.step`, or what takes its place."""


class Step(Protocol):
    """The tokens of one step, which may still be under way."""

    def read(self) -> tuple[list[int], list[float]]:
        """Token ids and their log-probabilities, in the order of the slots."""
        ...


class Slots(Protocol):
    """Slots and their memory."""

    @property
    def cache(self) -> Tensor:
        """Keys and values, [layers, 2, S, K, longest text, D]."""
        ...

    @property
    def ahead(self) -> int:
        """How many steps may be begun before the tokens of an earlier one are read."""
        ...

    def fill(self, first: int, prompts: Tensor, copies: Sequence[tuple[int, int, int]]) -> None:
        """Put prompts into slots.

        Args:
            first: The first slot.
            prompts: Keys and values, [layers, 2, P, K, L, D].
            copies: (row of a prompt, its length, how many slots get it), for slots side by side.
        """
        ...

    def begin(self, first: int, state_4B: Tensor) -> None:
        """Set what the next step needs of the slots from `first` on.

        Args:
            first: The first slot.
            state_4B: int64 [4, B]: the token to read, its position in the text, the row's stream of draws,
                and the position in the completion of the token to draw.
        """
        ...

    def move(self, sources: Sequence[int], targets: Sequence[int], left: int) -> None:
        """Move completions from some slots to others; those from `left` on are free then."""
        ...

    def step(self, active: Sequence[Draft], length: int, choosing: Choosing) -> Step:
        """Write one more token in each slot that is in use.

        Args:
            active: The drafts in them, from slot 0 on.
            length: Of the longest text, the token to read included.
            choosing: How tokens are drawn.
        """
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """A step that is done."""

    tokens_B: Tensor
    logprobs_B: Tensor

    def read(self) -> tuple[list[int], list[float]]:
        """See `Step.read`."""
        return self.tokens_B.tolist(), self.logprobs_B.tolist()


class PlainSlots:
    """Slots whose keys and values stand in the cache in their order; each step is done before the next."""

    ahead = 0

    def __init__(self, decode: DecodeStep, cache: Tensor) -> None:
        """Take the memory.

        Args:
            decode: The model's step.
            cache: See `Slots.cache`; finite everywhere.
        """
        self.cache = cache
        self._decode = decode
        self._state_4S = torch.zeros(4, cache.shape[2], dtype=torch.int64, device=cache.device)

    def fill(self, first: int, prompts: Tensor, copies: Sequence[tuple[int, int, int]]) -> None:
        """See `Slots.fill`."""
        for row, length, count in copies:
            self.cache[:, :, first : first + count, :, :length] = prompts[:, :, row : row + 1, :, :length]
            first += count

    def begin(self, first: int, state_4B: Tensor) -> None:
        """See `Slots.begin`."""
        self._state_4S[:, first : first + state_4B.shape[1]] = state_4B

    def move(self, sources: Sequence[int], targets: Sequence[int], left: int) -> None:  # noqa: ARG002
        """See `Slots.move`."""
        self.cache[:, :, targets] = self.cache[:, :, sources]
        self._state_4S[:, targets] = self._state_4S[:, sources]

    def step(self, active: Sequence[Draft], length: int, choosing: Choosing) -> Written:
        """See `Slots.step`."""
        tokens_B, positions_B, states_B, drawn_B = self._state_4S[:, : len(active)]
        logits_BV = self._decode(tokens_B, positions_B, length, self.cache)
        sampled_B, logprobs_B = choosing.choose(active, logits_BV, states_B, drawn_B)
        tokens_B.copy_(sampled_B)
        positions_B.add_(1)
        drawn_B.add_(1)
        return Written(sampled_B, logprobs_B)

    def move_to(self, cache: Tensor, used: int) -> None:
        """Go on with the first `used` slots in a cache that has room for what has been written."""
        length = min(cache.shape[4], self.cache.shape[4])
        cache[:, :, :used, :, :length] = self.cache[:, :, :used, :, :length]
        state_4S = torch.zeros(4, cache.shape[2], dtype=torch.int64, device=cache.device)
        state_4S[:, :used] = self._state_4S[:, :used]
        self.cache, self._state_4S = cache, state_4S
