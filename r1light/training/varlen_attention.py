"""Attention of rows that stand in one line without padding, told apart by where they begin: for a GPU.

No mask is made, which the fast kernels do not take, and nothing is computed for tokens that do not see each
other. Completions that share a prompt see its keys and values, which are copied to each; all else of the
prompt is computed once.

Shapes: L tokens of the line, N stretches of it (M = N + 1), S keys of all stretches, T queries and U keys of
one, H heads, K heads of keys and values, D numbers a head.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from r1light.training.tree_attention import Branch

LARGEST_HEAD = 256
"""Numbers a head that the kernel takes at most, in multiples of 8."""


@dataclass(frozen=True, slots=True)
class Segments:
    """Stretches of a line, each of which sees keys of its own.

    Its last query sees all of them, the one before it all but the last, and so on.

    Attributes:
        queries_M: int32, where the stretches begin in the line, and its end.
        keys_M: int32, where their keys begin among all keys, and the end of those.
        place_S: int64, where in the line each key stands; None where keys are the line's tokens.
        longest: The most queries and the most keys of a stretch.
    """

    queries_M: Tensor
    keys_M: Tensor
    place_S: Tensor | None
    longest: tuple[int, int]

    @classmethod
    def of(cls, branches: Sequence[Branch]) -> Segments:
        """From branches that cover a line, in its order. One that goes on where its trunk ends joins it."""
        queries: list[int] = []
        keys: list[list[Tensor]] = []
        for branch in branches:
            own = torch.arange(branch.start, branch.end)
            if branch.trunk is not None and branch.start == branch.trunk.end:
                queries[-1] += branch.length
                keys[-1].append(own)
            elif branch.length:
                trunk = branch.trunk
                queries.append(branch.length)
                keys.append([own] if trunk is None else [torch.arange(trunk.start, trunk.end), own])
        place_S = torch.cat([part for parts in keys for part in parts])
        sizes = [sum(map(len, parts)) for parts in keys]
        return cls(
            queries_M=torch.tensor([0, *accumulate(queries)], dtype=torch.int32),
            keys_M=torch.tensor([0, *accumulate(sizes)], dtype=torch.int32),
            place_S=place_S if len(place_S) > sum(queries) else None,
            longest=(max(queries), max(sizes)),
        )

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.queries_M.device

    def to(self, device: torch.device | str) -> Segments:
        """The same on another device."""
        place_S = None if self.place_S is None else self.place_S.to(device)
        return replace(
            self, queries_M=self.queries_M.to(device), keys_M=self.keys_M.to(device), place_S=place_S
        )

    def attend(self, q_LHD: Tensor, k_LKD: Tensor, v_LKD: Tensor, scale: float | None = None) -> Tensor:
        """Attention of each stretch to its keys, [L, H, D], in the dtype that products are taken in.

        Args:
            q_LHD: Float queries.
            k_LKD: Float keys.
            v_LKD: Float values.
            scale: Multiplies the products; None for 1 / sqrt(D).
        """
        dtype = product_dtype(q_LHD)
        if takes_kernel(q_LHD):
            k_SKD, v_SKD = (self._keys(each).to(dtype) for each in (k_LKD, v_LKD))
            return _kernel(q_LHD.to(dtype), k_SKD, v_SKD, self, scale)
        return _one_by_one(q_LHD, self._keys(k_LKD), self._keys(v_LKD), self, scale)

    def _keys(self, values_LKD: Tensor) -> Tensor:
        if self.place_S is None:
            return values_LKD
        # A prompt's gradients of all its completions are summed in at least 32 bits.
        wide = torch.promote_types(values_LKD.dtype, torch.float32)
        return values_LKD.to(wide).index_select(0, self.place_S).to(values_LKD.dtype)


def product_dtype(tensor: Tensor) -> torch.dtype:
    """The dtype in which products with a tensor are taken: autocast's, where that is on."""
    device = tensor.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else tensor.dtype


def takes_kernel(tensor: Tensor) -> bool:
    """Whether there is a kernel for it: from Ampere on, in 16 bits, for heads [..., D] of some sizes."""
    size = tensor.shape[-1]
    short = product_dtype(tensor) in (torch.bfloat16, torch.float16)
    known = short and size % 8 == 0 and size <= LARGEST_HEAD
    return tensor.is_cuda and known and torch.cuda.get_device_capability(tensor.device) >= (8, 0)


def _kernel(q_LHD: Tensor, k_SKD: Tensor, v_SKD: Tensor, parts: Segments, scale: float | None) -> Tensor:
    """By torch's kernel (FlashAttention-2, arXiv:2307.08691): the last query sees the last key."""
    from torch.nn.attention.varlen import varlen_attn

    # before torch 2.12 it groups heads unasked
    asked = "enable_gqa" in inspect.signature(varlen_attn).parameters
    options: dict[str, Any] = {"enable_gqa": True} if asked else {}
    out_LHD: Any = varlen_attn(
        q_LHD, k_SKD, v_SKD, parts.queries_M, parts.keys_M, *parts.longest,
        scale=scale, window_size=(-1, 0), **options,
    )  # fmt: skip
    assert isinstance(out_LHD, Tensor)  # nothing else was asked for
    return out_LHD


def _one_by_one(q_LHD: Tensor, k_SKD: Tensor, v_SKD: Tensor, parts: Segments, scale: float | None) -> Tensor:
    """The same on any device and in any dtype, a stretch at a time."""
    queries, keys = (ends_M.diff().tolist() for ends_M in (parts.queries_M, parts.keys_M))
    outputs = []
    for stretch in zip(
        torch.split(q_LHD, queries), torch.split(k_SKD, keys), torch.split(v_SKD, keys), strict=True
    ):
        q_HTD, k_KUD, v_KUD = (each.transpose(0, 1)[None] for each in stretch)
        tokens, seen = q_HTD.shape[2], k_KUD.shape[2]
        seen_TU = torch.ones(tokens, seen, dtype=torch.bool, device=parts.device).tril(seen - tokens)
        out_HTD = scaled_dot_product_attention(
            q_HTD, k_KUD, v_KUD, attn_mask=seen_TU, scale=scale, enable_gqa=True
        )
        outputs.append(out_HTD[0].transpose(0, 1))
    return torch.cat(outputs)
