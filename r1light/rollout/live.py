"""Completions that begin and end while others are being written: what `stage=serve` needs of an engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from r1light.core.types import Completion, RolloutRequest, SamplingParams


@dataclass(frozen=True, slots=True)
class Alternative:
    """A token that could stand somewhere, and the model's log-probability of it.

    Attributes:
        token: Its id.
        logprob: log_softmax of the logits as they are, at temperature 1, in nats.
    """

    token: int
    logprob: float


@dataclass(frozen=True, slots=True)
class Written:
    """One more token of one completion.

    Attributes:
        ticket: Which request it belongs to, as `Live.join` has numbered it.
        index: Which of the request's completions.
        token: The sampled id.
        chosen: The sampled token with its log-probability; None where none was asked for.
        likeliest: The likeliest tokens, the first one the likeliest; as many as were asked for.
        completion: The whole completion if it has ended by this token.
    """

    ticket: int
    index: int
    token: int
    chosen: Alternative | None = None
    likeliest: tuple[Alternative, ...] = ()
    completion: Completion | None = None


class Live(Protocol):
    """A call of `generate` that requests may join and leave while it runs.

    A request's completions are those that `generate` gives for it alone with the same parameters. Not to be
    used from several threads at a time.
    """

    @property
    def busy(self) -> bool:
        """Whether anything is left to write."""
        ...

    def join(self, request: RolloutRequest, params: SamplingParams, likeliest: int | None = None) -> int:
        """Add a request.

        Args:
            request: The prompt.
            params: How its completions are drawn, `params.n` of them.
            likeliest: How many of the likeliest tokens come with each token; None for no log-probabilities.

        Returns:
            Its ticket.

        Raises:
            DataError: The prompt cannot be completed by the model.
        """
        ...

    def leave(self, ticket: int) -> None:
        """Give a request up; nothing more is written of it. One that has ended is left alone."""
        ...

    def step(self) -> Sequence[Written]:
        """Write one more token of every completion that has its turn.

        Raises:
            EngineError: The engine was closed or took new weights, or the model gives no numbers.
        """
        ...
