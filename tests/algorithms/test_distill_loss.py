import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.algorithms.distill_loss import (
    distill_loss,
    forward_kl,
    generalised_jsd,
    reverse_kl,
    topk_distill_loss,
)

BETAS = [0.0, 0.1, 0.5, 0.9, 1.0]


def log(*probabilities):
    return torch.tensor([probabilities], dtype=torch.float64).log()


def example(tokens=7, vocabulary=6, seed=0):
    torch.manual_seed(seed)
    student_TV = torch.randn(tokens, vocabulary, dtype=torch.float64, requires_grad=True)
    return student_TV, torch.randn(tokens, vocabulary, dtype=torch.float64), torch.rand(tokens) < 0.7


def dense(student_TV, teacher_TV, mask_T, beta):
    """The same, token by token, by the formula in probabilities."""
    total = torch.zeros((), dtype=torch.float64)
    for token in mask_T.nonzero().flatten().tolist():
        p, q = teacher_TV[token].softmax(-1), student_TV[token].softmax(-1)
        m = beta * p + (1 - beta) * q
        if beta in (0.0, 1.0):
            total = total + ((p * (p / q).log()).sum() if beta == 0.0 else (q * (q / p).log()).sum())
        else:
            total = total + beta * (p * (p / m).log()).sum() + (1 - beta) * (q * (q / m).log()).sum()
    return total / mask_T.sum()


def test_by_hand():
    teacher, student = log(0.5, 0.5), log(0.25, 0.75)
    # forward: 0.5 log 2 + 0.5 log(2/3) = 0.5 log(4/3); reverse: 0.25 log 0.5 + 0.75 log 1.5
    assert forward_kl(teacher, student).item() == pytest.approx(0.5 * math.log(4 / 3))
    assert reverse_kl(teacher, student).item() == pytest.approx(0.25 * math.log(0.5) + 0.75 * math.log(1.5))
    # beta 0.5: m = (0.375, 0.625); half of 0.5 log(0.5/0.375) + 0.5 log(0.5/0.625), and of the student's
    teacher_part = 0.5 * math.log(4 / 3) + 0.5 * math.log(0.8)
    student_part = 0.25 * math.log(2 / 3) + 0.75 * math.log(1.2)
    expected = 0.5 * teacher_part + 0.5 * student_part
    assert generalised_jsd(teacher, student, 0.5).item() == pytest.approx(expected)


def test_the_ends_are_the_limits_of_the_scaled_formula():
    teacher, student = log(0.5, 0.3, 0.2), log(0.1, 0.2, 0.7)
    small = generalised_jsd(teacher, student, 1e-6) / 1e-6
    torch.testing.assert_close(small, generalised_jsd(teacher, student, 0.0), rtol=1e-4, atol=1e-6)
    large = generalised_jsd(teacher, student, 1 - 1e-6) / 1e-6
    torch.testing.assert_close(large, generalised_jsd(teacher, student, 1.0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("beta", BETAS)
def test_equals_the_formula_written_out(beta):
    student_TV, teacher_TV, mask_T = example()
    total = int(mask_T.sum())
    result = distill_loss(student_TV, teacher_TV, mask_T, beta=beta, total_tokens=total)
    expected = dense(student_TV, teacher_TV, mask_T, beta)
    torch.testing.assert_close(result.loss, expected)
    torch.testing.assert_close(
        torch.autograd.grad(result.loss, student_TV, retain_graph=True),
        torch.autograd.grad(expected, student_TV),
    )
    torch.testing.assert_close(result.divergence / result.tokens, expected.detach())

    def loss(logits_TV):
        return distill_loss(logits_TV, teacher_TV, mask_T, beta=beta, total_tokens=total).loss

    assert torch.autograd.gradcheck(loss, student_TV)


@pytest.mark.parametrize("beta", BETAS)
def test_slices_of_tokens_add_up_and_masked_ones_do_not_matter(beta):
    student_TV, teacher_TV, mask_T = example()
    student_TV = student_TV.detach().masked_fill(~mask_T[:, None], float("nan")).requires_grad_()
    total = int(mask_T.sum())
    whole = distill_loss(student_TV, teacher_TV, mask_T, beta=beta, total_tokens=total)
    (gradient_TV,) = torch.autograd.grad(whole.loss, student_TV)
    assert gradient_TV[~mask_T].abs().sum() == 0
    parts = [
        distill_loss(student_TV[rows], teacher_TV[rows], mask_T[rows], beta=beta, total_tokens=total)
        for rows in (slice(0, 3), slice(3, 4), slice(4, 7))
    ]
    torch.testing.assert_close(sum(part.loss for part in parts), whole.loss)
    assert sum(part.tokens.item() for part in parts) == total


def test_temperature_divides_both():
    student_TV, teacher_TV, mask_T = example()
    hot = distill_loss(student_TV, teacher_TV, mask_T, beta=0.5, total_tokens=9, temperature=2.0)
    halved = distill_loss(student_TV / 2, teacher_TV / 2, mask_T, beta=0.5, total_tokens=9)
    torch.testing.assert_close(hot.loss, halved.loss)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1), st.integers(1, 6))
