"""Supervised fine-tuning: conversations as token ids with the targets marked, and the loss on those alone.

Shapes: N lines of a forward pass, L tokens a line (padded), K target tokens of all rows, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Tensor

from r1light.algorithms.sft_loss import sft_loss
from r1light.training.batching import even_parts
from r1light.training.forward import target_logprobs
from r1light.training.supervised import Sums
from r1light.training.tree_attention import Branch, only_trees
from r1light.training.varlen_attention import Segments

PASS_TOKENS = 64
"""What a forward pass costs beside its tokens, in tokens; on a CPU next to nothing."""

METRICS = ("nll", "entropy", "tokens")
"""The sums of `SftObjective`: nats, nats, target tokens."""


@dataclass(frozen=True, slots=True)
class SftRow:
    """One text to learn from.

    Attributes:
        input_ids: Its token ids, at least two.
        target: For each id, whether it is to be learnt. The first one cannot be: nothing stands before it.

    Example:
        >>> SftRow((5, 6, 7), (False, False, True)).targets
        1
    """

    input_ids: tuple[int, ...]
    target: tuple[bool, ...]

    def __post_init__(self) -> None:
        if len(self.input_ids) != len(self.target) or len(self.input_ids) < 2 or self.target[0]:
            raise ValueError(
                f"{len(self.input_ids)} ids with {len(self.target)} marks: a row has as many of each, at "
                "least two, and its first id is no target"
            )
        if not any(self.target):
            raise ValueError("a row without a target teaches nothing")

    @property
    def targets(self) -> int:
        """How many ids are to be learnt."""
        return sum(self.target)


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """What one forward pass needs.

    Attributes:
        input_ids_NL: int64 token ids; padding repeats id 0 and is never looked at.
        position_ids_NL: int64, counted anew for each row of a line.
        mask_NLL: bool, True where a token (second axis) may see another (third); None where each line is one
            row, which plain causal attention serves, or `segments` say it.
        source_K: int64, where in the flattened [N * L] the hidden state stands that predicts each target.
        target_K: int64, the targets.
        segments: The rows of the only line; None where lines are padded.
    """

    input_ids_NL: Tensor
    position_ids_NL: Tensor
    mask_NLL: Tensor | None
    source_K: Tensor
    target_K: Tensor
    segments: Segments | None = None

    def to(self, device: torch.device | str) -> TokenBatch:
        """The same on another device."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        moved: dict[str, Any] = {
            name: value.to(device) for name, value in values.items() if isinstance(value, Tensor)
        }
        segments = None if self.segments is None else self.segments.to(device)
        return replace(self, **moved, segments=segments)

    @property
    def attention(self) -> dict[str, Any]:
        """What a model's forward pass needs to know of it."""
        if self.segments is not None:
            return only_trees(self.segments)
        return {} if self.mask_NLL is None else {"attention_mask": self.mask_NLL[:, None]}


@dataclass(frozen=True, slots=True)
class SftObjective:
    """The cross-entropy of the target tokens, in nats (arXiv:2501.12948v2, B.4.2); see `sft_loss`.

    Attributes:
        max_tokens: The most tokens of a forward pass, padding included.
        packed: Whether several rows share a line, so that lines of an update are of nearly one length.
        segments: Whether all rows of a pass share one line in any case, without padding; see `token_batches`.
    """

    max_tokens: int
    packed: bool
    segments: bool = False
    metrics: int = len(METRICS)

    def weight(self, row: SftRow) -> float:
        """Its target tokens."""
        return float(row.targets)

    def tokens(self, row: SftRow) -> int:
        """Its tokens."""
        return len(row.input_ids)

    def micro_batches(self, rows: Sequence[SftRow], device: torch.device) -> Iterator[TokenBatch]:
        """Lines of like length together; see `token_batches`."""
        for batch in token_batches(rows, self.max_tokens, packed=self.packed, segments=self.segments):
            yield batch.to(device)

    def __call__(self, model: Any, batch: TokenBatch) -> Sums:
        """The negative log-likelihood of the targets, and sums for the record."""
        out = target_logprobs(model, batch, temperature=1.0)
        loss = sft_loss(out.logprobs_T, torch.ones_like(out.logprobs_T, dtype=torch.bool), total_tokens=1)
        entropy = out.entropy_T.detach().double().sum()
        return Sums(loss.loss, torch.stack([loss.nll.double(), entropy, loss.tokens.double()]))

    def finish(self, sums: Tensor) -> dict[str, float]:
        """Means over target tokens."""
        nll, entropy, tokens = sums.tolist()
        return {"loss": nll / tokens, "entropy": entropy / tokens, "target_tokens": tokens}


