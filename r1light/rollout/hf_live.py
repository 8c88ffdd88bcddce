"""`rollout=hf` for requests that come and go: a forward pass a completion and token, each in its turn."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from r1light.core.errors import EngineError
from r1light.core.types import RolloutRequest, SamplingParams
from r1light.rollout.choosing import Each, Guest
from r1light.rollout.drafts import Draft, Endings, check_requests
from r1light.rollout.live import Written


@dataclass(slots=True, eq=False)
class _Row:
    """A completion, what is to be read next, its stream of draws, and the keys and values of its text."""

    draft: Draft
    ids_1L: Tensor
    states_1: Tensor
    cache: Any = None


class HuggingFaceLive:
    """See `r1light.rollout.live.Live`. Completions are not batched: `rollout=native` is the fast one."""

    def __init__(
        self,
        model: Any,
        endings: Callable[[SamplingParams], Endings],
        aborted: Callable[[], bool],
        max_rows: int,
        context: int,
    ) -> None:
        """Take a model.

        Args:
            model: A transformers causal language model.
            endings: Parameters to what ends a draft.
            aborted: Whether the engine gives up; raises EngineError where it is closed.
            max_rows: Most completions written at a time.
            context: The model's context, in tokens.
        """
        self._model = model
        self._endings = endings
        self._aborted = aborted
        self._max_rows = max_rows
        self._context = context
        self._each = Each()
        self._rows: list[_Row] = []
        self._tickets = 0
        last_only = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._options = {"logits_to_keep": 1} if last_only else {}

    @property
    def busy(self) -> bool:
        """See `Live.busy`."""
        return bool(self._rows)

    def join(self, request: RolloutRequest, params: SamplingParams, likeliest: int | None = None) -> int:
        """See `Live.join`."""
        embedding = self._model.get_input_embeddings().weight
        check_requests([request], self._context, embedding.shape[0])
        self._tickets += 1
        guest = Guest(request, params, self._endings(params), likeliest, params.n)
        drafts = self._each.enter(self._tickets, guest, self._context)
        ids_1L = torch.tensor([request.prompt_ids], device=embedding.device)
        self._rows += [_Row(each, ids_1L, self._each.states([each], embedding.device)) for each in drafts]
        return self._tickets

    def leave(self, ticket: int) -> None:
        """See `Live.leave`."""
        if self._each.leave(ticket):
            self._rows = [row for row in self._rows if row.draft.group != ticket]

    def step(self) -> Sequence[Written]:
        """See `Live.step`."""
        if self._aborted():
            raise EngineError("the rollout engine was told to give up while requests were being served")
        with torch.no_grad():
            ended = [row for row in self._rows[: self._max_rows] if self._advance(row)]
        self._rows = [row for row in self._rows if row not in ended]
        return self._each.take()

    def _advance(self, row: _Row) -> bool:
        """Write one more token; returns whether the completion has ended by it."""
        out = self._model(input_ids=row.ids_1L, past_key_values=row.cache, use_cache=True, **self._options)
        row.cache = out.past_key_values
        drawn_1 = torch.full_like(row.states_1, len(row.draft.token_ids))
        token_1, logprob_1 = self._each.choose([row.draft], out.logits[:, -1], row.states_1, drawn_1)
        row.ids_1L = token_1[:, None]
        return self._each.extend(row.draft, int(token_1), float(logprob_1))
