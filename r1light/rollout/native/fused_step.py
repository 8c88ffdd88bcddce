"""A decode step on a GPU: `Decoder.step` by `operations`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from r1light.rollout.native import operations
from r1light.rollout.native.decoder import Decoder


def fused_step(
    decoder: Decoder, tokens_B: Tensor, positions_B: Tensor, places_B: Tensor, cache: Tensor
) -> Tensor:
    """Read one more token a row.

    Args:
        decoder: The model.
        tokens_B: int64 [B].
        positions_B: int64 [B], where each stands in its text.
        places_B: int64 [B], the row of the cache that has its text.
        cache: [layers, 2, S, K, L, D]; takes keys and values.

    Returns:
        Logits after the tokens, float32 [B, V].
    """
    arch, weights = decoder.arch, decoder.weights
    rows = tokens_B.shape[0]
    hidden_BH = F.embedding(tokens_B, weights.embed)
    normed_BH = operations.rms_norm(hidden_BH, weights.layers[0].input_norm, arch.eps)
    next_norms = [*(layer.input_norm for layer in weights.layers[1:]), weights.norm]
    for index, (layer, next_norm) in enumerate(zip(weights.layers, next_norms, strict=True)):
        heads_BFD = layer.qkv(normed_BH).view(rows, arch.fused_heads, arch.head_dim)
        mixed_BA = operations.attend(
            heads_BFD, decoder.rotary_LD2, positions_B, places_B, cache[index],
            (layer.q_norm, layer.k_norm), arch.windows[index], arch,
        )  # fmt: skip
        normed_BH = operations.add_and_norm(hidden_BH, layer.out, mixed_BA, layer.post_norm, arch.eps)
        gated_BI = layer.gate_up(normed_BH)
        normed_BH = operations.add_and_norm(hidden_BH, layer.down, gated_BI, next_norm, arch.eps)
    return decoder.head(normed_BH).to(torch.float32)