def test_divergences_are_not_negative_and_the_top_k_is_never_above(seed, beta, k):
    student_TV, teacher_TV, mask_T = example(seed=seed)
    full = distill_loss(student_TV, teacher_TV, mask_T, beta=beta, total_tokens=7).loss.item()
    top = teacher_TV.log_softmax(-1).topk(k)
    reduced = topk_distill_loss(student_TV, top.values, top.indices, mask_T, beta=beta, total_tokens=7)
    assert -1e-9 <= reduced.loss.item() <= full + 1e-9


@pytest.mark.parametrize("beta", BETAS)
def test_the_whole_vocabulary_as_top_k_is_the_full_loss(beta):
    student_TV, teacher_TV, mask_T = example()
    full = distill_loss(student_TV, teacher_TV, mask_T, beta=beta, total_tokens=7)
    top = teacher_TV.log_softmax(-1).topk(6)
    reduced = topk_distill_loss(student_TV, top.values, top.indices, mask_T, beta=beta, total_tokens=7)
    torch.testing.assert_close(reduced.loss, full.loss)
    torch.testing.assert_close(
        torch.autograd.grad(reduced.loss, student_TV), torch.autograd.grad(full.loss, student_TV)
    )


def test_top_k_by_hand():
    student_TV = torch.tensor([[0.1, 0.2, 0.3, 0.4]], dtype=torch.float64).log().requires_grad_()
    teacher_TK, ids_TK = log(0.5, 0.25), torch.tensor([[3, 0]])
    mask_T = torch.ones(1, dtype=torch.bool)
    result = topk_distill_loss(student_TV, teacher_TK, ids_TK, mask_T, beta=0.0, total_tokens=1)
    # Outcomes 3, 0 and the rest: teacher 0.5, 0.25, 0.25; student 0.4, 0.1, 0.5
    expected = 0.5 * math.log(0.5 / 0.4) + 0.25 * math.log(0.25 / 0.1) + 0.25 * math.log(0.25 / 0.5)
    assert result.loss.item() == pytest.approx(expected)
    (gradient_TV,) = torch.autograd.grad(result.loss, student_TV)
    # student minus teacher per outcome, the rest shared as 0.2 : 0.3 of the student's 0.5
    expected_TV = torch.tensor([[0.1 - 0.25, 0.25 * 0.4, 0.25 * 0.6, 0.4 - 0.5]], dtype=torch.float64)
    torch.testing.assert_close(gradient_TV, expected_TV)


@pytest.mark.parametrize("beta", BETAS)
def test_far_apart_distributions_stay_finite(beta):
    student_TV = torch.tensor([[200.0, 0.0, 0.0], [0.0, 0.0, 200.0]], requires_grad=True)
    teacher_TV = torch.tensor([[0.0, 0.0, 200.0], [0.0, 0.0, 200.0]])
    mask_T = torch.ones(2, dtype=torch.bool)
    full = distill_loss(student_TV, teacher_TV, mask_T, beta=beta, total_tokens=2)
    top = teacher_TV.log_softmax(-1).topk(2)
    reduced = topk_distill_loss(student_TV, top.values, top.indices, mask_T, beta=beta, total_tokens=2)
    for result in (full, reduced):
        assert torch.isfinite(result.loss)
        assert torch.isfinite(torch.autograd.grad(result.loss, student_TV)[0]).all()


def test_wrong_input_is_refused():
    student_TV, teacher_TV, mask_T = example()
    with pytest.raises(ValueError, match="tokens, vocabulary"):
        distill_loss(student_TV, teacher_TV[:3], mask_T, beta=0.5, total_tokens=7)
    with pytest.raises(ValueError, match="bool mask"):
        distill_loss(student_TV, teacher_TV, mask_T[:3], beta=0.5, total_tokens=7)
    with pytest.raises(ValueError, match=r"beta=1\.5"):
        distill_loss(student_TV, teacher_TV, mask_T, beta=1.5, total_tokens=7)
    with pytest.raises(ValueError, match="temperature=0"):
        distill_loss(student_TV, teacher_TV, mask_T, beta=0.5, total_tokens=7, temperature=0)
    values_TK, ids_TK = torch.zeros(7, 2), torch.zeros(7, 2, dtype=torch.long)
    with pytest.raises(ValueError, match="tokens, k"):
        topk_distill_loss(student_TV, values_TK[:, :1], ids_TK, mask_T, beta=0.5, total_tokens=7)
    with pytest.raises(ValueError, match="7 tokens of the teacher"):
        topk_distill_loss(student_TV[:3], values_TK, ids_TK, mask_T, beta=0.5, total_tokens=7)