def token_batches(
    rows: Sequence[SftRow], max_tokens: int, *, packed: bool, segments: bool = False
) -> Iterator[TokenBatch]:
    """Cut rows into forward passes with next to no padding: lines sorted by length, cut where it saves most.

    Args:
        rows: The rows of an update.
        max_tokens: The most tokens of a forward pass, padding included. A single longer line is one of its
            own.
        packed: Whether lines are filled with several rows, which do not see one another.
        segments: Whether each pass is one line, whose rows `Segments` tell apart: for models that know trees.
    """
    if segments:
        ordered = sorted(rows, key=_inputs, reverse=True)
        for line in even_parts(ordered, _inputs, max_tokens):
            yield token_batch([line], segments=True)
        return
    for lines in line_batches(rows, max_tokens, packed=packed):
        yield token_batch(lines)


def line_batches(rows: Sequence[SftRow], max_tokens: int, *, packed: bool) -> Iterator[list[list[SftRow]]]:
    """The lines of each forward pass; see `token_batches`."""
    lines = pack(rows) if packed else [[row] for row in rows]
    lines.sort(key=_tokens, reverse=True)
    start = 0
    for count in _least_padding([_tokens(line) for line in lines], max_tokens):
        yield lines[start : start + count]
        start += count


def _least_padding(lengths: Sequence[int], max_tokens: int) -> list[int]:
    """Cut lines of falling length into forward passes so that least is read, `PASS_TOKENS` a pass included.

    Returns:
        How many lines each pass has: the cheapest of all cuts whose passes keep to the budget.
    """
    cost, size = [0.0], [0]
    for end in range(1, len(lengths) + 1):
        best, count = float("inf"), 1
        for start in range(end - 1, -1, -1):
            tokens = (end - start) * lengths[start]
            if tokens > max_tokens and start < end - 1:
                break
            if cost[start] + tokens + PASS_TOKENS < best:
                best, count = cost[start] + tokens + PASS_TOKENS, end - start
        cost.append(best)
        size.append(count)
    counts, end = [], len(lengths)
    while end:
        counts.append(size[end])
        end -= size[end]
    return counts[::-1]


def pack(rows: Sequence[SftRow]) -> list[list[SftRow]]:
    """Rows to lines, each no longer than the longest row: best fit, the longest rows first.

    A row goes to the line whose room it fills best, or else begins one (best fit decreasing).
    """
    ordered = sorted(rows, key=lambda row: len(row.input_ids), reverse=True)
    capacity = len(ordered[0].input_ids) - 1 if ordered else 0
    lines: list[list[SftRow]] = []
    room: list[int] = []
    for row in ordered:
        need = len(row.input_ids) - 1
        fitting = [index for index, left in enumerate(room) if left >= need]
        if fitting:
            best = min(fitting, key=lambda index: room[index])
            lines[best].append(row)
            room[best] -= need
        else:
            lines.append([row])
            room.append(capacity - need)
    return lines


def _inputs(row: SftRow) -> int:
    """A row's last id predicts nothing, so it is none."""
    return len(row.input_ids) - 1


def _tokens(line: Sequence[SftRow]) -> int:
    return sum(map(_inputs, line))


def token_batch(lines: Sequence[Sequence[SftRow]], *, segments: bool = False) -> TokenBatch:
    """Lines of rows as one forward pass; targets stand in the order of the rows."""
    length = max(map(_tokens, lines))
    input_ids_NL = torch.zeros(len(lines), length, dtype=torch.long)
    position_ids_NL = torch.zeros(len(lines), length, dtype=torch.long)
    row_NL = torch.full((len(lines), length), -1)
    source: list[Tensor] = []
    target: list[Tensor] = []
    for index, line in enumerate(lines):
        start = 0
        for number, row in enumerate(line):
            ids = torch.tensor(row.input_ids)
            end = start + len(ids) - 1
            input_ids_NL[index, start:end] = ids[:-1]
            position_ids_NL[index, start:end] = torch.arange(end - start)
            row_NL[index, start:end] = number
            marked = torch.tensor(row.target[1:]).nonzero().squeeze(1)
            source.append(index * length + start + marked)
            target.append(ids[1:][marked])
            start = end
    masked = any(len(line) > 1 for line in lines) and not segments
    return TokenBatch(
        input_ids_NL,
        position_ids_NL,
        _block_mask(row_NL) if masked else None,
        torch.cat(source),
        torch.cat(target),
        _segments(lines[0]) if segments else None,
    )


def _segments(line: Sequence[SftRow]) -> Segments:
    ends = [0, *accumulate(map(_inputs, line))]
    return Segments.of([Branch(start, end) for start, end in pairwise(ends)])


def _block_mask(row_NL: Tensor) -> Tensor:
    """Who sees whom: a token its own row up to itself; padding likewise, as a softmax needs something."""
    length = row_NL.shape[1]
    causal_LL = torch.ones(length, length, dtype=torch.bool).tril()
    return (row_NL[:, :, None] == row_NL[:, None, :]) & causal_LL
