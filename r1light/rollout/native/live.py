"""A run that requests join and leave: those that came since fill the slots of those that have ended."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from r1light.core.errors import EngineError
from r1light.core.types import RolloutRequest, SamplingParams
from r1light.rollout.choosing import Each, Guest
from r1light.rollout.drafts import Endings, check_requests
from r1light.rollout.live import Written
from r1light.rollout.native.decoder import Decoder
from r1light.rollout.native.room import Room, rounded
from r1light.rollout.native.run import Run
from r1light.rollout.native.scheduler import Scheduler
from r1light.rollout.native.slots import DecodeStep, PlainSlots


class NativeLive:
    """See `r1light.rollout.live.Live`.

    The cache is as large as what is being written asks for: it grows by doubling where there is room, for a
    moment beside the smaller one, and is let go when there is nothing to write.
    """

    def __init__(
        self,
        decoder: Decoder,
        decode: DecodeStep,
        endings: Callable[[SamplingParams], Endings],
        aborted: Callable[[], bool],
        room: Room,
        prefill_tokens: int,
    ) -> None:
        """Take an engine's parts.

        Args:
            decoder: The model.
            decode: Its step.
            endings: Parameters to what ends a draft.
            aborted: Whether the engine gives up; raises EngineError where it is closed.
            room: How many completions are written at a time.
            prefill_tokens: Most prompt tokens read at a time, padding included.
        """
        self._decoder = decoder
        self._decode = decode
        self._endings = endings
        self._aborted = aborted
        self._room = room
        self._prefill_tokens = prefill_tokens
        self._each = Each()
        self._scheduler = Scheduler((), room.slots)
        self._prompts: dict[int, tuple[int, ...]] = {}
        self._run: Run | None = None
        self._slots: PlainSlots  # those of the run
        self._shape = (0, 0)  # slots and tokens of the cache
        self._tickets = 0

    @property
    def busy(self) -> bool:
        """See `Live.busy`."""
        return not self._scheduler.finished

    def join(self, request: RolloutRequest, params: SamplingParams, likeliest: int | None = None) -> int:
        """See `Live.join`."""
        arch = self._decoder.arch
        check_requests([request], arch.context, arch.vocabulary)
        self._room.check([request], params, arch.context)
        self._tickets += 1
        guest = Guest(request, params, self._endings(params), likeliest, params.n)
        self._prompts[self._tickets] = request.prompt_ids
        self._scheduler.add(self._each.enter(self._tickets, guest, arch.context))
        return self._tickets

    def leave(self, ticket: int) -> None:
        """See `Live.leave`."""
        if self._each.leave(ticket):
            if self._run is None:
                self._scheduler.forget(ticket)
            else:
                self._run.drop(ticket)
            del self._prompts[ticket]

    def step(self) -> list[Written]:
        """See `Live.step`."""
        if self._aborted():
            raise EngineError("the rollout engine was told to give up while requests were being served")
        if not self.busy:
            return []
        ended = self._in_room().advance()
        written = self._each.take()
        for group in {draft.group for draft in ended}:
            if group not in self._each.guests:
                del self._prompts[group]
        if not self.busy:
            self._run, self._shape = None, (0, 0)
        return written

    def _in_room(self) -> Run:
        """The run, with a cache that has room for what the next step writes."""
        slots, length, longest = self._needed()
        old_slots, old_length = self._shape
        if self._run is not None and slots <= old_slots and length <= old_length:
            return self._run
        more_slots = max(old_slots, slots if slots <= old_slots else min(self._room.slots, 2 * old_slots))
        more_length = max(old_length, length if length <= old_length else min(2 * old_length, longest))
        wanted = max(slots, more_slots), rounded(max(length, more_length))
        fits = wanted[0] <= self._room.slots_for(wanted[1])
        self._shape = wanted if fits else (slots, rounded(length))
        cache = self._cache(*self._shape)
        if self._run is None:
            self._slots = PlainSlots(self._decode, cache)
            self._run = Run(
                self._decoder, self._slots, self._prompts, self._each, self._scheduler, self._prefill_tokens
            )
        else:
            self._slots.move_to(cache, len(self._scheduler.active))
        return self._run

    def _needed(self) -> tuple[int, int, int]:
        """How many drafts have room now, from the first on; their longest text now, and at its longest.

        A draft takes part only if there will be room for all of them at their longest.
        """
        begun = len(self._scheduler.active)
        slots = length = longest = 0
        for draft in self._scheduler.drafts:
            prompt = len(self._prompts[draft.group])
            at_most = max(longest, prompt + draft.cap)
            if slots >= begun and slots >= self._room.slots_for(at_most):
                self._scheduler.slots = slots
                break
            slots, longest = slots + 1, at_most
            length = max(length, prompt + len(draft.token_ids) + 1)
        else:
            self._scheduler.slots = self._room.slots
        return slots, length, longest

    def _cache(self, slots: int, length: int) -> Tensor:
        arch = self._decoder.arch
        self._decoder.reserve(length)
        embed = self._decoder.weights.embed
        shape = (arch.layers, 2, slots, arch.kv_heads, length, arch.head_dim)
        return torch.zeros(shape, dtype=embed.dtype, device=embed.device)
