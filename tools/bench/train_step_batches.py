"""What `train_step.py` measures: models of random weights, and micro-batches of so many tokens."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import rollout
from rollout import Shape, realistic

SHAPES = {"tiny": Shape(2048, 128, 2, 4, 2, 256), **rollout.SHAPES}
GROUP, PROMPT = 8, 128
"""Completions that share a prompt, and its tokens at most."""


def make_model(shape: Shape, device: str, tokens: int) -> Any:
    """A Qwen2 with random weights in float32, ready to be trained; its layers recompute their activations."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from r1light.training.forward import disable_dropout
    from r1light.training.tree_attention import use_trees

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=shape.vocabulary, hidden_size=shape.hidden, intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads,
        tie_word_embeddings=True, max_position_embeddings=tokens + 1,
    )  # fmt: skip
    with torch.device(device):
        model = Qwen2ForCausalLM(config)
    disable_dropout(model)
    use_trees(model)
    model.gradient_checkpointing_enable()
    return model


def make_batches(vocabulary: int, tokens: int, mean: int) -> dict[str, Any]:
    """The micro-batches by their names, of so many tokens each."""
    from r1light.training.batching import Row, micro_batches

    draw = random.Random(0)
    prompt = min(PROMPT, mean // 3)
    lengths = [length for group in realistic(64, GROUP, mean - prompt, tokens) for length in group]

    def row(group: int, length: int) -> Row:
        ids = tuple(draw.choices(range(vocabulary), k=prompt + length))
        return Row(group, (*(1 + group,) * prompt,), ids[prompt:], (-1.0,) * length, draw.gauss(0, 1))

    def rows(shared: int) -> Iterator[Row]:
        """Until the line is full; the last row is cut, and one of its tokens is no input."""
        room = tokens
        for number, length in enumerate(lengths):
            room -= 0 if number % shared else prompt
            if room < 1:
                return
            yield row(number // shared, min(length, room + 1))
            room -= length - 1

    found = {
        "one row": [row(0, tokens - prompt + 1)],
        f"rows of {mean} on average": list(rows(1)),
        f"groups of {GROUP}": list(rows(GROUP)),
    }
    return {name: next(micro_batches(some, 10**9, segments=True)) for name, some in found.items()}


def flops_of(model: Any, batch: Any) -> float:
    """Forward and backward of a micro-batch: see the script's first lines."""
    from r1light.training.flops import matmul_parameters, training_flops

    config, parts = model.config, batch.trees
    seen = 0
    for queries, keys in zip(parts.queries_M.diff().tolist(), parts.keys_M.diff().tolist(), strict=True):
        seen += queries * (keys - queries) + queries * (queries + 1) // 2
    attention = 12 * config.num_hidden_layers * config.hidden_size * seen
    return training_flops(matmul_parameters(model), batch.input_ids_NL.numel()) + attention
