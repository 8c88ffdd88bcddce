"""Whether a vLLM computes with the trainer's weights: its log-probabilities beside the trainer's.

A head that vLLM packed when it loaded, or a cached prefix of the old weights, goes wrong without an error;
only this comparison shows it. K completion tokens, L tokens of a prompt with its completion, H hidden.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import torch

from r1light.algorithms.logprob import chunked_logprobs
from r1light.core.errors import EngineError
from r1light.rollout.vllm.backend import Ask, Drawn

PROMPT_LENGTHS = (16, 160)
"""Of the probes, in tokens: one is longer than a block of the prefix cache, which on a CPU has 128."""
DRAWN_TOKENS = 16
COMPLETIONS = 2


class SyncCheck:
    """Compares what a vLLM draws for made-up prompts, the same at every check.

    Attributes:
        asks: What it is to draw; no end token ends a completion.
        version: The version of the weights.
        difference: The largest difference since these weights came, in nats.
    """

    def __init__(self, model: Any, context: int, tolerance: float) -> None:
        """Take what to compare with.

        Args:
            model: The trainer's model, a transformers causal language model.
            context: The longest text, in tokens.
            tolerance: The most that a log-probability may differ, in nats.
        """
        self.asks = probes(model.get_input_embeddings().weight.shape[0], context)
        self.version = 0
        self.difference = 0.0
        self._model = model
        self._tolerance = tolerance
        self._known: dict[tuple[int, ...], list[float]] = {}

    def begin(self, version: int) -> None:
        """New weights are on their way."""
        self.version, self.difference = version, 0.0
        self._known.clear()

    def __call__(self, answers: Sequence[Sequence[Drawn]]) -> None:
        """Judge one vLLM's answers to `asks`.

        Raises:
            EngineError: A log-probability differs by more than the tolerance, or is no number.
        """
        difference = max(
            abs(theirs - ours) if theirs == theirs else float("inf")
            for ask, completions in zip(self.asks, answers, strict=True)
            for drawn in completions
            for theirs, ours in zip(drawn.logprobs, self._trainer(ask, drawn), strict=True)
        )
        self.difference = max(self.difference, difference)
        if not difference <= self._tolerance:
            raise EngineError(
                f"weights version {self.version}: vLLM's log-probabilities differ from the trainer's by up "
                f"to {difference:.2g} nats, and rollout.tolerance is {self._tolerance:g}: vLLM does not "
                "compute with the policy's weights; if it only rounds in 16 bits, raise the tolerance"
            )

    def _trainer(self, ask: Ask, drawn: Drawn) -> list[float]:
        """Kept: a server that comes back is judged while the model may be learning already."""
        ids = (*ask.prompt_ids, *drawn.token_ids)
        if ids not in self._known:
            self._known[ids] = trainer_logprobs(self._model, ask, drawn.token_ids)
        return self._known[ids]


def probes(vocabulary: int, context: int) -> list[Ask]:
    """Asks of made-up prompts.

    Args:
        vocabulary: Ids are below it.
        context: The longest text, in tokens.
    """
    draw = random.Random(0)
    lengths = sorted({max(1, min(length, context - DRAWN_TOKENS)) for length in PROMPT_LENGTHS})
    return [
        Ask(
            prompt_ids=tuple(draw.randrange(vocabulary) for _ in range(length)),
            n=COMPLETIONS,
            max_tokens=min(DRAWN_TOKENS, context - length),
            temperature=1.0,
            top_p=1.0,
            top_k=0,
            seed=length,
            stop_ids=(),
        )
        for length in lengths
    ]


@torch.no_grad()
def trainer_logprobs(model: Any, ask: Ask, token_ids: Sequence[int]) -> list[float]:
    """The trainer's log-probabilities of a completion, length K, in nats."""
    head = model.get_output_embeddings()
    ids_1L = torch.tensor([[*ask.prompt_ids, *token_ids]], device=head.weight.device)
    training = model.training
    model.eval()
    try:
        hidden_1LH = model.base_model(input_ids=ids_1L, use_cache=False).last_hidden_state
    finally:
        model.train(training)
    found = chunked_logprobs(
        hidden_1LH[0, len(ask.prompt_ids) - 1 : -1],
        head.weight,
        ids_1L[0, len(ask.prompt_ids) :],
        temperature=ask.temperature,
        bias_V=getattr(head, "bias", None),
    )
    logprobs: list[float] = found.logprobs_T.tolist()
    return logprobs
