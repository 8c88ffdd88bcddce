"""How large a model is: from its config.json where it lies on disk, or from its name on the hub."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelSize:
    """What estimates need to know of a model.

    Attributes:
        parameters: All of them.
        active: Those that a token meets: fewer than all in a mixture of experts.
        layers: Its layers.
        hidden: The width of its residual stream.
        cache: Numbers that a token's keys and values are, in all layers together.
        context: The longest text, in tokens; None where it is no bound on what the paper writes.
        vocabulary: Its tokens; None where they are not known.
        inner: Numbers that a layer keeps of a token for the backward pass, those of its two norms left out;
            None where the layer is not known.
    """

    parameters: float
    active: float
    layers: int
    hidden: int
    cache: int
    context: int | None = None
    vocabulary: int | None = None
    inner: int | None = None


KNOWN: Mapping[str, ModelSize] = {
    # 671B parameters of which 37B are active; 61 layers, 512 + 64 numbers cached (arXiv:2412.19437, 4.2)
    "deepseek-ai/DeepSeek-V3-Base": ModelSize(671e9, 37e9, 61, 7168, (512 + 64) * 61),
    # parameters and layers of the Qwen2.5 model cards; 2 x groups of keys and values x their width x layers
    "Qwen/Qwen2.5-0.5B": ModelSize(0.49e9, 0.49e9, 24, 896, 2 * 2 * 64 * 24),
    "Qwen/Qwen2.5-1.5B": ModelSize(1.54e9, 1.54e9, 28, 1536, 2 * 2 * 128 * 28),
    "Qwen/Qwen2.5-Math-1.5B": ModelSize(1.54e9, 1.54e9, 28, 1536, 2 * 2 * 128 * 28, 4096),
    "Qwen/Qwen2.5-3B": ModelSize(3.09e9, 3.09e9, 36, 2048, 2 * 2 * 128 * 36),
    "Qwen/Qwen2.5-Math-7B": ModelSize(7.61e9, 7.61e9, 28, 3584, 2 * 4 * 128 * 28, 4096),
    "Qwen/Qwen2.5-14B": ModelSize(14.7e9, 14.7e9, 48, 5120, 2 * 8 * 128 * 48),
    "Qwen/Qwen2.5-32B": ModelSize(32.5e9, 32.5e9, 64, 5120, 2 * 8 * 128 * 64),
    # 8B and 70B of arXiv:2407.21783, Table 3; the exact counts are those of the model cards
    "meta-llama/Llama-3.1-8B": ModelSize(8.03e9, 8.03e9, 32, 4096, 2 * 8 * 128 * 32),
    "meta-llama/Llama-3.3-70B-Instruct": ModelSize(70.6e9, 70.6e9, 80, 8192, 2 * 8 * 128 * 80),
}
"""By name on the hub: DeepSeek-V3-Base, and the models that conf/model/ has."""


def model_size(path: str) -> ModelSize | None:
    """The size of a model directory, or of a model whose name is known; None where neither tells."""
    file = Path(path).expanduser() / "config.json"
    if not file.is_file():
        return KNOWN.get(path)
    try:
        return size_from_config(json.loads(file.read_text()))
    except (KeyError, TypeError, ValueError, OSError):
        return None  # an architecture that is none of these


def size_from_config(config: Mapping[str, Any]) -> ModelSize:
    """The size that a config.json of the Llama, Mistral and Qwen families, or of DeepSeek-V3, comes to.

    With H hidden, L layers, V vocabulary, I the width of the feed-forward part, A heads and K groups of keys
    and values of width D: V H (2 V H where the head is not tied) + L (2 H A D + 2 H K D + 3 H I + 2 H) + H.
    Biases are left out, which are less than a thousandth, and so are DeepSeek-V3's norms.

    For the backward pass attention keeps rotated queries, what it gives, and that again in the order of the
    output projection (3 A D), keys and values (2 K D), and the feed-forward part the two projections, the
    activation and the product (4 I).

    Raises:
        KeyError: It has other keys than these families.
    """
    hidden, layers, heads = config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"]
    tables = config["vocab_size"] * hidden * (1 if config.get("tie_word_embeddings") else 2)
    if "kv_lora_rank" in config:
        return _latent(config, tables)
    if "num_experts" in config or "num_local_experts" in config:
        raise KeyError("experts")
    groups = config.get("num_key_value_heads") or heads
    width = config.get("head_dim") or hidden // heads
    layer = 2 * hidden * width * (heads + groups) + 3 * hidden * config["intermediate_size"] + 2 * hidden
    parameters = float(tables + layers * layer + hidden)
    context = config.get("max_position_embeddings")
    inner = 3 * heads * width + 2 * groups * width + 4 * config["intermediate_size"]
    cache = 2 * groups * width * layers
    return ModelSize(parameters, parameters, layers, hidden, cache, context, config["vocab_size"], inner)


def _latent(config: Mapping[str, Any], tables: int) -> ModelSize:
    """DeepSeek-V3: latent attention, and experts in all but the first layers (arXiv:2412.19437, 2.1)."""
    hidden, layers, heads = config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"]
    query, latent, rope = config["q_lora_rank"], config["kv_lora_rank"], config["qk_rope_head_dim"]
    plain, value = config["qk_nope_head_dim"], config["v_head_dim"]
    attention = hidden * query + query * heads * (plain + rope) + hidden * (latent + rope)
    attention += latent * heads * (plain + value) + heads * value * hidden
    dense = config["first_k_dense_replace"]
    shared, all_experts = config["n_shared_experts"], config["n_routed_experts"]
    expert = 3 * hidden * config["moe_intermediate_size"]
    same = tables + layers * attention + dense * 3 * hidden * config["intermediate_size"]
    routed = (layers - dense) * hidden * all_experts  # the routers

    def with_experts(count: int) -> float:
        return float(same + routed + (layers - dense) * (shared + count) * expert)

    active = with_experts(config["num_experts_per_tok"])
    cache, context = (latent + rope) * layers, config.get("max_position_embeddings")
    return ModelSize(with_experts(all_experts), active, layers, hidden, cache, context)
