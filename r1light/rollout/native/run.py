"""One call of `generate`: prompts are read, slots filled, tokens drawn, until every draft has ended.

P prompts of one prefill, S slots, B slots in use, L tokens, V vocabulary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from r1light.rollout.choosing import Choosing
from r1light.rollout.drafts import Draft
from r1light.rollout.native.decoder import Decoder
from r1light.rollout.native.scheduler import Scheduler


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
        cache: Tensor,
        prompts: Mapping[int, Sequence[int]],
        choosing: Choosing,
        scheduler: Scheduler,
        prefill_tokens: int,
    ) -> None:
        """Take what a call needs.

        Args:
            decoder: The model.
            cache: [layers, 2, S, K, longest text, D], finite everywhere.
            prompts: The prompts' token ids, by group; may gain and lose groups meanwhile.
            choosing: How tokens are drawn, and what ends a draft.
            scheduler: With the drafts in its queue.
            prefill_tokens: Most tokens of a prefill.
        """
        self._decoder = decoder
        self._cache = cache
        self._texts = prompts
        self._choosing = choosing
        self._scheduler = scheduler
        self._prefill_tokens = prefill_tokens
        self._prompts: Prompts | None = None
        # What the next step needs of each slot: the token to read, its position in the text, the row's stream
        # of draws, and the position in the completion of the token to draw.
        self._state_4S = torch.zeros(4, cache.shape[2], dtype=torch.int64, device=cache.device)

    def advance(self) -> list[Draft]:
        """Fill free slots, or write one more token in every slot; return the drafts that ended."""
        with torch.inference_mode(), torch.autocast(self._cache.device.type, enabled=False):
            return self._admit() if self._scheduler.refill else self._step()

    def move_to(self, cache: Tensor) -> None:
        """Go on in a cache that has room for what has been written."""
        slots = len(self._scheduler.active)
        length = min(cache.shape[4], self._cache.shape[4])
        cache[:, :, :slots, :, :length] = self._cache[:, :, :slots, :, :length]
        state_4S = torch.zeros(4, cache.shape[2], dtype=torch.int64, device=cache.device)
        state_4S[:, :slots] = self._state_4S[:, :slots]
        self._cache, self._state_4S = cache, state_4S

    def drop(self, group: int) -> None:
        """Give up the drafts of a group, begun or not."""
        self._scheduler.forget(group)
        active = self._scheduler.active
        self._retire([slot for slot, draft in enumerate(active) if draft.group == group])

    def _admit(self) -> list[Draft]:
        if self._prompts is None:
            self._prompts = self._prefill(self._scheduler.upcoming(self._length, self._prefill_tokens))
        prompts = self._prompts
        first = len(self._scheduler.active)
        begun = self._scheduler.admit(prompts.rows)
        if not begun:  # all drafts of these prompts have been begun
            self._prompts = None
            return []
        device = self._cache.device
        slots = slice(first, first + len(begun))
        rows_B = torch.tensor([prompts.rows[draft.group] for draft in begun], device=device)
        self._copy_prompts(first, begun, prompts)
        states_B = self._choosing.states(begun, device)
        drawn_B = torch.zeros_like(states_B)
        tokens_B, logprobs_B = self._choosing.choose(begun, prompts.logits[rows_B], states_B, drawn_B)
        positions_B = torch.tensor([self._length(draft.group) for draft in begun], device=device)
        self._state_4S[:, slots] = torch.stack((tokens_B, positions_B, states_B, drawn_B + 1))
        return self._record(first, tokens_B, logprobs_B)

    def _copy_prompts(self, first: int, begun: Sequence[Draft], prompts: Prompts) -> None:
        """Put each draft's prompt into its slot; drafts of a group stand side by side."""
        for group, copies in Counter(draft.group for draft in begun).items():
            slots = slice(first, first + copies)
            row, length = prompts.rows[group], self._length(group)
            self._cache[:, :, slots, :, :length] = prompts.cache[:, :, row : row + 1, :, :length]
            first += copies

    def _prefill(self, groups: Sequence[int]) -> Prompts:
        device, arch = self._cache.device, self._decoder.arch
        lengths = [self._length(group) for group in groups]
        longest = max(lengths)
        padded = [
            [*self._texts[group], *([0] * (longest - length))]
            for group, length in zip(groups, lengths, strict=True)
        ]
        shape = (arch.layers, 2, len(groups), arch.kv_heads, longest, arch.head_dim)
        cache = torch.empty(shape, dtype=self._cache.dtype, device=device)
        tokens_PL, lengths_P = (torch.tensor(each, device=device) for each in (padded, lengths))
        chunk = max(1, self._prefill_tokens // len(groups))
        logits = self._decoder.prefill(tokens_PL, lengths_P, cache, chunk)
        return Prompts({group: row for row, group in enumerate(groups)}, cache, logits)

    def _step(self) -> list[Draft]:
        active = self._scheduler.active
        tokens_B, positions_B, states_B, drawn_B = self._state_4S[:, : len(active)]
        length = max(self._length(draft.group) + len(draft.token_ids) for draft in active)
        logits_BV = self._decoder.step(tokens_B, positions_B, length, self._cache)
        sampled_B, logprobs_B = self._choosing.choose(active, logits_BV, states_B, drawn_B)
        tokens_B.copy_(sampled_B)
        positions_B.add_(1)
        drawn_B.add_(1)
        return self._record(0, sampled_B, logprobs_B)

    def _record(self, first: int, tokens_B: Tensor, logprobs_B: Tensor) -> list[Draft]:
        """Write down the tokens of the slots from `first` on; retire the drafts that end by them."""
        drafts = self._scheduler.active[first:]
        written = zip(drafts, tokens_B.tolist(), logprobs_B.tolist(), strict=True)
        over = [first + row for row, each in enumerate(written) if self._choosing.extend(*each)]
        return self._retire(over) if over else []

    def _retire(self, over: Sequence[int]) -> list[Draft]:
        """Free slots, and close the gaps; returns the drafts that stood there."""
        ended = [self._scheduler.active[slot] for slot in over]
        moves = self._scheduler.retire(over)
        if moves:
            sources, targets = map(list, zip(*moves, strict=True))
            self._cache[:, :, targets] = self._cache[:, :, sources]
            self._state_4S[:, targets] = self._state_4S[:, sources]
        return ended

    def _length(self, group: int) -> int:
        """Tokens of a group's prompt."""
        return len(self._texts[group])
