"""From scored completions to the tensors of a micro-batch.

The completions of one prompt share it: they hang on one copy of the prompt like branches on a trunk, in one
sequence whose attention mask lets a token see the trunk and its own branch. Each position number counts on
from the trunk, so the model computes what it would for every prompt and completion on their own, and the
prompt is computed once a group. A tree of one branch is an ordinary row and needs no mask.

Shapes: N trees, L tokens a tree (padded), B rows (completions), T completion tokens (padded), K completion
tokens of all rows together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import groupby
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Row:
    """One completion to learn from.

    Attributes:
        group: The index of its group in the rollout; rows of one group share their prompt.
        prompt_ids: The prompt's token ids, at least one.
        completion_ids: The sampled token ids, at least one, the end token included.
        rollout_logprobs: The engine's log-probability of each sampled id, in nats.
        advantage: One number for all its tokens.
        learn: Whether its tokens count in the loss.
    """

    group: int
    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]
    rollout_logprobs: tuple[float, ...]
    advantage: float
    learn: bool = True


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """What one forward and backward pass needs.

    Attributes:
        input_ids_NL: int64 token ids of the trees; padding repeats id 0 and is never looked at.
        position_ids_NL: int64.
        mask_NLL: bool, True where a token (second axis) may see another (third); None where every tree is one
            row, which plain causal attention serves.
        source_K: int64, where in the flattened [N * L] the hidden state stands that predicts each token.
        target_K: int64, the token to predict.
        row_K: int64, its row.
        column_K: int64, its position in the completion.
        rollout_logprobs_BT: float32.
        advantages_B: float32.
        mask_BT: bool, the tokens that count.
        rows: The positions of the rows in the sequence the micro-batch was cut from.
    """

    input_ids_NL: Tensor
    position_ids_NL: Tensor
    mask_NLL: Tensor | None
    source_K: Tensor
    target_K: Tensor
    row_K: Tensor
    column_K: Tensor
    rollout_logprobs_BT: Tensor
    advantages_B: Tensor
    mask_BT: Tensor
    rows: tuple[int, ...]

    def to(self, device: torch.device | str) -> MicroBatch:
        """The same on another device."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        tensors: dict[str, Any] = {
            name: value.to(device) for name, value in values.items() if isinstance(value, Tensor)
        }
        return replace(self, **tensors)

    def spread(self, values_K: Tensor) -> Tensor:
        """Values of all completion tokens in a row, [K], laid out as [B, T]; zero where there is no token."""
        values_BT = values_K.new_zeros(self.mask_BT.shape)
        return values_BT.index_put((self.row_K, self.column_K), values_K)


@dataclass(frozen=True, slots=True)
class _Tree:
    """Rows of one group with the prompt they share; `rows` are positions in the sequence given."""

    rows: tuple[int, ...]
    tokens: int


def micro_batches(
    rows: Sequence[Row], max_tokens: int, share_prompts: bool = True, max_tree_tokens: int = 1024
) -> Iterator[MicroBatch]:
    """Cut rows into micro-batches, trees of like length together, so that there is next to no padding.

    Args:
        rows: The rows of one optimiser step.
        max_tokens: The most tokens of a micro-batch, padding included. A single longer tree is a micro-batch
            of its own.
        share_prompts: Whether rows of one group hang on one copy of their prompt.
        max_tree_tokens: Where a tree is full; its mask grows with the square of its length.
    """
    trees = sorted(_trees(rows, share_prompts, max_tree_tokens), key=lambda tree: -tree.tokens)
    batch: list[_Tree] = []
    for tree in trees:
        if batch and (len(batch) + 1) * batch[0].tokens > max_tokens:
            yield _micro_batch(rows, batch)
            batch = []
        batch.append(tree)
    if batch:
        yield _micro_batch(rows, batch)


def _trees(rows: Sequence[Row], share_prompts: bool, max_tree_tokens: int) -> Iterator[_Tree]:
    positions = sorted(range(len(rows)), key=lambda position: rows[position].group)
    for _, members in groupby(positions, key=lambda position: rows[position].group):
        yield from _trees_of_group(rows, list(members), max_tree_tokens if share_prompts else 0)


