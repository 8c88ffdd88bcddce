"""Floating-point operations of a model that is trained: what its compute is counted in.

A token costs 2N forward and 4N backward (Kaplan et al., arXiv:2001.08361, 2.1), N the parameters that take
part in matrix products. Left out is what is small at these lengths, attention's products of activations, and
what does not hang on the recipe: padding, recomputed activations, the optimiser. Adapters count as if the
weights that they adapt were trained too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, slots=True)
class GroupTokens:
    """The lengths of a problem's prompt and completions, in tokens.

    Attributes:
        prompt: Of the prompt.
        completions: Of all completions together.
        count: How many completions there are.
    """

    prompt: int
    completions: int
    count: int


def matmul_parameters(model: Any) -> int:
    """N: the parameters that take part in matrix products.

    Norms, biases and embedding tables do not, as what they do is no product; a table that is also the output
    head counts once. Of a mixture of experts all experts count.

    Args:
        model: A Hugging Face model.
    """
    head = model.get_output_embeddings()
    head_weight = None if head is None else head.weight
    tables = {
        id(module.weight)
        for module in model.modules()
        if isinstance(module, torch.nn.Embedding) and module.weight is not head_weight
    }
    return sum(
        _numbers(parameter)
        for parameter in model.parameters()
        if parameter.ndim > 1 and id(parameter) not in tables
    )


def _numbers(parameter: Any) -> int:
    """Of a weight in 4 bits, two to a byte, as many as it stands for."""
    state = getattr(parameter, "quant_state", None)
    return int(parameter.numel() if state is None else state.shape.numel())


def forward_flops(parameters: int, tokens: int) -> int:
    """Reading or writing so many tokens: 2N each.

    Example:
        >>> forward_flops(10, 3), training_flops(10, 3)
        (60, 180)
    """
    return 2 * parameters * tokens


def training_flops(parameters: int, tokens: int) -> int:
    """Learning from so many tokens, forward and backward: 6N each."""
    return 6 * parameters * tokens


def iteration_flops(
    parameters: int,
    drawn_tokens: int,
    groups: Iterable[GroupTokens],
    *,
    passes: int,
    shared_prompts: bool,
    with_reference: bool,
    with_old: bool,
) -> int:
    """One iteration of GRPO: the rollout, and what is learnt from it.

    Args:
        parameters: N.
        drawn_tokens: Tokens that the engine read and wrote, those of replaced groups included: each prompt
            once a group, and all completions.
        groups: What is learnt from.
        passes: How often (`inner_epochs`).
        shared_prompts: Whether a group's completions share one copy of their prompt.
        with_reference: Whether a reference reads all of it in every pass: 2N a token.
        with_old: Whether the policy reads all of it once more before its updates: 2N a token.
    """
    read = sum(group.prompt * (1 if shared_prompts else group.count) + group.completions for group in groups)
    flops = forward_flops(parameters, drawn_tokens) + training_flops(parameters, read * passes)
    flops += forward_flops(parameters, read * passes) if with_reference else 0
    return flops + (forward_flops(parameters, read) if with_old else 0)
