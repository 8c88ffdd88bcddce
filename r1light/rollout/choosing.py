"""How the drafts of a batch are drawn and ended: all alike, as in training, or each in its own way.

B rows, one a draft; V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from r1light.core.errors import EngineError
from r1light.core.types import RolloutRequest, SamplingParams
from r1light.rollout.drafts import Draft, Endings
from r1light.rollout.live import Alternative, Written
from r1light.rollout.sampling import row_states, sample_tokens


class Choosing(Protocol):
    """What a running batch asks for each of its drafts."""

    def states(self, drafts: Sequence[Draft], device: torch.device) -> Tensor:
        """The drafts' streams of draws, int64 [B]."""
        ...

    def choose(
        self, drafts: Sequence[Draft], logits_BV: Tensor, states_B: Tensor, drawn_B: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Token ids [B] and their log-probabilities [B], as `sample_tokens` gives them."""
        ...

    def extend(self, draft: Draft, token: int, logprob: float) -> bool:
        """Add a token to a draft; return whether the draft has ended by it."""
        ...


class Alike:
    """Every draft by the same parameters."""

    def __init__(self, requests: Sequence[RolloutRequest], params: SamplingParams, endings: Endings) -> None:
        self._requests = requests
        self._params = params
        self._endings = endings

    def states(self, drafts: Sequence[Draft], device: torch.device) -> Tensor:
        """See `Choosing.states`."""
        keys = [(self._requests[draft.group].key, draft.index) for draft in drafts]
        return row_states(self._params.seed, keys, device)

    def choose(
        self,
        drafts: Sequence[Draft],  # noqa: ARG002
        logits_BV: Tensor,
        states_B: Tensor,
        drawn_B: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """See `Choosing.choose`."""
        return sample_tokens(logits_BV, self._params, states_B, drawn_B)

    def extend(self, draft: Draft, token: int, logprob: float) -> bool:
        """See `Choosing.extend`."""
        return self._endings.extend(draft, token, logprob)


@dataclass(slots=True)
class Guest:
    """A request that takes part.

    Attributes:
        request: Its prompt.
        params: How its completions are drawn.
        endings: What ends them.
        likeliest: How many likeliest tokens it wants told; None for no log-probabilities.
        missing: Its completions that have not ended.
    """

    request: RolloutRequest
    params: SamplingParams
    endings: Endings
    likeliest: int | None
    missing: int


class Each:
    """Every draft by the parameters of its guest; what was written is kept until it is taken.

    Attributes:
        guests: Those that take part, by the group of their drafts.
    """

    def __init__(self) -> None:
        self.guests: dict[int, Guest] = {}
        self._written: list[Written] = []
        self._told: dict[tuple[int, int], tuple[Alternative, tuple[Alternative, ...]]] = {}

    def states(self, drafts: Sequence[Draft], device: torch.device) -> Tensor:
        """See `Choosing.states`."""
        guests = [self.guests[draft.group] for draft in drafts]
        rows = zip(drafts, guests, strict=True)
        return torch.cat(
            [
                row_states(guest.params.seed, [(guest.request.key, draft.index)], device)
                for draft, guest in rows
            ]
        )

    def choose(
        self, drafts: Sequence[Draft], logits_BV: Tensor, states_B: Tensor, drawn_B: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `Choosing.choose`; rows of like parameters are drawn together."""
        logits_BV = logits_BV.float()
        tokens_B, logprobs_B = self._draw(drafts, logits_BV, states_B, drawn_B)
        for row, draft in enumerate(drafts):
            count = self.guests[draft.group].likeliest
            if count is not None:
                self._told[draft.group, draft.index] = _told(logits_BV[row], int(tokens_B[row]), count)
        return tokens_B, logprobs_B

    def _draw(
        self, drafts: Sequence[Draft], logits_BV: Tensor, states_B: Tensor, drawn_B: Tensor
    ) -> tuple[Tensor, Tensor]:
        ways: dict[tuple[float, float, int], list[int]] = {}
        for row, draft in enumerate(drafts):
            params = self.guests[draft.group].params
            ways.setdefault((params.temperature, params.top_p, params.top_k), []).append(row)
        if len(ways) == 1:
            return sample_tokens(logits_BV, self.guests[drafts[0].group].params, states_B, drawn_B)
        tokens_B = torch.empty_like(states_B)
        logprobs_B = torch.empty(len(drafts), dtype=torch.float32, device=logits_BV.device)
        for rows in ways.values():
            params = self.guests[drafts[rows[0]].group].params
            rows_R = torch.tensor(rows, device=logits_BV.device)
            drawn = sample_tokens(logits_BV[rows_R], params, states_B[rows_R], drawn_B[rows_R])
            tokens_B[rows_R], logprobs_B[rows_R] = drawn
        return tokens_B, logprobs_B

    def extend(self, draft: Draft, token: int, logprob: float) -> bool:
        """See `Choosing.extend`; the token is kept until it is taken.

        Raises:
            EngineError: The log-probability is no finite number.
        """
        if not math.isfinite(logprob):
            raise EngineError("the model gives probabilities that are not finite: its weights are damaged")
        guest = self.guests[draft.group]
        ended = guest.endings.extend(draft, token, logprob)
        completion = guest.endings.complete(draft) if ended else None
        chosen, likeliest = self._told.pop((draft.group, draft.index), (None, ()))
        self._written.append(Written(draft.group, draft.index, token, chosen, likeliest, completion))
        if ended:
            guest.missing -= 1
            if not guest.missing:
                del self.guests[draft.group]
        return ended

    def enter(self, group: int, guest: Guest, context: int) -> list[Draft]:
        """Let a guest take part; returns its empty drafts."""
        self.guests[group] = guest
        cap = min(guest.params.max_tokens, context - len(guest.request.prompt_ids))
        return [Draft(group, index, cap) for index in range(guest.params.n)]

    def leave(self, group: int) -> bool:
        """Forget a guest and what it has not been told; returns whether it took part."""
        self._written = [each for each in self._written if each.ticket != group]
        return self.guests.pop(group, None) is not None

    def take(self) -> list[Written]:
        """What was written since the last call."""
        written, self._written = self._written, []
        return written


def _told(logits_V: Tensor, token: int, count: int) -> tuple[Alternative, tuple[Alternative, ...]]:
    """The token drawn and the `count` likeliest ones, at temperature 1."""
    logprobs_V = torch.log_softmax(logits_V, dim=-1)
    values, ids = logprobs_V.topk(min(count, logprobs_V.shape[0]))
    likeliest = tuple(map(Alternative, ids.tolist(), values.tolist()))
    return Alternative(token, float(logprobs_V[token])), likeliest
