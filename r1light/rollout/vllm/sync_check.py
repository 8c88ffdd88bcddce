"""Whether a vLLM computes with the trainer's weights: its log-probabilities beside the trainer's.

A head that vLLM packed when it loaded, or a cached prefix of the old weights, goes wrong without an error; only
this comparison shows it. K completion tokens, L tokens of a prompt with its completion, H hidden.
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


def probes(vocabulary: int, context: int) -> list[Ask]:
    """The asks whose answers are compared: made-up prompts, the same at every check, no end token.

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


def largest_difference(model: Any, asks: Sequence[Ask], answers: Sequence[Sequence[Drawn]]) -> float:
    """The largest |log pi_vLLM - log pi_trainer| of the answers' tokens, in nats.

    Args:
        model: The trainer's model, a transformers causal language model.
        asks: What was asked.
        answers: What was drawn for each.

    Raises:
        EngineError: An answer has no tokens.
    """
    differences = [
        abs(theirs - ours)
        for ask, completions in zip(asks, answers, strict=True)
        for drawn in completions
        for theirs, ours in zip(drawn.logprobs, trainer_logprobs(model, ask, drawn.token_ids), strict=True)
    ]
    if not differences:
        raise EngineError("vLLM drew no tokens to compare with the trainer's log-probabilities")
    return max(differences, key=lambda value: float("inf") if value != value else value)


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
