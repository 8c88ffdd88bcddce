"""Triton kernels of a decode step; `operations` says what goes in and out.

Each takes the place of four to a dozen of torch's kernels, whose launches would cost more than their work.
They follow the cache's layout by three strides, and read each row's position and place in the cache from
tensors, so that a recorded graph serves any mixture of lengths. Reductions are in float32, and numbers are
rounded to the tensors' own type where torch rounds them.

Dimensions are named as in `operations`; a name in capitals is one of a block.
"""

from __future__ import annotations

import triton
import triton.language as tl

from r1light.rollout import keys

GOLDEN, MIX_1, MIX_2 = (tl.constexpr(value) for value in (keys.GOLDEN, keys.MIX_1, keys.MIX_2))


@triton.jit
def add_and_norm(
    hidden, parts, weight, normed, width, part_stride, eps, PARTS: tl.constexpr, BLOCK: tl.constexpr
):
    """A program: one row, which is written too where there are parts to add."""
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK)
    inside = column < width
    at = row * width + column
    number = tl.load(hidden + at, mask=inside, other=0.0).to(tl.float32)
    for part in tl.static_range(PARTS):
        number += tl.load(parts + part * part_stride + at, mask=inside, other=0.0).to(tl.float32)
    if PARTS > 0:
        rounded = number.to(hidden.dtype.element_ty)
        tl.store(hidden + at, rounded, mask=inside)
        number = rounded.to(tl.float32)
    scale = tl.rsqrt(tl.sum(number * number, 0) / width + eps)
    factor = tl.load(weight + column, mask=inside, other=0.0).to(tl.float32)
    tl.store(normed + at, number * scale * factor, mask=inside)


