import math

import pytest
import torch

from r1light.algorithms.preference_loss import pairwise_loss, pointwise_loss


def test_pairwise_by_hand():
    chosen_B = torch.tensor([math.log(3.0), 0.0, 1.0], dtype=torch.float64, requires_grad=True)
    rejected_B = torch.tensor([0.0, math.log(3.0), 1.0], dtype=torch.float64, requires_grad=True)
    result = pairwise_loss(chosen_B, rejected_B, total_pairs=3)
    # sigmoid(log 3) = 3/4, sigmoid(-log 3) = 1/4, sigmoid(0) = 1/2
    expected = -(math.log(0.75) + math.log(0.25) + math.log(0.5)) / 3
    assert result.loss.item() == pytest.approx(expected)
    assert (result.correct.item(), result.rows.item()) == (1.5, 3.0)  # a win, a loss, a tie
    assert result.margin.item() == pytest.approx(0.0)
    result.loss.backward()
    # the gradient of -log sigmoid(d) in d is sigmoid(d) - 1, over 3 pairs
    torch.testing.assert_close(chosen_B.grad, torch.tensor([-0.25, -0.75, -0.5]).double() / 3)
    torch.testing.assert_close(rejected_B.grad, -chosen_B.grad)


def test_a_margin_asks_for_more():
    chosen_B, rejected_B = torch.tensor([2.0]), torch.tensor([1.0])
    result = pairwise_loss(chosen_B, rejected_B, total_pairs=1, margin_B=torch.tensor([1.0]))
    assert result.loss.item() == pytest.approx(math.log(2.0))  # sigmoid(2 - 1 - 1) = 1/2
    assert (result.correct.item(), result.margin.item()) == (1.0, 1.0)


def test_pointwise_by_hand():
    scores_B = torch.tensor([math.log(3.0), math.log(3.0), 0.0], dtype=torch.float64, requires_grad=True)
    result = pointwise_loss(scores_B, torch.tensor([1, 0, 1]), total_rows=3)
    # probabilities 3/4, 3/4, 1/2 of labels 1, 0, 1
    assert result.loss.item() == pytest.approx(-(math.log(0.75) + math.log(0.25) + math.log(0.5)) / 3)
    assert (result.correct.item(), result.rows.item()) == (1.5, 3.0)
    assert result.margin.item() == pytest.approx(0.0)  # log 3 - log 3 + 0
    result.loss.backward()
    torch.testing.assert_close(scores_B.grad, torch.tensor([-0.25, 0.75, -0.5]).double() / 3)


def test_micro_batches_add_up():
    torch.manual_seed(0)
    chosen_B, rejected_B, margin_B = torch.randn(3, 9, dtype=torch.float64)
    labels_B = (torch.rand(9) < 0.5).double()
    whole = pairwise_loss(chosen_B, rejected_B, total_pairs=9, margin_B=margin_B)
    point = pointwise_loss(chosen_B, labels_B, total_rows=9)
    parts = [slice(0, 1), slice(1, 5), slice(5, 9)]
    pairs = [
        pairwise_loss(chosen_B[rows], rejected_B[rows], total_pairs=9, margin_B=margin_B[rows])
        for rows in parts
    ]
    points = [pointwise_loss(chosen_B[rows], labels_B[rows], total_rows=9) for rows in parts]
    torch.testing.assert_close(sum(part.loss for part in pairs), whole.loss)
    torch.testing.assert_close(sum(part.loss for part in points), point.loss)
    assert sum(part.correct.item() for part in pairs) == whole.correct.item()
    assert sum(part.rows.item() for part in points) == 9


def test_shifting_both_scores_changes_nothing():
    chosen_B, rejected_B = torch.randn(2, 5, dtype=torch.float64)
    plain = pairwise_loss(chosen_B, rejected_B, total_pairs=5)
    torch.testing.assert_close(pairwise_loss(chosen_B + 7, rejected_B + 7, total_pairs=5).loss, plain.loss)


def test_extreme_scores_stay_finite():
    scores_B = torch.tensor([1e4, -1e4], requires_grad=True)
    pairwise = pairwise_loss(scores_B, -scores_B, total_pairs=2).loss
    loss = pairwise + pointwise_loss(scores_B, torch.zeros(2), total_rows=2).loss
    (gradient_B,) = torch.autograd.grad(loss, scores_B)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient_B).all()


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="one number a row"):
        pairwise_loss(torch.zeros(2), torch.zeros(3), total_pairs=3)
    with pytest.raises(ValueError, match="one number a row"):
        pairwise_loss(torch.zeros(2), torch.zeros(2), total_pairs=3, margin_B=torch.zeros(3))
    with pytest.raises(ValueError, match="one number a row"):
        pointwise_loss(torch.zeros(2, 1), torch.zeros(2, 1), total_rows=2)
    with pytest.raises(ValueError, match="count the whole step"):
        pointwise_loss(torch.zeros(2), torch.zeros(2), total_rows=1)
