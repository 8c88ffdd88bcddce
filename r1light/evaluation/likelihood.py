"""How likely a causal language model finds given texts, a chunk of logits at a time.

Shapes: N texts of a batch, L tokens of its longest, K tokens that are scored, C of them in one chunk,
V vocabulary, H hidden.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from r1light.algorithms.lm_head import Head, head_logits
from r1light.algorithms.logprob import default_chunk_tokens


@dataclass(frozen=True, slots=True)
class Continuation:
    """A text to score behind another.

    Attributes:
        context: The ids that it follows; not empty.
        ids: Its own.
    """

    context: Sequence[int]
    ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Likelihood:
    """What a model says of a continuation.

    Attributes:
        logprob: The sum of its ids' log-probabilities, in nats; 0 of no ids.
        greedy: Whether each id is the likeliest one at its place.
    """

    logprob: float
    greedy: bool


class Scorer:
    """Scores continuations with a model, in batches of texts of like length.

    Exact: logits are those of the model's own head in at least float32, and sums are of float64. Only
    [chunk, V] logits exist at a time, and hidden states of one batch; a model that changes its logits behind
    its head (such as a soft cap) gives the whole [N, L, V] of small batches instead.
    """

    def __init__(self, model: Any, batch_tokens: int = 8192) -> None:
        """Take a model.

        Args:
            model: A transformers causal language model.
            batch_tokens: Tokens of a batch, padding included.
        """
        self.model = model
        self.batch_tokens = batch_tokens
        self.device = next(model.parameters()).device
        self._head = _plain_head(model, self.device)

    @torch.no_grad()
    def score(self, asked: Sequence[Continuation]) -> list[Likelihood]:
        """The likelihood of each continuation, in their order."""
        found: list[Likelihood] = [Likelihood(0.0, True)] * len(asked)
        scored = [index for index, each in enumerate(asked) if each.ids]
        scored.sort(key=lambda index: len(asked[index].context) + len(asked[index].ids))
        for batch in self._batches([(index, asked[index]) for index in scored]):
            logprobs_K, greedy_K = self._batch([each for _, each in batch])
            start = 0
            for index, each in batch:
                stop = start + len(each.ids)
                total = math.fsum(logprobs_K[start:stop])
                found[index] = Likelihood(total, all(greedy_K[start:stop]))
                start = stop
        return found

    def _batches(self, asked: Sequence[tuple[int, Continuation]]) -> Iterator[list[tuple[int, Continuation]]]:
        """Texts of ascending length, so many at a time as the longest leaves room for."""
        batch: list[tuple[int, Continuation]] = []
        for index, each in asked:
            length = len(each.context) + len(each.ids) - 1
            if batch and (len(batch) + 1) * length > self.batch_tokens:
                yield batch
                batch = []
            batch.append((index, each))
        if batch:
            yield batch

    def _batch(self, asked: Sequence[Continuation]) -> tuple[list[float], list[bool]]:
        """Log-probability of each id, and whether it is the likeliest, text after text."""
        rows = [[*each.context, *each.ids][:-1] for each in asked]  # the last id predicts nothing
        longest = max(map(len, rows))
        ids_NL = torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=self.device)
        mask_NL = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
        source = [
            number * longest + len(row) - len(each.ids) + offset
            for number, (row, each) in enumerate(zip(rows, asked, strict=True))
            for offset in range(len(each.ids))
        ]
        source_K = torch.tensor(source, device=self.device)
        target_K = torch.tensor([token for each in asked for token in each.ids], device=self.device)
        logprobs, greedy = [], []
        for logits_CV, target_C in self._logits(ids_NL, mask_NL.to(self.device), source_K, target_K):
            logprobs_CV = torch.log_softmax(logits_CV, dim=-1)
            logprobs += logprobs_CV.gather(-1, target_C[:, None]).squeeze(-1).tolist()
            greedy += (logits_CV.argmax(dim=-1) == target_C).tolist()
        return logprobs, greedy

    def _logits(
        self, ids_NL: Tensor, mask_NL: Tensor, source_K: Tensor, target_K: Tensor
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Logits [C, V] where targets are predicted, with the targets [C]."""
        if self._head is None:
            logits_NLV = self.model(input_ids=ids_NL, attention_mask=mask_NL, use_cache=False).logits
            yield logits_NLV.flatten(0, 1).index_select(0, source_K).float(), target_K
            return
        hidden_NLH = self.model.base_model(
            input_ids=ids_NL, attention_mask=mask_NL, use_cache=False
        ).last_hidden_state
        hidden_KH = hidden_NLH.flatten(0, 1).index_select(0, source_K)
        size = default_chunk_tokens(self._head.weight_VH.shape[0], self.device)
        for start in range(0, hidden_KH.shape[0], size):
            chunk = slice(start, start + size)
            yield head_logits(hidden_KH[chunk], self._head, 1.0), target_K[chunk]


def rolling(ids: Sequence[int], prefix: int, context: int) -> list[Continuation]:
    """A whole text as continuations that predict each of its ids once, each window as full as it can be.

    Args:
        ids: The text.
        prefix: The id that the first one follows.
        context: The longest input of the model, in tokens.
    """
    if not ids:
        return []
    first = min(context, len(ids))
    windows, done = [Continuation([prefix], ids[:first])], first
    while done < len(ids):
        end = min(done + context, len(ids))
        windows.append(Continuation(ids[max(0, end - context - 1) : done], ids[done:end]))
        done = end
    return windows


@torch.no_grad()
def _plain_head(model: Any, device: torch.device) -> Head | None:
    """The output head where logits are the last hidden state times it, and nothing else."""
    module = model.get_output_embeddings()
    if module is None or getattr(module, "weight", None) is None:
        return None
    head = Head(module.weight, getattr(module, "bias", None))
    probe = torch.arange(4, device=device)[None] % model.config.vocab_size
    logits = model(input_ids=probe, use_cache=False).logits.float()
    hidden = model.base_model(input_ids=probe, use_cache=False).last_hidden_state
    plain = head_logits(hidden.flatten(0, 1), head, 1.0)
    same = torch.allclose(logits.flatten(0, 1), plain, rtol=1e-2, atol=1e-2)
    return head if same else None
