"""Qwen2 models of a few hundred thousand parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyShape:
    """The sizes of one model, and how fast it is trained; the rest follows Qwen2."""

    hidden: int
    """Width of the residual stream."""
    intermediate: int
    """Width of the MLP."""
    layers: int = 4
    """Transformer blocks."""
    heads: int = 4
    """Attention heads."""
    kv_heads: int = 2
    """Heads of keys and values."""
    lr: float = 3e-3
    """The peak learning rate of AdamW, for embeddings, norms and biases."""
    matrix_lr: float = 0.012
    """The peak learning rate of Muon, for the other matrices."""


def qwen2(shape: TinyShape, tokenizer: Any, context: int) -> Any:
    """A freshly initialised `Qwen2ForCausalLM` in float32, with tied embeddings.

    Args:
        shape: Its sizes.
        tokenizer: Gives the vocabulary's size and the end token.
        context: The tokens that it can look back on.
    """
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return Qwen2ForCausalLM(config)