@triton.jit
def turned(at, shown, rotary, position, weight, eps, D: tl.constexpr, HALF: tl.constexpr, NORM: tl.constexpr):
    """Heads, normed where the model does and rotated to a position; pairs that turn stand side by side.

    `at` points at the first number of each head, [heads, 1] or one; returns [heads, 2 HALF], 0 beyond D.
    """
    pair = tl.arange(0, HALF)[None, :]
    real = pair < D // 2
    even = tl.load(at + 2 * pair, mask=shown & real, other=0.0).to(tl.float32)
    odd = tl.load(at + 2 * pair + 1, mask=shown & real, other=0.0).to(tl.float32)
    dtype = at.dtype.element_ty
    if NORM:
        scale = tl.rsqrt((tl.sum(even * even, 1) + tl.sum(odd * odd, 1)) / D + eps)[:, None]
        # torch rounds what a norm returns
        even = (even * scale * tl.load(weight + 2 * pair, mask=real, other=1.0)).to(dtype).to(tl.float32)
        odd = (odd * scale * tl.load(weight + 2 * pair + 1, mask=real, other=1.0)).to(dtype).to(tl.float32)
    angle = rotary + (position * (D // 2) + pair) * 2
    cosine = tl.load(angle, mask=real, other=1.0)
    sine = tl.load(angle + 1, mask=real, other=0.0)
    return tl.interleave(even * cosine - odd * sine, even * sine + odd * cosine).to(dtype)


@triton.jit
def add_keys(query_GD, keys_LD, real_L, real_D, scale, kind_stride, best_G, total_G, mixed_GD):
    """The largest score, sum and weighted values of a softmax, with some keys more (Milakov et al. 2018)."""
    real_LD = real_L[:, None] & real_D[None, :]
    key_LD = tl.load(keys_LD, mask=real_LD, other=0.0)
    score_GL = tl.dot(query_GD, tl.trans(key_LD), input_precision="ieee") * scale
    score_GL = tl.where(real_L[None, :], score_GL, float("-inf"))
    higher_G = tl.maximum(best_G, tl.max(score_GL, 1))
    weight_GL = tl.exp(score_GL - higher_G[:, None])
    kept_G = tl.exp(best_G - higher_G)
    value_LD = tl.load(keys_LD + kind_stride, mask=real_LD, other=0.0)
    added_GD = tl.dot(weight_GL.to(value_LD.dtype), value_LD, input_precision="ieee")
    return higher_G, total_G * kept_G + tl.sum(weight_GL, 1), mixed_GD * kept_G[:, None] + added_GD


@triton.jit
def attend(
    heads, rotary, positions, places, cache, query_norm, key_norm, parts, sums, eps, scale,
    kind_stride, place_stride, head_stride,
    KV: tl.constexpr, G: tl.constexpr, D: tl.constexpr, SPLITS: tl.constexpr, WINDOW: tl.constexpr,
    QUERY_NORM: tl.constexpr, KEY_NORM: tl.constexpr,
    G_BLOCK: tl.constexpr, D_BLOCK: tl.constexpr, L_BLOCK: tl.constexpr,
):  # fmt: skip
    """A program: the queries of one key/value head of one row, over one part of its text.

    That of the first part has the row's own token besides, whose key and value it puts into the cache.
    """
    row, kv_head, split = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.program_id(2)
    g, d = tl.arange(0, G_BLOCK), tl.arange(0, D_BLOCK)
    shown = (g[:, None] < G) & (d[None, :] < D)
    position = tl.load(positions + row)
    of_row = heads + row * (KV * G + 2 * KV) * D
    query_GD = turned(
        of_row + (kv_head * G + g[:, None]) * D, g[:, None] < G, rotary, position, query_norm, eps,
        D, D_BLOCK // 2, QUERY_NORM,
    )  # fmt: skip
    keys = cache + tl.load(places + row) * place_stride + kv_head * head_stride
    own = of_row + (KV * G + kv_head) * D
    key_1D = turned(own, True, rotary, position, key_norm, eps, D, D_BLOCK // 2, KEY_NORM)
    value_1D = tl.load(own + KV * D + d[None, :], mask=d[None, :] < D, other=0.0)
    kept = keys + position * D + d[None, :]
    is_first = split == 0
    tl.store(kept, key_1D, mask=is_first & (d[None, :] < D))
    tl.store(kept + kind_stride, value_1D, mask=is_first & (d[None, :] < D))
    own_G = tl.sum(query_GD.to(tl.float32) * key_1D.to(tl.float32), 1) * scale
    best_G = tl.where(is_first, own_G, float("-inf"))
    total_G = tl.where(is_first, 1.0, tl.zeros([G_BLOCK], tl.float32))
    mixed_GD = tl.where(is_first, value_1D.to(tl.float32), tl.zeros([G_BLOCK, D_BLOCK], tl.float32))
    begin = position * 0
    if WINDOW > 0:
        begin = tl.maximum(position + 1 - WINDOW, 0)
    share = tl.cdiv(position - begin, SPLITS)
    first = begin + split * share
    last = tl.minimum(first + share, position)
    for start in range(first, last, L_BLOCK):
        place = start + tl.arange(0, L_BLOCK)
        best_G, total_G, mixed_GD = add_keys(
            query_GD, keys + place[:, None] * D + d[None, :], place < last, d < D, scale, kind_stride,
            best_G, total_G, mixed_GD,
        )  # fmt: skip
    if SPLITS == 1:
        at_GD = parts + (row * KV * G + kv_head * G + g[:, None]) * D + d[None, :]
        tl.store(at_GD, mixed_GD / total_G[:, None], mask=shown)
    else:
        part = ((row * KV + kv_head) * SPLITS + split) * G
        tl.store(parts + (part + g[:, None]) * D + d[None, :], mixed_GD, mask=shown)
        tl.store(sums + part + g, best_G, mask=g < G)
        tl.store(sums + tl.num_programs(0) * KV * SPLITS * G + part + g, total_G, mask=g < G)


@triton.jit
def join(
    parts, sums, mixed, KV: tl.constexpr, G: tl.constexpr, D: tl.constexpr, SPLITS: tl.constexpr,
    G_BLOCK: tl.constexpr, D_BLOCK: tl.constexpr,
):  # fmt: skip
    """A program: the parts of one key/value head of one row."""
    row, kv_head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    g, d = tl.arange(0, G_BLOCK), tl.arange(0, D_BLOCK)
    shown = (g[:, None] < G) & (d[None, :] < D)
    totals = sums + tl.num_programs(0) * KV * SPLITS * G
    best_G = tl.full([G_BLOCK], float("-inf"), tl.float32)
    total_G = tl.zeros([G_BLOCK], tl.float32)
    mixed_GD = tl.zeros([G_BLOCK, D_BLOCK], tl.float32)
    for split in range(SPLITS):  # the first is never empty, so that `higher_G` is finite
        part = ((row * KV + kv_head) * SPLITS + split) * G
        other_G = tl.load(sums + part + g, mask=g < G, other=0.0)
        higher_G = tl.maximum(best_G, other_G)
        kept_G, taken_G = tl.exp(best_G - higher_G), tl.exp(other_G - higher_G)
        total_G = total_G * kept_G + tl.load(totals + part + g, mask=g < G, other=1.0) * taken_G
        part_GD = tl.load(parts + (part + g[:, None]) * D + d[None, :], mask=shown, other=0.0)
        mixed_GD = mixed_GD * kept_G[:, None] + part_GD * taken_G[:, None]
        best_G = higher_G
    at_GD = mixed + (row * KV * G + kv_head * G + g[:, None]) * D + d[None, :]
    tl.store(at_GD, mixed_GD / total_G[:, None], mask=shown)


@triton.jit
def gate(both, gated, width, BLOCK: tl.constexpr):
    """A program: a stretch of one row."""
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = column < width
    at = both + row * 2 * width + column
    opened = tl.load(at, mask=inside, other=0.0).to(tl.float32)
    dtype = gated.dtype.element_ty
    opened = (opened * tl.sigmoid(opened)).to(dtype).to(tl.float32)  # torch rounds between the two
    passed = tl.load(at + width, mask=inside, other=0.0).to(tl.float32)
    tl.store(gated + row * width + column, opened * passed, mask=inside)


@triton.jit
def sum_tiles(logits, maxima, floors, sums, scale, vocabulary, tiles, CUT: tl.constexpr, BLOCK: tl.constexpr):
    """A program: the largest logit of a tile of one row, and the sum of exponentials relative to it."""
    row, tile = tl.program_id(0).to(tl.int64), tl.program_id(1)
    token = tile * BLOCK + tl.arange(0, BLOCK)
    logit = tl.load(logits + row * vocabulary + token, mask=token < vocabulary, other=float("-inf")) * scale
    highest = tl.max(logit, 0)
    weight = tl.exp(logit - highest)
    if CUT:
        weight = tl.where(ordered(logit) >= tl.load(floors + row), weight, 0.0)
    tl.store(maxima + row * tiles + tile, highest)
    tl.store(sums + row * tiles + tile, tl.sum(weight, 0))


@triton.jit
def nucleus(
    logits, maxima, sums, floors, scale, share, vocabulary, tiles, BLOCK: tl.constexpr, T_BLOCK: tl.constexpr
):
    """A program: one row; four bits at a time, the highest logit that leaves the share at or above it."""
    row = tl.program_id(0).to(tl.int64)
    best, total_T = shares(maxima, sums, row, tiles, T_BLOCK)
    wanted = (tl.sum(total_T, 0) * share).to(tl.float32)
    way = tl.arange(0, 16)
    floor = tl.full([], -2147483648, tl.int32)
    for level in range(8):
        step = tl.full([], 1, tl.int32) << (28 - 4 * level)
        edge = floor + way * step
        above = tl.zeros([16, BLOCK], tl.float32)
        for start in range(0, vocabulary, BLOCK):
            token = start + tl.arange(0, BLOCK)
            inside = token < vocabulary
            logit = tl.load(logits + row * vocabulary + token, mask=inside, other=float("-inf")) * scale
            counts = ordered(logit)[None, :] >= edge[:, None]
            above += tl.where(counts, tl.exp(logit - best)[None, :], 0.0)
        reached = tl.sum((tl.sum(above, 1) >= wanted).to(tl.int32), 0)
        floor += tl.maximum(reached - 1, 0) * step
    tl.store(floors + row, floor)


@triton.jit
def draw(
    logits, maxima, sums, floors, kept, states, drawn, tokens, logprobs, scale, vocabulary, tiles,
    CUT: tl.constexpr, BLOCK: tl.constexpr, T_BLOCK: tl.constexpr,
):  # fmt: skip
    """A program: one row; finds the tile that the draw falls into, and the token in it."""
    row = tl.program_id(0).to(tl.int64)
    best, share_T = shares(maxima, sums, row, tiles, T_BLOCK)
    total = tl.sum(share_T, 0)
    if CUT:
        best, share_T = shares(maxima, kept, row, tiles, T_BLOCK)
    t = tl.arange(0, T_BLOCK)
    target = uniform(tl.load(states + row), tl.load(drawn + row)) * tl.sum(share_T, 0)
    passed = (tl.cumsum(share_T, 0) <= target) & (t < tiles)
    lasting = tl.max(tl.where(share_T > 0.0, t, 0), 0)
    tile = tl.minimum(tl.sum(passed.to(tl.int32), 0), lasting)
    before = tl.sum(tl.where(t < tile, share_T, 0.0), 0)
    share = tl.sum(tl.where(t == tile, share_T, 0.0), 0)
    v = tl.arange(0, BLOCK)
    token = tile * BLOCK + v
    logit = tl.load(logits + row * vocabulary + token, mask=token < vocabulary, other=float("-inf")) * scale
    weight = tl.exp(logit - best).to(tl.float64)
    if CUT:
        weight = tl.where(ordered(logit) >= tl.load(floors + row), weight, 0.0)
    # The tile's sum was rounded otherwise there: the draw's share of the tile is what carries over.
    target = (target - before) / share * tl.sum(weight, 0)
    last = tl.max(tl.where(weight > 0.0, v, 0), 0)
    chosen = tl.minimum(tl.sum((tl.cumsum(weight, 0) <= target).to(tl.int32), 0), last)
    picked = tl.sum(tl.where(v == chosen, logit, 0.0), 0)
    tl.store(tokens + row, (tile * BLOCK + chosen).to(tl.int64))
    tl.store(logprobs + row, (picked - best - tl.log(total)).to(tl.float32))


@triton.jit
def shares(maxima, sums, row, tiles, T_BLOCK: tl.constexpr):
    """A row's largest logit, and each tile's sum relative to it in float64."""
    t = tl.arange(0, T_BLOCK)
    best_T = tl.load(maxima + row * tiles + t, mask=t < tiles, other=float("-inf"))
    best = tl.max(best_T, 0)
    sum_T = tl.load(sums + row * tiles + t, mask=t < tiles, other=0.0)
    return best, (sum_T * tl.exp(best_T - best)).to(tl.float64)


@triton.jit
def ordered(number):
    """An integer that is the larger, the larger the number is."""
    bits = number.to(tl.int32, bitcast=True)
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


@triton.jit
def uniform(state, position):
    """`keys.uniform`."""
    value = state.to(tl.uint64, bitcast=True) + (position + 1).to(tl.uint64, bitcast=True) * GOLDEN
    value = (value ^ (value >> 30)) * MIX_1
    value = (value ^ (value >> 27)) * MIX_2
    value = value ^ (value >> 31)
    return (value >> 11).to(tl.float64) * 1.1102230246251565e-16  # 2^-53
