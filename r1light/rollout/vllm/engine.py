"""`rollout=vllm` apart from where vLLM runs: requests to asks, draws to groups, weights and their check."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from r1light.core.protocols import Decode
from r1light.core.types import Completion, Group, RolloutRequest, SamplingParams
from r1light.rollout.drafts import Draft, Endings, check_requests
from r1light.rollout.keys import row_state
from r1light.rollout.lifecycle import Lifecycle
from r1light.rollout.vllm.backend import Ask, Backend, Drawn
from r1light.rollout.vllm.sync_check import SyncCheck

if TYPE_CHECKING:
    from torch import Tensor

_log = logging.getLogger(__name__)


class Engine:
    """A RolloutEngine over a backend."""

    def __init__(
        self,
        backend: Backend,
        model: Any,
        decode: Decode,
        eos_ids: Sequence[int],
        *,
        context: int,
        tolerance: float,
    ) -> None:
        """Give the backend the model's weights.

        Args:
            backend: Draws.
            model: The trainer's model; its weights are read, and what is drawn is compared with it.
            decode: Ids to text.
            eos_ids: Every id that ends a completion.
            context: The longest text, in tokens.
            tolerance: The most that log-probabilities may differ, in nats.

        Raises:
            EngineError: They differ by more.
        """
        self._backend = backend
        self._decode = decode
        self._eos_ids = tuple(eos_ids)
        self._context = context
        self._life = Lifecycle()
        self._vocabulary = int(model.get_input_embeddings().weight.shape[0])
        self._check = SyncCheck(model, context, tolerance)
        self.load_weights(model.named_parameters(), version=0)

    def generate(self, requests: Iterable[RolloutRequest], params: SamplingParams) -> Iterator[Group]:
        """Yield the groups as vLLM ends them.

        Raises:
            DataError: At once, if a prompt leaves no room in the model's context.
            EngineError: The engine is closed or takes new weights meanwhile, or vLLM fails.
            WorkerError: A server does not answer before its deadline.
        """
        run = self._life.begin()
        todo = list(requests)
        check_requests(todo, self._context, self._vocabulary)
        return self._groups(run, todo, params)

    def load_weights(self, named_tensors: Iterable[tuple[str, Tensor]], version: int) -> None:
        """Hand the policy's weights to vLLM, and compare its log-probabilities with the trainer's.

        Raises:
            EngineError: They differ by more than the tolerance.
        """
        self._life.weights_changed(version)
        self._check.begin(version)
        self._backend.load(named_tensors, self._check)
        difference = self._check.difference
        _log.debug("weights %d: vLLM's log-probabilities differ by up to %.1e nats", version, difference)

    def sleep(self) -> None:
        """Let the device's memory go until weights are loaded or completions are asked for."""
        self._backend.sleep()

    def figures(self) -> dict[str, float]:
        """What metrics.jsonl keeps of the engine."""
        return {"sampling/sync_difference/max": self._check.difference, **self._backend.figures()}

    def close(self) -> None:
        """End vLLM; groups still being generated raise EngineError."""
        self._life.close()
        self._backend.close()

    def _groups(
        self, run: int, requests: Sequence[RolloutRequest], params: SamplingParams
    ) -> Iterator[Group]:
        endings = Endings(self._decode, self._eos_ids, params.stop, self._life.version)
        asks = [self._ask(request, params) for request in requests]
        for place, drawn in self._backend.draw(asks):
            self._life.aborted(run)
            cap = asks[place].max_tokens
            completions = [
                _completion(each, Draft(place, index, cap), endings) for index, each in enumerate(drawn)
            ]
            if params.top_p < 1 or params.top_k:
                completions = [_without_logprobs(each) for each in completions]
            yield Group(requests[place], tuple(completions))

    def _ask(self, request: RolloutRequest, params: SamplingParams) -> Ask:
        return Ask(
            prompt_ids=request.prompt_ids,
            n=params.n,
            max_tokens=min(params.max_tokens, self._context - len(request.prompt_ids)),
            temperature=params.temperature,
            top_p=params.top_p,
            top_k=params.top_k,
            seed=row_state(params.seed, request.key, 0) >> 2,  # a positive int64, the others' seeds too
            stop_ids=self._eos_ids,
        )


def _completion(drawn: Drawn, draft: Draft, endings: Endings) -> Completion:
    """The completion up to its end: stop strings are looked for here, in the text that we decode."""
    for token, logprob in zip(drawn.token_ids, drawn.logprobs, strict=True):
        if endings.extend(draft, token, logprob):
            break
    return endings.complete(draft)


def _without_logprobs(completion: Completion) -> Completion:
    """What vLLM gives is of the truncated distribution, and ours are of the whole: none, not a guess."""
    return replace(completion, logprobs=(float("nan"),) * len(completion.logprobs))
