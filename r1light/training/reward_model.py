"""What reward models learn: which of two answers is better, or whether an answer is safe.

Shapes: B pairs or judged answers of a micro-batch, L tokens a text (padded), M sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from r1light.algorithms.calibration import SUMS, calibration, calibration_sums
from r1light.algorithms.preference_loss import pairwise_loss, pointwise_loss
from r1light.models.scorer import length_sorted, padded
from r1light.training.supervised import Sums


@dataclass(frozen=True, slots=True)
class ScoredText:
    """A conversation that ends with an answer, as a reward model reads it.

    Attributes:
        input_ids: All of it. Not empty.
        answer_tokens: Tokens of the answer alone, however much of it was cut.
    """

    input_ids: tuple[int, ...]
    answer_tokens: int


@dataclass(frozen=True, slots=True)
class PairRow:
    """Two answers to one prompt.

    Attributes:
        where: The place that the row came from.
        chosen: The better one.
        rejected: The other.
    """

    where: str
    chosen: ScoredText
    rejected: ScoredText


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """One answer, safe or not.

    Attributes:
        where: The place that the row came from.
        text: The answer.
        safe: Whether it is.
        prompt: The same for all answers to one prompt.
    """

    where: str
    text: ScoredText
    safe: bool
    prompt: str


@dataclass(frozen=True, slots=True)
class TextBatch:
    """What one forward pass needs, and what was judged of it.

    Attributes:
        input_ids_NL: int64 [N, L], padded on the right; of B pairs the chosen ones first, then the rejected.
        mask_NL: int64 [N, L], 1 where there is no padding.
        labels_B: Float32 [B], 1 for safe; all 1 for pairs.
        lengths_N: Float64 [N], tokens of the answers.
    """

    input_ids_NL: Tensor
    mask_NL: Tensor
    labels_B: Tensor
    lengths_N: Tensor

    def scores_N(self, model: Any) -> Tensor:
        """The logit of each text, float32."""
        out = model(input_ids=self.input_ids_NL, attention_mask=self.mask_NL, use_cache=False)
        logits_N: Tensor = out.logits[:, 0].float()
        return logits_N


@dataclass(frozen=True, slots=True)
class PairwiseObjective:
    """Bradley-Terry on pairs, the paper's helpfulness reward model; see `pairwise_loss`.

    Attributes:
        max_tokens: The most tokens of a forward pass, padding included.
        pad_id: What stands behind shorter texts.
    """

    max_tokens: int
    pad_id: int
    metrics: int = 5 + SUMS

    def weight(self, row: PairRow) -> float:
        """Every pair counts once."""
        return 1.0

    def tokens(self, row: PairRow) -> int:
        """Those of both texts."""
        return len(row.chosen.input_ids) + len(row.rejected.input_ids)

    def micro_batches(self, rows: Sequence[PairRow], device: torch.device) -> Iterator[TextBatch]:
        """Pairs of like length together; both texts of a pair are read in one pass."""
        lengths = [2 * max(len(row.chosen.input_ids), len(row.rejected.input_ids)) for row in rows]
        for batch in length_sorted(lengths, self.max_tokens):
            texts = [rows[index].chosen for index in batch] + [rows[index].rejected for index in batch]
            yield _text_batch(texts, [1.0] * len(batch), self.pad_id, device)

    def __call__(self, model: Any, batch: TextBatch) -> Sums:
        """The summed loss of the pairs, and sums for the record."""
        chosen_B, rejected_B = batch.scores_N(model).chunk(2)
        pairs = len(chosen_B)
        loss = pairwise_loss(chosen_B, rejected_B, total_pairs=pairs)
        longer_B = (batch.lengths_N[:pairs] - batch.lengths_N[pairs:]).sign().add(1).div(2)
        found = calibration_sums(torch.sigmoid(chosen_B - rejected_B), torch.ones_like(chosen_B))
        lengths = [batch.lengths_N[:pairs].sum(), batch.lengths_N[pairs:].sum(), longer_B.sum()]
        total = loss.loss * pairs
        own = torch.stack([total.detach().double(), loss.margin.double(), *lengths])
        return Sums(total, torch.cat([own, found]))

    def finish(self, sums: Tensor) -> dict[str, float]:
        """Means over pairs; `longer_accuracy` is what always choosing the longer answer would reach."""
        fit = calibration(sums[5:])
        loss, margin, chosen, rejected, longer = (float(value) / fit.count for value in sums[:5])
        return {
            "loss": loss,
            "accuracy": fit.accuracy,
            "accuracy_stderr": fit.accuracy_stderr,
            "margin": margin,
            "brier": fit.brier,
            "ece": fit.ece,
            "longer_accuracy": longer,
            "length/chosen": chosen,
            "length/rejected": rejected,
            "pairs": fit.count,
        }


@dataclass(frozen=True, slots=True)
class PointwiseObjective:
    """Binary cross-entropy on judged answers, the paper's safety reward model; see `pointwise_loss`.

    Attributes:
        max_tokens: The most tokens of a forward pass, padding included.
        pad_id: What stands behind shorter texts.
    """

    max_tokens: int
    pad_id: int
    metrics: int = 5 + SUMS

    def weight(self, row: JudgedRow) -> float:
        """Every answer counts once."""
        return 1.0

    def tokens(self, row: JudgedRow) -> int:
        """Those of its text."""
        return len(row.text.input_ids)

    def micro_batches(self, rows: Sequence[JudgedRow], device: torch.device) -> Iterator[TextBatch]:
        """Answers of like length together."""
        for batch in length_sorted([len(row.text.input_ids) for row in rows], self.max_tokens):
            taken = [rows[index] for index in batch]
            yield _text_batch(
                [row.text for row in taken], [float(row.safe) for row in taken], self.pad_id, device
            )

    def __call__(self, model: Any, batch: TextBatch) -> Sums:
        """The summed loss of the answers, and sums for the record."""
        scores_B = batch.scores_N(model)
        rows = len(scores_B)
        loss = pointwise_loss(scores_B, batch.labels_B, total_rows=rows)
        found = calibration_sums(torch.sigmoid(scores_B), batch.labels_B)
        safe_B = batch.labels_B.double()
        total = loss.loss * rows
        own = [
            total.detach().double(),
            loss.margin.double(),
            safe_B.sum(),
            (batch.lengths_N * safe_B).sum(),
            (batch.lengths_N * (1.0 - safe_B)).sum(),
        ]
        return Sums(total, torch.cat([torch.stack(own), found]))

    def finish(self, sums: Tensor) -> dict[str, float]:
        """Means over answers; `majority_accuracy` is what always giving the commoner label would reach."""
        fit = calibration(sums[5:])
        loss, margin, safe, length_safe, length_unsafe = (float(value) for value in sums[:5])
        unsafe = fit.count - safe
        return {
            "loss": loss / fit.count,
            "accuracy": fit.accuracy,
            "accuracy_stderr": fit.accuracy_stderr,
            "margin": margin / fit.count,
            "brier": fit.brier,
            "ece": fit.ece,
            "majority_accuracy": max(safe, unsafe) / fit.count,
            "length/safe": length_safe / safe if safe else float("nan"),
            "length/unsafe": length_unsafe / unsafe if unsafe else float("nan"),
            "answers": fit.count,
        }


def _text_batch(
    texts: Sequence[ScoredText], labels: Sequence[float], pad_id: int, device: torch.device
) -> TextBatch:
    ids_NL, mask_NL = padded([text.input_ids for text in texts], pad_id, device)
    lengths_N = torch.tensor([text.answer_tokens for text in texts], dtype=torch.float64)
    return TextBatch(ids_NL, mask_NL, torch.tensor(labels).to(device), lengths_N.to(device))
