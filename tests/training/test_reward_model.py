"""What reward models learn: losses and figures worked out by hand, whatever the micro-batches."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from r1light.core.errors import DataError
from r1light.core.types import Message
from r1light.data.preferences import Judged, Pair
from r1light.training.held_out_scores import pair_accuracy, scored_rows
from r1light.training.preference_rows import RowMaker
from r1light.training.reward_model import (
    JudgedRow,
    PairRow,
    PairwiseObjective,
    PointwiseObjective,
    ScoredText,
)


class Summing(torch.nn.Module):
    """A classifier whose logit is the sum of a text's ids, times one weight."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.config = SimpleNamespace(pad_token_id=9)

    def forward(self, input_ids, attention_mask, use_cache):
        return SimpleNamespace(logits=(input_ids * attention_mask).sum(1, keepdim=True) * self.weight)


def text(*ids, answer=1):
    return ScoredText(ids, answer)


PAIRS = [
    PairRow("a:1", text(1, 1, answer=5), text(1, answer=2)),  # 2 against 1, the longer one chosen
    PairRow("a:2", text(1, answer=2), text(1, 1, 1, answer=4)),  # 1 against 3, the shorter one chosen
    PairRow("a:3", text(2, answer=3), text(2, answer=3)),  # a tie in score and in length
]
JUDGED = [
    JudgedRow("a:1", text(1, 1, answer=2), True, "p"),  # 2, safe
    JudgedRow("a:2", text(-1, answer=4), True, "p"),  # -1, safe
    JudgedRow("a:3", text(-3, answer=6), False, "p"),  # -3, unsafe
]


def figures(objective, rows):
    model = Summing()
    sums, loss = torch.zeros(objective.metrics, dtype=torch.float64), torch.zeros(())
    for batch in objective.micro_batches(rows, torch.device("cpu")):
        out = objective(model, batch)
        sums += out.metrics
        loss = loss + out.loss
    loss.backward()
    return objective.finish(sums), float(loss.detach()), float(model.weight.grad)


def softplus(value):
    return math.log1p(math.exp(value))


@pytest.mark.parametrize("max_tokens", [1, 6, 1000])
def test_pairs_by_hand_in_any_micro_batches(max_tokens):
    found, loss, gradient = figures(PairwiseObjective(max_tokens, 9), PAIRS)
    # differences 1, -2 and 0: -log sigmoid of each
    total = softplus(-1) + softplus(2) + math.log(2)
    assert loss == pytest.approx(total, rel=1e-6)
    assert found["loss"] == pytest.approx(total / 3, rel=1e-6)
    # d/dw of -log sigmoid(w d) is -d sigmoid(-d) at w = 1
    assert gradient == pytest.approx(-1 / (1 + math.exp(1)) + 2 / (1 + math.exp(-2)), rel=1e-5)
    assert found["accuracy"] == pytest.approx((1 + 0 + 0.5) / 3)
    assert found["longer_accuracy"] == pytest.approx((1 + 0 + 0.5) / 3)
    assert found["margin"] == pytest.approx((1 - 2 + 0) / 3)
    assert (found["length/chosen"], found["length/rejected"]) == pytest.approx((10 / 3, 9 / 3))
    p = [1 / (1 + math.exp(-1)), 1 / (1 + math.exp(2)), 0.5]
    assert found["brier"] == pytest.approx(sum((1 - each) ** 2 for each in p) / 3, rel=1e-5)
    assert found["pairs"] == 3


@pytest.mark.parametrize("max_tokens", [1, 3, 1000])
def test_judged_answers_by_hand_in_any_micro_batches(max_tokens):
    found, loss, _ = figures(PointwiseObjective(max_tokens, 9), JUDGED)
    total = softplus(-2) + softplus(1) + softplus(-3)
    assert loss == pytest.approx(total, rel=1e-6)
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["margin"] == pytest.approx((2 - 1 + 3) / 3)
    assert found["majority_accuracy"] == pytest.approx(2 / 3)
    assert (found["length/safe"], found["length/unsafe"]) == (3.0, 6.0)
    assert math.isnan(PointwiseObjective(9, 9).finish(_sums(JUDGED[:2]))["length/unsafe"])


def _sums(rows):
    objective = PointwiseObjective(100, 9)
    return sum(
        objective(Summing(), batch).metrics for batch in objective.micro_batches(rows, torch.device("cpu"))
    )


def test_scores_of_held_out_rows_one_by_one():
    rows = scored_rows(Summing(), PAIRS, 4)
    assert [(row["chosen"], row["rejected"]) for row in rows] == [(2.0, 1.0), (1.0, 3.0), (2.0, 2.0)]
    assert rows[0]["p"] == pytest.approx(1 / (1 + math.exp(-1)))
    assert rows[1] | {"p": None} == {
        "where": "a:2", "chosen": 1.0, "rejected": 3.0, "chosen_tokens": 2, "rejected_tokens": 4, "p": None,
    }  # fmt: skip
    scored = scored_rows(Summing(), JUDGED, 4)
    assert [row["score"] for row in scored] == [2.0, -1.0, -3.0]
    # safe 2 and -1 against unsafe -3: both above
    assert pair_accuracy(scored) == {"after/pair_accuracy": 1.0, "after/answer_pairs": 2.0}
    assert pair_accuracy(scored[:2]) == {}


class Letters:
    """An encoder of one token a character of every turn."""

    def __call__(self, messages):
        return tuple(ord(letter) for turn in messages for letter in turn.content)

    def length(self, answer):
        return len(answer)


ASKED = (Message("user", "ab"),)


def test_rows_keep_what_fits():
    maker = RowMaker(Letters(), limit=5, too_long="refuse")
    (row,) = maker.pairs([Pair("a:1", ASKED, "c", "def")])
    assert row.chosen == ScoredText(tuple(map(ord, "abc")), 1)
    assert row.rejected.answer_tokens == 3
    (judged,) = maker.judged([Judged("a:1", ASKED, "c", True)])
    assert (judged.prompt, judged.safe) == ("ab", True)


def test_long_rows_are_refused_left_out_or_cut_at_the_beginning(caplog):
    rows = [Pair("a:1", ASKED, "c", "defg"), Pair("a:2", ASKED, "c", "d")]
    with pytest.raises(DataError, match="a:1 has 6 tokens, and 4 are the most; raise stage"):
        RowMaker(Letters(), 4, "refuse").pairs(rows)
    assert [row.where for row in RowMaker(Letters(), 4, "skip").pairs(rows)] == ["a:2"]
    assert "1 of 2 rows have more than 4 tokens: left out" in caplog.text
    cut = RowMaker(Letters(), 4, "cut").pairs(rows)
    assert cut[0].rejected == ScoredText(tuple(map(ord, "defg")), 4)
    assert cut[0].chosen == ScoredText(tuple(map(ord, "abc")), 1)
    assert "cut to their last tokens" in caplog.text
