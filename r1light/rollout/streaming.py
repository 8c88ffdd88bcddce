"""One completion, token by token as it is written, and its text as soon as it is certain."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from r1light.core.errors import EngineError
from r1light.core.protocols import Decode
from r1light.core.types import FinishReason, RolloutRequest, SamplingParams
from r1light.rollout.drafts import check_requests
from r1light.rollout.hf import UNLIMITED
from r1light.rollout.sampling import row_states, sample_tokens

PENDING = 8
"""Tokens after which text is given out though it ends within a character: four bytes make the longest one."""


class TokenStream:
    """The tokens of one completion, drawn as `rollout=hf` draws sample 0 of the request.

    Attributes:
        finish_reason: "abort" until the stream has ended by itself.
    """

    def __init__(
        self, model: Any, request: RolloutRequest, params: SamplingParams, eos_ids: Sequence[int]
    ) -> None:
        """Take what is to be completed.

        Args:
            model: A transformers causal language model.
            request: The prompt.
            params: How to draw; `n` and `stop` are not looked at.
            eos_ids: Every id that ends a completion.

        Raises:
            DataError: The prompt is empty or leaves no room in the model's context.
        """
        self._embedding = model.get_input_embeddings().weight
        context = getattr(model.config.get_text_config(), "max_position_embeddings", None) or UNLIMITED
        check_requests([request], context, self._embedding.shape[0])
        self._model = model
        self._request = request
        self._params = params
        self._eos_ids = frozenset(eos_ids)
        self._cap = min(params.max_tokens, context - len(request.prompt_ids))
        self.finish_reason: FinishReason = "abort"

    @torch.no_grad()
    def __iter__(self) -> Iterator[int]:
        """Draw and yield a token after another, the one that ends the completion left out.

        Raises:
            EngineError: The model gives probabilities that are not numbers.
        """
        device = self._embedding.device
        states_1 = row_states(self._params.seed, [(self._request.key, 0)], device)
        last_only = "logits_to_keep" in inspect.signature(self._model.forward).parameters
        options = {"logits_to_keep": 1} if last_only else {}
        ids_1L = torch.tensor([self._request.prompt_ids], device=device)
        cache = None
        self._model.eval()
        for position in range(self._cap):
            out = self._model(input_ids=ids_1L, past_key_values=cache, use_cache=True, **options)
            cache = out.past_key_values
            position_1 = torch.full_like(states_1, position)
            token_1, logprob_1 = sample_tokens(out.logits[:, -1], self._params, states_1, position_1)
            if not math.isfinite(float(logprob_1)):
                raise EngineError(
                    "the model gives probabilities that are not finite: its weights are damaged"
                )
            token = int(token_1)
            if token in self._eos_ids:
                self.finish_reason = "stop"
                return
            yield token
            ids_1L = token_1[:, None]
        self.finish_reason = "length"


class TextStream:
    """Tokens to pieces of text; a character whose bytes are not all there waits for the rest."""

    def __init__(self, decode: Decode) -> None:
        """Start a text.

        Args:
            decode: Ids to text.
        """
        self._decode = decode
        self._ids: list[int] = []
        self._given = 0

    def add(self, token: int) -> str:
        """The text that a token makes certain; often its own, sometimes none."""
        self._ids.append(token)
        before, now = self._decode(self._ids[: self._given]), self._decode(self._ids)
        waits = now.endswith("\ufffd") and len(self._ids) - self._given < PENDING
        return "" if waits else self._give(before, now)

    def end(self) -> str:
        """What is left at the end, broken characters included."""
        return self._give(self._decode(self._ids[: self._given]), self._decode(self._ids))

    def _give(self, before: str, now: str) -> str:
        """What is new; of what was given, the last tokens stay, as some decoders treat a first one apart."""
        self._ids = self._ids[self._given :]
        self._given = len(self._ids)
        return now[len(before) :]