def _trees_of_group(rows: Sequence[Row], members: Iterable[int], max_tree_tokens: int) -> Iterator[_Tree]:
    branches: list[int] = []
    tokens = 0
    for position in members:
        prompt, branch = len(rows[position].prompt_ids), len(rows[position].completion_ids) - 1
        if branches and tokens + branch > max_tree_tokens:
            yield _Tree(tuple(branches), tokens)
            branches = []
        tokens = tokens + branch if branches else prompt + branch
        branches.append(position)
    if branches:
        yield _Tree(tuple(branches), tokens)


def _micro_batch(rows: Sequence[Row], trees: Sequence[_Tree]) -> MicroBatch:
    order = [position for tree in trees for position in tree.rows]
    length = max(tree.tokens for tree in trees)
    input_ids_NL = torch.zeros(len(trees), length, dtype=torch.long)
    position_ids_NL = torch.zeros(len(trees), length, dtype=torch.long)
    branch_NL = torch.full((len(trees), length), -1)
    source: list[Tensor] = []
    for index, tree in enumerate(trees):
        source += _plant(
            [rows[position] for position in tree.rows],
            input_ids_NL[index],
            position_ids_NL[index],
            branch_NL[index],
            offset=index * length,
        )
    shared = any(len(tree.rows) > 1 for tree in trees)
    lengths = torch.tensor([len(rows[position].completion_ids) for position in order])
    mask_BT = torch.arange(int(lengths.max()))[None, :] < lengths[:, None]
    row_K, column_K = mask_BT.nonzero(as_tuple=True)
    learn_B = torch.tensor([rows[position].learn for position in order])
    rollout_BT = torch.zeros(mask_BT.shape, dtype=torch.float32)
    rollout_BT[mask_BT] = torch.tensor(
        [x for position in order for x in rows[position].rollout_logprobs], dtype=torch.float32
    )
    return MicroBatch(
        input_ids_NL=input_ids_NL,
        position_ids_NL=position_ids_NL,
        mask_NLL=_tree_mask(branch_NL) if shared else None,
        source_K=torch.cat(source),
        target_K=torch.tensor([token for position in order for token in rows[position].completion_ids]),
        row_K=row_K,
        column_K=column_K,
        rollout_logprobs_BT=rollout_BT,
        advantages_B=torch.tensor([rows[position].advantage for position in order], dtype=torch.float32),
        mask_BT=mask_BT & learn_B[:, None],
        rows=tuple(order),
    )


def _plant(
    rows: Sequence[Row], input_ids_L: Tensor, position_ids_L: Tensor, branch_L: Tensor, offset: int
) -> list[Tensor]:
    """Write one tree into its line, and return where each token's predicting hidden state stands, a row each.

    A completion's last token predicts nothing that is wanted, so it is no input.
    """
    trunk = len(rows[0].prompt_ids)
    input_ids_L[:trunk] = torch.tensor(rows[0].prompt_ids)
    position_ids_L[:trunk] = torch.arange(trunk)
    branch_L[:trunk] = 0
    start, source = trunk, []
    for number, row in enumerate(rows, start=1):
        inputs = row.completion_ids[:-1]
        end = start + len(inputs)
        input_ids_L[start:end] = torch.tensor(inputs, dtype=torch.long)
        position_ids_L[start:end] = trunk + torch.arange(len(inputs))
        branch_L[start:end] = number
        source.append(offset + torch.cat([torch.tensor([trunk - 1]), torch.arange(start, end)]))
        start = end
    return source


def _tree_mask(branch_NL: Tensor) -> Tensor:
    """Who sees whom: the trunk (branch 0) and one's own branch, up to oneself; padding sees the trunk."""
    length = branch_NL.shape[1]
    causal_LL = torch.ones(length, length, dtype=torch.bool).tril()
    own_NLL = branch_NL[:, :, None] == branch_NL[:, None, :]
    trunk_NLL = (branch_NL == 0)[:, None, :]
    return (own_NLL | trunk_NLL) & causal_LL
