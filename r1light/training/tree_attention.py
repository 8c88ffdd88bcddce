"""Attention over completions that share a prompt: each looks at the prompt's keys and at its own, no others.

All tokens of a micro-batch stand in one line, each prompt once. What looks at the same prompt and is of like
length is attended to together, so that nothing is computed for tokens that may not see each other, as a mask
over the whole line would.

Shapes: L tokens of the line, B branches of a block, T their own tokens and S those with the prompt's before
them (both padded), H heads, K heads of keys and values, D numbers a head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

NAME = "r1light_trees"
"""What transformers knows this attention by."""
LEAST_FILLED = 0.6
"""A branch shorter than this share of a block's longest begins another block."""


class Layout(Protocol):
    """Who sees whom in a line: `Trees`, or `Segments` of varlen_attention.py."""

    @property
    def device(self) -> torch.device:
        """Where it is."""
        ...

    def to(self, device: torch.device | str) -> Layout:
        """The same on another device."""
        ...

    def attend(self, q_LHD: Tensor, k_LKD: Tensor, v_LKD: Tensor, scale: float | None = None) -> Tensor:
        """Attention of the line's tokens to those that they see; [L, H, D].

        Args:
            q_LHD: Float queries.
            k_LKD: Float keys.
            v_LKD: Float values.
            scale: Multiplies the products; None for 1 / sqrt(D).
        """
        ...


@dataclass(frozen=True, slots=True)
class Branch:
    """Tokens from `start` to `end` of a line, and what stands before them for their attention."""

    start: int
    end: int
    trunk: Branch | None = None

    @property
    def length(self) -> int:
        """Its own tokens."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Block:
    """Branches that are computed together.

    Attributes:
        queries_BT: int64, where in the line their tokens stand; padding repeats the line's first.
        keys_BS: int64, where their prompt's and their own stand; padding likewise.
        mask_BTS: bool, True where a token may see another. Padding sees something, or it would be NaN.
    """

    queries_BT: Tensor
    keys_BS: Tensor
    mask_BTS: Tensor


@dataclass(frozen=True, slots=True)
class Trees:
    """Who sees whom in a line.

    Attributes:
        blocks: The branches.
        place_L: int64, where in the flattened outputs of all blocks [sum of B * T] each token's stands.
    """

    blocks: tuple[Block, ...]
    place_L: Tensor

    @classmethod
    def of(cls, branches: Sequence[Branch], length: int) -> Trees:
        """Lay branches out that cover a line of some length."""
        place_L = torch.zeros(length, dtype=torch.long)
        blocks, before = [], 0
        for members in _alike(branches):
            block = _block(members)
            longest = block.queries_BT.shape[1]
            for number, branch in enumerate(members):
                first = before + number * longest
                place_L[branch.start : branch.end] = torch.arange(first, first + branch.length)
            before += block.queries_BT.numel()
            blocks.append(block)
        return cls(tuple(blocks), place_L)

    def to(self, device: torch.device | str) -> Trees:
        """The same on another device."""
        blocks = (
            Block(each.queries_BT.to(device), each.keys_BS.to(device), each.mask_BTS.to(device))
            for each in self.blocks
        )
        return Trees(tuple(blocks), self.place_L.to(device))

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.place_L.device

    def attend(self, q_LHD: Tensor, k_LKD: Tensor, v_LKD: Tensor, scale: float | None = None) -> Tensor:
        """Causal attention in each branch and to its prompt; see `Layout.attend`."""
        outputs = []
        for block in self.blocks:
            q_BHTD = q_LHD[block.queries_BT].transpose(1, 2)
            k_BKSD, v_BKSD = (each_LKD[block.keys_BS].transpose(1, 2) for each_LKD in (k_LKD, v_LKD))
            out_BHTD = scaled_dot_product_attention(
                q_BHTD, k_BKSD, v_BKSD, attn_mask=block.mask_BTS[:, None], scale=scale, enable_gqa=True
            )
            outputs.append(out_BHTD.transpose(1, 2).flatten(0, 1))
        return torch.cat(outputs)[self.place_L]


def _alike(branches: Sequence[Branch]) -> list[list[Branch]]:
    """Branches of like length, so that there is little padding."""
    alike: list[list[Branch]] = []
    for branch in sorted(branches, key=lambda each: -each.length):
        if branch.length == 0:
            continue
        if not alike or branch.length < LEAST_FILLED * alike[-1][0].length:
            alike.append([])
        alike[-1].append(branch)
    return alike


def _block(members: Sequence[Branch]) -> Block:
    keys = [[*_positions(each.trunk), *_positions(each)] for each in members]
    own_B = torch.tensor([each.length for each in members])
    all_B = torch.tensor([len(each) for each in keys])
    queries_BT = _padded([_positions(each) for each in members])
    keys_BS = _padded(keys)
    seen_BT = (all_B - own_B)[:, None] + torch.arange(queries_BT.shape[1])  # the last key that a token sees
    seen_BT = torch.minimum(seen_BT, all_B[:, None] - 1)
    return Block(queries_BT, keys_BS, torch.arange(keys_BS.shape[1]) <= seen_BT[..., None])


def _positions(branch: Branch | None) -> range:
    return range(branch.start, branch.end) if branch else range(0)


def _padded(rows: Sequence[Sequence[int]]) -> Tensor:
    longest = max(map(len, rows))
    flat = chain.from_iterable((*row, *([0] * (longest - len(row)))) for row in rows)
    return torch.tensor(list(flat)).view(len(rows), longest)


def attention_forward(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """The same for a layer of transformers; without trees, its own attention by SDPA."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    trees: Layout | None = options.pop("trees", None)
    if trees is None:
        found: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, **options
        )
        return found
    q_LHD, k_LKD, v_LKD = (each[0].transpose(0, 1) for each in (query, key, value))
    return trees.attend(q_LHD, k_LKD, v_LKD, options.get("scaling"))[None], None


def only_trees(trees: Layout) -> dict[str, Any]:
    """Arguments of a model's forward pass, after `use_trees`.

    The empty mask keeps transformers from making one, and fails in an attention that does not know trees.
    """
    return {"trees": trees, "attention_mask": torch.empty(1, 1, 0, 0, dtype=torch.bool, device=trees.device)}


def use_trees(model: Any) -> None:
    """Let a transformers model understand `trees=` in its forward pass; all else stays as it was."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, attention_forward)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)
