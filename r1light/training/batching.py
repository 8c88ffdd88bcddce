"""From scored completions to the tensors of a micro-batch.

The completions of one prompt share it: they hang on one copy of the prompt like branches on a trunk, and a
token sees the trunk and its own branch (tree_attention.py). Each position number counts on from the trunk, so
the model computes what it would for every prompt and completion on their own, and the prompt is computed once
a group. All trees of a micro-batch stand in one line. Where a model does not know trees, each completion has
a line with a prompt of its own. On a GPU who sees whom is said by `Segments` (varlen_attention.py).

Shapes: N lines, L tokens a line (padded), B rows (completions), T completion tokens (padded), K completion
tokens of all rows together.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import accumulate, groupby
from typing import Any, TypeVar

import torch
from torch import Tensor

from r1light.training import ranks
from r1light.training.tree_attention import Branch, Layout, Trees, only_trees
from r1light.training.varlen_attention import Segments

T = TypeVar("T")


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
        input_ids_NL: int64 token ids; padding repeats id 0 and is never looked at.
        position_ids_NL: int64.
        trees: Who sees whom in the only line; None where every line is one row, which plain causal attention
            serves.
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
    trees: Layout | None
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
        trees = None if self.trees is None else self.trees.to(device)
        return replace(self, **tensors, trees=trees)

    @property
    def attention(self) -> dict[str, Any]:
        """What a model's forward pass needs to know of it."""
        return {} if self.trees is None else only_trees(self.trees)

    def spread(self, values_K: Tensor) -> Tensor:
        """Values of all completion tokens in a row, [K], laid out as [B, T]; zero where there is no token."""
        values_BT = values_K.new_zeros(self.mask_BT.shape)
        return values_BT.index_put((self.row_K, self.column_K), values_K)


@dataclass(frozen=True, slots=True)
class _Tree:
    """Rows of one group with the prompt they share; `rows` are positions in the sequence given."""

    rows: tuple[int, ...]
    tokens: int


def minibatches(rows: Sequence[Row], count: int, draw: str) -> Iterator[list[int]]:
    """This rank's positions of an epoch's updates, which are cut by whole groups of all ranks.

    Args:
        rows: This rank's; its groups are every `ranks.world_size()`-th of all.
        count: Updates.
        draw: Decides the order of the groups, the same in each process.

    Yields:
        Positions of rows, a list an update.
    """
    world, rank = ranks.world_size(), ranks.rank()
    groups = list(range(world * len({row.group for row in rows})))
    random.Random(draw).shuffle(groups)
    size = len(groups) // count
    for start in range(0, len(groups), size):
        chosen = set(groups[start : start + size])
        yield [place for place, row in enumerate(rows) if row.group * world + rank in chosen]


def micro_batches(
    rows: Sequence[Row],
    max_tokens: int,
    share_prompts: bool = True,
    lanes: int = 1,
    *,
    segments: bool = False,
) -> Iterator[MicroBatch]:
    """Cut rows into micro-batches with next to no padding.

    Args:
        rows: The rows of one optimiser step.
        max_tokens: The most tokens of a micro-batch, padding included. A single longer row is a micro-batch
            of its own.
        share_prompts: Whether rows of one group hang on one copy of their prompt, as far as they fit.
        lanes: A multiple of which the number of micro-batches is to be, all of like size.
        segments: Whether who sees whom is said by `Segments`; there is no padding then in any case.
    """
    trees = sorted(_trees(rows, max_tokens if share_prompts else 0), key=lambda tree: -tree.tokens)
    if share_prompts or segments:
        for chosen in even_parts(trees, lambda tree: tree.tokens, max_tokens, lanes):
            yield _micro_batch(rows, chosen, sum(tree.tokens for tree in chosen), segments)
        return
    batch: list[_Tree] = []
    for tree in trees:
        if batch and (len(batch) + 1) * batch[0].tokens > max_tokens:
            yield _micro_batch(rows, batch, batch[0].tokens)
            batch = []
        batch.append(tree)
    if batch:
        yield _micro_batch(rows, batch, batch[0].tokens)


