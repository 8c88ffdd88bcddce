"""A run that requests join and leave: those that came since fill the slots of those that have ended."""

from __future__ import annotations

from collections.abc import Callable

import torch

from r1light.core.errors import EngineError
from r1light.core.types import RolloutRequest, SamplingParams
from r1light.rollout.choosing import Each, Guest
from r1light.rollout.drafts import Endings, check_requests
from r1light.rollout.live import Written
from r1light.rollout.native.decoder import Decoder
from r1light.rollout.native.run import Run
from r1light.rollout.native.scheduler import Scheduler

CACHE_STEP = 64
"""The cache's length is a multiple of this many tokens, so that calls of like length share its memory."""


class NativeLive:
    """See `r1light.rollout.live.Live`.

    The cache is as large as what is being written asks for: it grows by doubling, and is let go when there is
    nothing to write.
    """

    def __init__(
        self,
        decoder: Decoder,
        endings: Callable[[SamplingParams], Endings],
        aborted: Callable[[], bool],
        max_slots: int,
        prefill_tokens: int,
    ) -> None:
        """Take an engine's parts.

        Args:
            decoder: The model.
            endings: Parameters to what ends a draft.
            aborted: Whether the engine gives up; raises EngineError where it is closed.
            max_slots: Most completions written at a time.
            prefill_tokens: Most prompt tokens read at a time, padding included.
        """
        self._decoder = decoder
        self._endings = endings
        self._aborted = aborted
        self._max_slots = max_slots
        self._prefill_tokens = prefill_tokens
        self._each = Each()
        self._scheduler = Scheduler((), max_slots)
        self._prompts: dict[int, tuple[int, ...]] = {}
        self._run: Run | None = None
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
        drafts = list(self._scheduler.drafts)
        slots = min(self._max_slots, len(drafts))
        length = max(len(self._prompts[draft.group]) + len(draft.token_ids) for draft in drafts) + 1
        if self._run is not None and slots <= self._shape[0] and length <= self._shape[1]:
            return self._run
        arch = self._decoder.arch
        slots = slots if slots <= self._shape[0] else min(self._max_slots, max(slots, 2 * self._shape[0]))
        length = length if length <= self._shape[1] else max(length, min(2 * self._shape[1], arch.context))
        self._shape = (max(slots, self._shape[0]), max(-(-length // CACHE_STEP) * CACHE_STEP, self._shape[1]))
        self._decoder.reserve(self._shape[1])
        embed = self._decoder.weights.embed
        shape = (arch.layers, 2, self._shape[0], arch.kv_heads, self._shape[1], arch.head_dim)
        cache = torch.zeros(shape, dtype=embed.dtype, device=embed.device)
        if self._run is None:
            self._run = Run(
                self._decoder, cache, self._prompts, self._each, self._scheduler, self._prefill_tokens
            )
        else:
            self._run.move_to(cache)
        return self._run
