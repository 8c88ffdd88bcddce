"""Which models the hand-written decoder knows, and the numbers that describe one.

Reads a transformers config and a list of weight names; imports no torch.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

CLASSES = ("LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM")
ROPE_TYPES = ("default", "linear", "llama3", "yarn")
"""Rotary scalings whose frequencies do not change with the length of the text."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """The shape of a decoder.

    Attributes:
        layers: Number of blocks.
        hidden: Width of the residual stream.
        heads: Query heads.
        kv_heads: Key and value heads; divides `heads`.
        head_dim: Width of a head; even.
        intermediate: Width of the gated MLP.
        vocabulary: Rows of the embedding.
        context: The longest text, in tokens.
        eps: Added to the mean square in RMSNorm.
        tied: Whether the output projection is the embedding.
        windows: Per layer, how many tokens a token sees, itself included; None for all before it.
    """

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int
    context: int
    eps: float
    tied: bool
    windows: tuple[int | None, ...]

    @property
    def fused_heads(self) -> int:
        """Query, key and value heads together."""
        return self.heads + 2 * self.kv_heads


def architecture(config: Any) -> Architecture:
    """Read a transformers config of one of `CLASSES`."""
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return Architecture(
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        head_dim=head_dim,
        intermediate=config.intermediate_size,
        vocabulary=config.vocab_size,
        context=config.max_position_embeddings,
        eps=config.rms_norm_eps,
        tied=config.tie_word_embeddings,
        windows=_windows(config),
    )


def unsupported(class_name: str, config: Any, weight_names: Collection[str]) -> str | None:
    """Why the decoder cannot run a model, in a few words, or None where it can.

    Args:
        class_name: Of the model.
        config: Its transformers config.
        weight_names: The names in its state dict.
    """
    if class_name not in CLASSES:
        return f"it knows {', '.join(CLASSES)}, not {class_name}"
    rope = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
    if rope not in ROPE_TYPES:
        return f"it does not know rope_type {rope!r}"
    if config.hidden_act not in ("silu", "swish"):
        return f"it does not know the activation {config.hidden_act!r}"
    if getattr(config, "quantization_config", None) is not None:
        return "it does not read quantised weights"
    missing = [name for name in required_names(architecture(config)) if name not in weight_names]
    if missing:
        return f"the model has no weight {missing[0]!r}"
    return None


def required_names(arch: Architecture) -> list[str]:
    """The weights that every supported model has; biases, q_norm and k_norm come besides."""
    parts = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"]
    parts += ["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj", "input_layernorm", "post_attention_layernorm"]
    names = ["model.embed_tokens.weight", "model.norm.weight"]
    names += [f"model.layers.{layer}.{part}.weight" for layer in range(arch.layers) for part in parts]
    return names if arch.tied else [*names, "lm_head.weight"]


def _windows(config: Any) -> tuple[int | None, ...]:
    window: int | None = getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None)
    if kinds is None:
        layers: int = config.num_hidden_layers
        return (window,) * layers
    return tuple(window if kind == "sliding_attention" else None for kind in kinds)
