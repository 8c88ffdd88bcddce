"""What a decode step does around its matrix products on a GPU, by the kernels of kernels.py.

B rows, S places in the cache, H hidden, A query heads, K key/value heads, G query heads a key/value head, L
length, D head width, I inputs of a product, P parts of them with J inputs each, V vocabulary; F = A + 2K
heads of the fused projection.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
from torch import Tensor

from r1light.rollout.native import kernels
from r1light.rollout.native.linear import Linear
from r1light.rollout.native.support import Architecture

KEY_BLOCK = 4096
"""Most numbers of keys that attention takes at a time, of texts that are not split."""
FILLING_PROGRAMS = 256
"""About as many programs at a time keep a large GPU busy."""
SPLIT_LENGTH = 512
"""Parts of a text shorter than this are not worth putting together again."""
FILLING_TILES, TILE = 128, 128
"""As many squares of a product as this, of so many rows and columns, keep a large GPU busy."""
PART_INPUTS = 1024
"""Parts of a product over fewer inputs than this are not worth adding up again."""
DRAW_BLOCK = 4096
"""Tokens of the vocabulary that are summed up at a time."""


def rms_norm(hidden_BH: Tensor, weight_H: Tensor, eps: float, parts_PBH: Tensor | None = None) -> Tensor:
    """`F.rms_norm` of rows that fit into registers; torch's own kernel is made for many.

    Args:
        hidden_BH: [B, H].
        weight_H: [H].
        eps: Added to the mean square.
        parts_PBH: [P, B, H]; added to `hidden_BH` first, in place and in float32.

    Returns:
        [B, H], in the dtype of `hidden_BH`.
    """
    rows, width = hidden_BH.shape
    normed_BH = torch.empty_like(hidden_BH)
    block = triton.next_power_of_2(width)
    parts, count = (hidden_BH, 0) if parts_PBH is None else (parts_PBH, parts_PBH.shape[0])
    kernels.add_and_norm[rows,](
        hidden_BH, parts, weight_H, normed_BH, width, rows * width, eps, PARTS=count, BLOCK=block,
        num_warps=max(1, min(8, block // 512)),
    )  # fmt: skip
    return normed_BH


def add_and_norm(hidden_BH: Tensor, linear: Linear, input_BI: Tensor, weight_H: Tensor, eps: float) -> Tensor:
    """Add a projection to the residual stream, in place, and norm the sum.

    A product of few rows by few columns keeps a GPU busy only where its inputs are taken in parts; these are
    added up, in float32, by the kernel that norms. A projection that has a bias is taken whole.

    Args:
        hidden_BH: [B, H], the residual stream; changed.
        linear: From I to H, of the same dtype.
        input_BI: [B, I], likewise.
        weight_H: [H], of the norm.
        eps: Added to the mean square.

    Returns:
        RMSNorm of the sum, [B, H].
    """
    (rows, inputs), outputs = input_BI.shape, hidden_BH.shape[1]
    count = 1 if linear.bias is not None else parts_of_product(rows, inputs, outputs)
    if count == 1:
        return rms_norm(linear.plus(input_BI, hidden_BH), weight_H, eps)
    input_PBJ = input_BI.view(rows, count, -1).transpose(0, 1)
    weight_PJH = linear.weight.view(outputs, count, -1).permute(1, 2, 0)
    if input_BI.dtype.itemsize < 4:
        parts_PBH = torch.bmm(input_PBJ, weight_PJH, out_dtype=torch.float32)
    else:
        parts_PBH = torch.bmm(input_PBJ, weight_PJH)
    return rms_norm(hidden_BH, weight_H, eps, parts_PBH)


def parts_of_product(rows: int, inputs: int, outputs: int) -> int:
    """In how many parts the inputs of a product are taken: 1, 2 or 4.

    Example:
        >>> parts_of_product(256, 8960, 1536), parts_of_product(256, 1536, 1536)
        (4, 1)
    """
    tiles = triton.cdiv(rows, TILE) * triton.cdiv(outputs, TILE)
    for count in (4, 2):
        # cuBLAS has fast kernels only for rows that begin at multiples of 16 bytes
        if inputs % (8 * count) == 0 and inputs >= count * PART_INPUTS and tiles * count <= FILLING_TILES:
            return count
    return 1


def attend(
    heads_BFD: Tensor,
    rotary_LD2: Tensor,
    positions_B: Tensor,
    places_B: Tensor,
    cache: Tensor,
    norms: tuple[Tensor | None, Tensor | None],
    window: int | None,
    arch: Architecture,
) -> Tensor:
    """Attention of each row's token over its own text (Dao 2023); where rows are few, over its parts apart.

    Queries and keys are normed and rotated first, and the tokens' keys and values put into the cache.

    Args:
        heads_BFD: [B, F, D] as projected: queries, keys, values; pairs interleaved. Left as it was.
        rotary_LD2: float32 [at least L, D/2, 2], cosine and sine.
        positions_B: int64 [B]; a row sees up to its position.
        places_B: int64 [B], where in the cache each row has its keys and values.
        cache: [2, S, K, L, D] of one layer.
        norms: [D] each, of queries and keys; None for no norm.
        window: How many tokens a token sees, itself included; None for all before it.
        arch: Heads and epsilon.

    Returns:
        [B, A * D].
    """
    rows, _, width = heads_BFD.shape
    longest = min(cache.shape[3], window or cache.shape[3])
    splits = max(1, min(FILLING_PROGRAMS // (rows * arch.kv_heads), longest // SPLIT_LENGTH))
    mixed_BA = heads_BFD.new_empty(rows, arch.heads * width)
    sharing = arch.heads // arch.kv_heads
    shape: dict[str, Any] = {
        "KV": arch.kv_heads, "G": sharing, "D": width, "SPLITS": splits,
        "G_BLOCK": max(16, triton.next_power_of_2(sharing)),
        "D_BLOCK": max(16, triton.next_power_of_2(width)),
    }  # fmt: skip
    parts = mixed_BA
    sums = mixed_BA
    if splits > 1:
        parts = heads_BFD.new_empty(rows, arch.kv_heads, splits, sharing, width, dtype=torch.float32)
        sums = parts.new_empty(2, rows, arch.kv_heads, splits, sharing)
    query_norm, key_norm = norms
    # Many programs hide each other's waiting, and two warps wait less for one another.
    keys, warps = (64, 4) if splits > 1 else (max(16, min(64, KEY_BLOCK // shape["D_BLOCK"])), 2)
    kernels.attend[rows, arch.kv_heads, splits](
        heads_BFD, rotary_LD2, positions_B, places_B, cache,
        heads_BFD if query_norm is None else query_norm, heads_BFD if key_norm is None else key_norm,
        parts, sums, arch.eps, width**-0.5, *cache.stride()[:3],
        WINDOW=window or 0, QUERY_NORM=query_norm is not None, KEY_NORM=key_norm is not None,
        L_BLOCK=keys, **shape, num_warps=warps,
        num_stages=3 if heads_BFD.element_size() < 4 else 1,  # small GPUs have no room for more in float32
    )  # fmt: skip
    if splits > 1:
        kernels.join[rows, arch.kv_heads](parts, sums, mixed_BA, **shape, num_warps=4)
    return mixed_BA


def gate(both_B2: Tensor) -> Tensor:
    """SiLU of the first half of each row times the second half: [B, 2 I] to [B, I]."""
    rows, double = both_B2.shape
    gated_BI = both_B2.new_empty(rows, double // 2)
    block = 1024
    kernels.gate[rows, triton.cdiv(double // 2, block)](
        both_B2, gated_BI, double // 2, BLOCK=block, num_warps=4
    )
    return gated_BI


def draw(
    logits_BV: Tensor, temperature: float, top_p: float, states_B: Tensor, drawn_B: Tensor
) -> tuple[Tensor, Tensor]:
    """`sample_tokens` without top_k, of a few passes over the logits, without a copy of them and unsorted.

    Sums are of float32 parts in float64, in another order than there: where a draw falls on the border of two
    tokens, to about 1e-7, the other one may come. Of equal logits on the border of the nucleus all are kept.

    Args:
        logits_BV: float32 [B, V].
        temperature: Above 0.
        top_p: As in `SamplingParams`; 1 keeps all.
        states_B: int64 [B], of `row_states`.
        drawn_B: int64 [B], the token's position in its completion.

    Returns:
        Token ids, int64 [B], and their log-probabilities, float32 [B].
    """
    rows, vocabulary = logits_BV.shape
    tiles = triton.cdiv(vocabulary, DRAW_BLOCK)
    maxima_BT, sums_BT, kept_BT = logits_BV.new_empty(3, rows, tiles)
    floors_B = torch.empty(rows, dtype=torch.int32, device=logits_BV.device)
    tokens_B, logprobs_B = torch.empty_like(states_B), logits_BV.new_empty(rows)
    scale, cut = 1 / temperature, top_p < 1.0
    block = {"BLOCK": DRAW_BLOCK, "num_warps": 8}
    tile_block = triton.next_power_of_2(tiles)
    kernels.sum_tiles[rows, tiles](
        logits_BV, maxima_BT, floors_B, sums_BT, scale, vocabulary, tiles, CUT=False, **block
    )
    if cut:
        kernels.nucleus[rows,](
            logits_BV, maxima_BT, sums_BT, floors_B, scale, max(top_p, 1e-30), vocabulary, tiles, BLOCK=512,
            T_BLOCK=tile_block, num_warps=4,
        )  # fmt: skip
        kernels.sum_tiles[rows, tiles](
            logits_BV, maxima_BT, floors_B, kept_BT, scale, vocabulary, tiles, CUT=True, **block
        )
    kernels.draw[rows,](
        logits_BV, maxima_BT, sums_BT, floors_B, kept_BT, states_B, drawn_B, tokens_B, logprobs_B, scale,
        vocabulary, tiles, CUT=cut, T_BLOCK=tile_block, **block,
    )  # fmt: skip
    return tokens_B, logprobs_B
