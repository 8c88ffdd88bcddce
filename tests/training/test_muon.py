from __future__ import annotations

import pytest
import torch

from r1light.training.muon import Muon, orthogonalize


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 6, 20), (2, 20, 6)])
def test_singular_values_come_near_one_and_the_vectors_stay(shape):
    torch.manual_seed(0)
    given = torch.randn(shape)
    made = orthogonalize(given)
    left, values, right = torch.linalg.svd(given, full_matrices=False)
    spread = torch.linalg.svdvals(made)[values > 0.05 * values[:, :1]]
    assert spread.min() > 0.6
    assert spread.max() < 1.3
    # in the basis of the given matrix's singular vectors the made one is diagonal
    diagonal = left.mT @ made @ right.mT
    torch.testing.assert_close(
        diagonal, torch.diag_embed(torch.diagonal(diagonal, dim1=1, dim2=2)), atol=1e-4, rtol=0
    )


def test_matrices_of_a_stack_do_not_touch_each_other():
    torch.manual_seed(0)
    given = torch.randn(2, 4, 6)
    torch.testing.assert_close(orthogonalize(given)[1:], orthogonalize(given[1:]))


def test_one_update_by_hand():
    # A gradient of rank one, g = u v^T with u = (1, 0) and v = (3/5, 4/5), of norm 1: one singular value, 1.
    # Nesterov: the direction is g + 0.95 g = 1.95 g, which is normalised back to g. An iteration makes the
    # singular value s into 3.4445 s - 4.775 s^3 + 2.0315 s^5: 1 -> 0.701 -> 1.113 -> ..., five times.
    value = 1.0
    for _ in range(5):
        value = 3.4445 * value - 4.7750 * value**3 + 2.0315 * value**5
    matrix = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    matrix.grad = torch.tensor([[0.6, 0.8], [0.0, 0.0]])
    Muon([matrix], lr=0.1, weight_decay=0.5).step()
    # decay first: 1 - 0.1 * 0.5 = 0.95 of the matrix; a square matrix has no further scale
    expected = 0.95 * torch.tensor([[1.0, 2.0], [3.0, 4.0]]) - 0.1 * value * torch.tensor(
        [[0.6, 0.8], [0.0, 0.0]]
    )
    torch.testing.assert_close(matrix.detach(), expected, atol=1e-5, rtol=0)


def test_a_tall_matrix_steps_further():
    # rows / columns = 4, so the step is sqrt(4) = 2 times as long as the wide one's
    torch.manual_seed(0)
    gradient = torch.randn(2, 8)
    wide, tall = torch.zeros(2, 8, requires_grad=True), torch.zeros(8, 2, requires_grad=True)
    wide.grad, tall.grad = gradient, gradient.mT.clone()
    Muon([wide, tall], lr=0.1).step()
    torch.testing.assert_close(tall.detach(), 2 * wide.detach().mT)


def test_momentum_is_kept_and_saved():
    torch.manual_seed(0)
    gradients = torch.randn(3, 4, 4)

    def steps(optimizer, matrix, chosen):
        for gradient in chosen:
            matrix.grad = gradient.clone()
            optimizer.step()

    whole, halves = torch.zeros(4, 4, requires_grad=True), torch.zeros(4, 4, requires_grad=True)
    steps(Muon([whole], lr=0.1), whole, gradients)
    first, second = Muon([halves], lr=0.1), Muon([halves], lr=0.1)
    steps(first, halves, gradients[:2])
    second.load_state_dict(first.state_dict())
    steps(second, halves, gradients[2:])
    assert torch.equal(whole, halves)


def test_what_is_no_matrix_is_refused():
    with pytest.raises(ValueError, match=r"not for a tensor of shape \[3\]"):
        Muon([torch.zeros(3, requires_grad=True)], lr=0.1)