def even_parts(
    items: Sequence[T], tokens: Callable[[T], int], max_tokens: int, multiple: int = 1
) -> list[list[T]]:
    """Items, the largest first, in as few parts of like size as hold them: each to the emptiest part.

    Args:
        items: The largest first.
        tokens: The size of one.
        max_tokens: The most tokens of a part; a larger item is one of its own.
        multiple: Of which the number of parts is to be a multiple, where there are as many items.
    """
    sizes = [tokens(item) for item in items]
    needed = -(-sum(sizes) // max_tokens)
    while True:
        count = min(-(-needed // multiple) * multiple, len(items))
        parts: list[list[T]] = [[] for _ in range(count)]
        filled = [0] * count
        for item, size in zip(items, sizes, strict=True):
            emptiest = filled.index(min(filled))
            parts[emptiest].append(item)
            filled[emptiest] += size
        if count == len(items) or max(filled) <= max_tokens:
            return parts
        needed = count + 1


def _trees(rows: Sequence[Row], max_tokens: int) -> Iterator[_Tree]:
    """Rows of a group together, up to so many tokens; with 0 each row is a tree."""
    positions = sorted(range(len(rows)), key=lambda position: rows[position].group)
    for _, members in groupby(positions, key=lambda position: rows[position].group):
        yield from _trees_of_group(rows, members, max_tokens)


def _trees_of_group(rows: Sequence[Row], members: Iterable[int], max_tokens: int) -> Iterator[_Tree]:
    branches: list[int] = []
    tokens = 0
    for position in members:
        prompt, branch = len(rows[position].prompt_ids), len(rows[position].completion_ids) - 1
        if branches and tokens + branch > max_tokens:
            yield _Tree(tuple(branches), tokens)
            branches = []
        tokens = tokens + branch if branches else prompt + branch
        branches.append(position)
    if branches:
        yield _Tree(tuple(branches), tokens)


def _micro_batch(
    rows: Sequence[Row], trees: Sequence[_Tree], length: int, segments: bool = False
) -> MicroBatch:
    """Trees one behind the other in a line of this length, or each in a line of its own."""
    order = [position for tree in trees for position in tree.rows]
    shared = sum(tree.tokens for tree in trees) == length
    sizes = [tree.tokens if shared else length for tree in trees]
    starts = [0, *accumulate(sizes)]
    input_ids = torch.zeros(starts[-1], dtype=torch.long)
    position_ids = torch.zeros(starts[-1], dtype=torch.long)
    source: list[Tensor] = []
    branches: list[Branch] = []
    for start, tree in zip(starts, trees, strict=False):
        planted = _plant([rows[position] for position in tree.rows], input_ids, position_ids, start)
        branches += planted
        source += [_sources(branch) for branch in planted[1:]]
    layout: Layout | None = Segments.of(branches) if segments else None
    if shared and len(order) > 1 and not segments:
        layout = Trees.of(branches, length)
    lengths = torch.tensor([len(rows[position].completion_ids) for position in order])
    mask_BT = torch.arange(int(lengths.max()))[None, :] < lengths[:, None]
    row_K, column_K = mask_BT.nonzero(as_tuple=True)
    learn_B = torch.tensor([rows[position].learn for position in order])
    rollout_BT = torch.zeros(mask_BT.shape, dtype=torch.float32)
    rollout_BT[mask_BT] = torch.tensor(
        [x for position in order for x in rows[position].rollout_logprobs], dtype=torch.float32
    )
    return MicroBatch(
        input_ids_NL=input_ids.view(-1, length),
        position_ids_NL=position_ids.view(-1, length),
        trees=layout,
        source_K=torch.cat(source),
        target_K=torch.tensor([token for position in order for token in rows[position].completion_ids]),
        row_K=row_K,
        column_K=column_K,
        rollout_logprobs_BT=rollout_BT,
        advantages_B=torch.tensor([rows[position].advantage for position in order], dtype=torch.float32),
        mask_BT=mask_BT & learn_B[:, None],
        rows=tuple(order),
    )


def _plant(rows: Sequence[Row], input_ids: Tensor, position_ids: Tensor, start: int) -> list[Branch]:
    """Write one tree from a position on; returns its trunk, and a branch for each row.

    A completion's last token predicts nothing that is wanted, so it is no input.
    """
    trunk = Branch(start, start + len(rows[0].prompt_ids))
    planted = [trunk]
    input_ids[start : trunk.end] = torch.tensor(rows[0].prompt_ids)
    position_ids[start : trunk.end] = torch.arange(trunk.length)
    for row in rows:
        branch = Branch(planted[-1].end, planted[-1].end + len(row.completion_ids) - 1, trunk)
        input_ids[branch.start : branch.end] = torch.tensor(row.completion_ids[:-1], dtype=torch.long)
        position_ids[branch.start : branch.end] = trunk.length + torch.arange(branch.length)
        planted.append(branch)
    return planted


def _sources(branch: Branch) -> Tensor:
    """Where the hidden states stand that predict a branch: at the trunk's end, and in the branch."""
    assert branch.trunk is not None
    return torch.cat([torch.tensor([branch.trunk.end - 1]), torch.arange(branch.start, branch.end)])
