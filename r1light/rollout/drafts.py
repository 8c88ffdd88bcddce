"""Completions while they are being written: when they end, what text they have, when their group is whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from r1light.core.errors import DataError, EngineError
from r1light.core.protocols import Decode
from r1light.core.types import Completion, FinishReason, Group, RolloutRequest, SamplingParams

TAIL_TOKENS = 16
"""Tokens looked at for a stop string besides four a character (a byte-level token has at least one byte)."""


def check_requests(requests: Sequence[RolloutRequest], context: int, vocabulary: int) -> None:
    """Refuse prompts that a model cannot complete.

    Args:
        requests: The requests of one call.
        context: The model's context, in tokens.
        vocabulary: The number of rows of its embedding.

    Raises:
        DataError: If a prompt is empty, leaves no room for a token, or has ids that the model does not know;
            names the problem.
    """
    for request in requests:
        length = len(request.prompt_ids)
        if length == 0:
            raise DataError(f"problem {request.problem_id!r} has an empty prompt")
        if length >= context:
            raise DataError(
                f"the prompt of problem {request.problem_id!r} has {length} tokens and leaves no room for an "
                f"answer in the model's context of {context}; leave the problem out or shorten it"
            )
        if max(request.prompt_ids) >= vocabulary or min(request.prompt_ids) < 0:
            raise DataError(
                f"the prompt of problem {request.problem_id!r} has the token id {max(request.prompt_ids)}, "
                f"and the model knows ids up to {vocabulary - 1}; the tokenizer is another model's"
            )


@dataclass(slots=True)
class Draft:
    """One completion in the making.

    Attributes:
        group: The position of its request in the call.
        index: The sample's index in the group.
        cap: The tokens it may have: `max_tokens`, or what the context leaves.
        token_ids: Sampled so far.
        logprobs: Theirs, in nats.
        finish_reason: None while it goes on.
    """

    group: int
    index: int
    cap: int
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish_reason: FinishReason | None = None


class Endings:
    """Decides when drafts end, and makes completions of them."""

    def __init__(self, decode: Decode, eos_ids: Sequence[int], stop: Sequence[str], version: int) -> None:
        """Take what ends a completion.

        Args:
            decode: Ids to text.
            eos_ids: Every id that ends a completion.
            stop: Every string that does.
            version: The version of the weights that write.
        """
        self._decode = decode
        self._eos_ids = frozenset(eos_ids)
        self._stop = tuple(text for text in stop if text)
        self._tail = TAIL_TOKENS + 4 * max(map(len, self._stop), default=0)
        self._version = version

    def extend(self, draft: Draft, token: int, logprob: float) -> bool:
        """Add a token to a draft; return whether the draft has ended by it."""
        draft.token_ids.append(token)
        draft.logprobs.append(logprob)
        if token in self._eos_ids or (self._stop and self._stopped(draft)):
            draft.finish_reason = "stop"
        elif len(draft.token_ids) >= draft.cap:
            draft.finish_reason = "length"
        return draft.finish_reason is not None

    def complete(self, draft: Draft) -> Completion:
        """The completion of an ended draft; one without a finish reason was aborted.

        Raises:
            EngineError: If the model gave probabilities that are not numbers.
        """
        if not math.isfinite(sum(draft.logprobs)):
            raise EngineError(
                f"the model gives probabilities that are not finite (weights version {self._version}, token "
                f"{len(draft.token_ids)} of a completion): its weights are damaged or have diverged"
            )
        return Completion(
            token_ids=tuple(draft.token_ids),
            text=self._text(draft),
            logprobs=tuple(draft.logprobs),
            finish_reason=draft.finish_reason or "abort",
            weights_version=self._version,
        )

    def _stopped(self, draft: Draft) -> bool:
        tail = self._decode(draft.token_ids[-self._tail :])
        # The tail may begin within a character and is only a hint; the whole text decides.
        return (
            any(stop in tail for stop in self._stop) and self._cut(self._decode(draft.token_ids)) is not None
        )

    def _cut(self, text: str) -> int | None:
        found = [position for stop in self._stop if (position := text.find(stop)) >= 0]
        return min(found, default=None)

    def _text(self, draft: Draft) -> str:
        ids = draft.token_ids
        ended = bool(ids) and ids[-1] in self._eos_ids
        text = self._decode(ids[:-1] if ended else ids)
        cut = self._cut(text) if self._stop and not ended else None
        return text if cut is None else text[:cut]


class Collector:
    """Gathers completions into groups."""

    def __init__(self, requests: Sequence[RolloutRequest], n: int) -> None:
        self._requests = requests
        self._slots: list[list[Completion | None]] = [[None] * n for _ in requests]
        self._missing = [n] * len(requests)

    def add(self, draft: Draft, completion: Completion) -> Group | None:
        """Put a completion in its place; return the group if it is the last one missing."""
        self._slots[draft.group][draft.index] = completion
        self._missing[draft.group] -= 1
        if self._missing[draft.group]:
            return None
        whole = tuple(each for each in self._slots[draft.group] if each is not None)
        self._slots[draft.group] = []
        return Group(self._requests[draft.group], whole)


def drafts_of(requests: Sequence[RolloutRequest], params: SamplingParams, context: int) -> list[Draft]:
    """Empty drafts, `params.n` a request, longest prompts first, samples of a group side by side."""
    order = sorted(range(len(requests)), key=lambda position: -len(requests[position].prompt_ids))
    return [
        Draft(position, index, min(params.max_tokens, context - len(requests[position].prompt_ids)))
        for position in order
        for index in range(params.n)
    ]
