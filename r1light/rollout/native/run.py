"""One call of `generate`: prompts are read, slots filled, tokens drawn, until every draft has ended.

P prompts of one prefill, S slots, B slots in use, L tokens, V vocabulary.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from r1light.rollout.choosing import Choosing
from r1light.rollout.drafts import Draft
from r1light.rollout.native.decoder import Decoder
from r1light.rollout.native.scheduler import Scheduler
from r1light.rollout.native.slots import Slots, Step


@dataclass(frozen=True, slots=True)
class Prompts:
    """Prompts that have been read.

    Attributes:
        rows: Group to its row.
        cache: Keys and values, [layers, 2, P, K, L, D].
        logits: After each prompt's last token, [P, V].
    """

    rows: dict[int, int]
    cache: Tensor
    logits: Tensor


class Run:
    """The state of one call. A row's keys and values are its own; a prompt is read once for its group."""

    def __init__(
        self,
        decoder: Decoder,
        slots: Slots,
        prompts: Mapping[int, Sequence[int]],
        choosing: Choosing,
        scheduler: Scheduler,
        prefill_tokens: int,
    ) -> None:
        """Take what a call needs.

        Args:
            decoder: The model.
            slots: Where completions are written.
            prompts: The prompts' token ids, by group; may gain and lose groups meanwhile.
            choosing: How tokens are drawn, and what ends a draft.
            scheduler: With the drafts in its queue.
            prefill_tokens: Most tokens of a prefill.
        """
        self._decoder = decoder
        self._slots = slots
        self._texts = prompts
        self._choosing = choosing
        self._scheduler = scheduler
        self._prefill_tokens = prefill_tokens
        self._prompts: Prompts | None = None
        self._under_way: deque[tuple[tuple[Draft, ...], Step]] = deque()

    def advance(self) -> list[Draft]:
        """Fill free slots, or write one more token in every slot; return the drafts that ended."""
        cache = self._slots.cache
        # Kernels, streams and events are the current device's, which may be another GPU than the cache's.
        on_device = torch.cuda.device_of(cache)  # type: ignore[no-untyped-call]
        with torch.inference_mode(), on_device, torch.autocast(cache.device.type, enabled=False):
            return self._admit() if self._scheduler.refill else self._step()

    def drop(self, group: int) -> None:
        """Give up the drafts of a group, begun or not."""
        self._scheduler.forget(group)
        active = self._scheduler.active
        self._retire([slot for slot, draft in enumerate(active) if draft.group == group])

    def _admit(self) -> list[Draft]:
        if self._under_way:
            return self._read(0)
        if self._prompts is None:
            self._prompts = self._prefill(self._scheduler.upcoming(self._length, self._prefill_tokens))
        prompts = self._prompts
        first = len(self._scheduler.active)
        begun = self._scheduler.admit(prompts.rows)
        if not begun:  # all drafts of these prompts have been begun
            self._prompts = None
            return []
        device = prompts.logits.device
        rows_B = torch.tensor([prompts.rows[draft.group] for draft in begun], device=device)
        counts = Counter(draft.group for draft in begun)  # drafts of a group stand side by side
        copies = [(prompts.rows[group], self._length(group), count) for group, count in counts.items()]
        self._slots.fill(first, prompts.cache, copies)
        states_B = self._choosing.states(begun, device)
        drawn_B = torch.zeros_like(states_B)
        tokens_B, logprobs_B = self._choosing.choose(begun, prompts.logits[rows_B], states_B, drawn_B)
        positions_B = torch.tensor([self._length(draft.group) for draft in begun], device=device)
        self._slots.begin(first, torch.stack((tokens_B, positions_B, states_B, drawn_B + 1)))
        self._record(begun, tokens_B.tolist(), logprobs_B.tolist())
        return self._retire_ended()

    def _prefill(self, groups: Sequence[int]) -> Prompts:
        device, arch = self._slots.cache.device, self._decoder.arch
        lengths = [self._length(group) for group in groups]
        longest = max(lengths)
        padded = [
            [*self._texts[group], *([0] * (longest - length))]
            for group, length in zip(groups, lengths, strict=True)
        ]
        shape = (arch.layers, 2, len(groups), arch.kv_heads, longest, arch.head_dim)
        cache = torch.empty(shape, dtype=self._slots.cache.dtype, device=device)
        tokens_PL, lengths_P = (torch.tensor(each, device=device) for each in (padded, lengths))
        chunk = max(1, self._prefill_tokens // len(groups))
        logits = self._decoder.prefill(tokens_PL, lengths_P, cache, chunk)
        return Prompts({group: row for row, group in enumerate(groups)}, cache, logits)

    def _step(self) -> list[Draft]:
        active = self._scheduler.active
        length = max(self._length(draft.group) + len(draft.token_ids) for draft in active)
        step = self._slots.step(active, length, self._choosing)
        self._under_way.append((tuple(active), step))
        return self._read(self._slots.ahead)

    def _read(self, ahead: int) -> list[Draft]:
        """Read the tokens of all steps that are under way but the last `ahead`."""
        while len(self._under_way) > ahead:
            drafts, step = self._under_way.popleft()
            self._record(drafts, *step.read())
        return self._retire_ended()

    def _record(self, drafts: Sequence[Draft], tokens: Sequence[int], logprobs: Sequence[float]) -> None:
        """Write down a token each; a draft that has ended has no use for it."""
        for draft, token, logprob in zip(drafts, tokens, logprobs, strict=True):
            if draft.finish_reason is None:
                self._choosing.extend(draft, token, logprob)

    def _retire_ended(self) -> list[Draft]:
        active = self._scheduler.active
        return self._retire([slot for slot, each in enumerate(active) if each.finish_reason is not None])

    def _retire(self, over: Sequence[int]) -> list[Draft]:
        """Free slots, and close the gaps; returns the drafts that stood there."""
        if not over:
            return []
        ended = [self._scheduler.active[slot] for slot in over]
        moves = self._scheduler.retire(over)
        if moves:
            sources, targets = map(list, zip(*moves, strict=True))
            self._slots.move(sources, targets, len(self._scheduler.active))
        return ended

    def _length(self, group: int) -> int:
        """Tokens of a group's prompt."""
        return len(self._texts[group])
