"""Divergences in chunks: value, gradient and entropy of the losses on whole logits, in float64."""

from __future__ import annotations

import pytest
import torch

from r1light.algorithms.chunked_divergence import (
    FullTeacher,
    TopKTeacher,
    chunked_divergence,
    chunked_top_k,
)
from r1light.algorithms.distill_loss import distill_loss, topk_distill_loss
from r1light.algorithms.lm_head import Head

TOKENS, VOCABULARY, HIDDEN, TEACHER_HIDDEN, TOP = 11, 13, 5, 7, 4
EVERY = torch.ones(TOKENS, dtype=torch.bool)


@pytest.fixture
def drawn():
    """Student's hidden states, weight and bias, which want gradients; the teacher's, which do not."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    student = [normal(TOKENS, HIDDEN), normal(VOCABULARY, HIDDEN), normal(VOCABULARY)]
    for tensor in student:
        tensor.requires_grad_()
    return student, (normal(TOKENS, TEACHER_HIDDEN), Head(normal(VOCABULARY, TEACHER_HIDDEN)))


def gradients(loss, tensors, factor=0.25):
    return torch.autograd.grad(loss * factor, tensors)


@pytest.mark.parametrize("chunk", [1, 4, 11, 100])
@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
def test_in_chunks_as_on_whole_logits(drawn, beta, chunk):
    (hidden, weight, bias), (teacher_hidden, teacher_head) = drawn
    logits = hidden @ weight.T + bias
    teacher_logits = teacher_hidden @ teacher_head.weight_VH.T
    wanted = distill_loss(logits, teacher_logits, EVERY, beta=beta, total_tokens=1, temperature=1.7)
    teacher = FullTeacher(teacher_hidden, teacher_head, beta, 1.7)
    found = chunked_divergence(hidden, Head(weight, bias), teacher, temperature=1.7, chunk_tokens=chunk)
    torch.testing.assert_close(found.loss, wanted.loss)
    torch.testing.assert_close(
        gradients(found.loss, [hidden, weight, bias]), gradients(wanted.loss, [hidden, weight, bias])
    )
    entropy = torch.distributions.Categorical(logits=logits / 1.7).entropy().sum()
    torch.testing.assert_close(found.entropy, entropy.detach())
    assert not found.entropy.requires_grad


@pytest.mark.parametrize("chunk", [3, 100])
@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_top_k_in_chunks_as_on_whole_logits(drawn, beta, chunk):
    (hidden, weight, bias), (teacher_hidden, teacher_head) = drawn
    teacher_logprobs = torch.log_softmax(teacher_hidden @ teacher_head.weight_VH.T / 0.6, dim=-1)
    top = chunked_top_k(teacher_hidden, teacher_head, TOP, temperature=0.6, chunk_tokens=chunk)
    torch.testing.assert_close(top.logprobs_TK, teacher_logprobs.sort(descending=True).values[:, :TOP])
    torch.testing.assert_close(top.logprobs_TK, teacher_logprobs.gather(-1, top.ids_TK))
    wanted = topk_distill_loss(
        hidden @ weight.T + bias, top.logprobs_TK, top.ids_TK, EVERY,
        beta=beta, total_tokens=1, temperature=0.6,
    )  # fmt: skip
    found = chunked_divergence(
        hidden, Head(weight, bias), TopKTeacher(top, beta), temperature=0.6, chunk_tokens=chunk
    )
    torch.testing.assert_close(found.loss, wanted.loss)
    torch.testing.assert_close(
        gradients(found.loss, [hidden, weight, bias]), gradients(wanted.loss, [hidden, weight, bias])
    )


def test_a_frozen_head_gets_no_gradient_and_no_grad_computes_none(drawn):
    (hidden, weight, _), (teacher_hidden, teacher_head) = drawn
    teacher = FullTeacher(teacher_hidden, teacher_head, 1.0)
    frozen = chunked_divergence(hidden, Head(weight.detach()), teacher, chunk_tokens=4)
    (grad,) = torch.autograd.grad(frozen.loss, [hidden])
    assert grad.abs().sum() > 0
    with torch.no_grad():
        plain = chunked_divergence(hidden, Head(weight), teacher, chunk_tokens=4)
    assert not plain.loss.requires_grad
    torch.testing.assert_close(plain.loss, frozen.loss.detach())


def test_autocast_does_not_round_the_entropy():
    torch.manual_seed(0)  # operands that bfloat16 holds, so that autocast has nothing to round
    hidden_TH, head = torch.randn(5, 8).bfloat16().float(), Head(torch.randn(300, 8).bfloat16().float())
    plain = chunked_divergence(hidden_TH, head, FullTeacher(hidden_TH, head, beta=0.0)).entropy
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = chunked_divergence(hidden_TH, head, FullTeacher(hidden_TH, head, beta=0.0)).entropy
    assert torch.equal(found, plain)


def test_a_student_that_is_its_teacher_has_no_divergence(drawn):
    (hidden, weight, bias), _ = drawn
    teacher = FullTeacher(hidden.detach(), Head(weight.detach(), bias.detach()), 1.0)
    found = chunked_divergence(hidden, Head(weight, bias), teacher)
    # reverse KL has its minimum, 0, there: value and gradient vanish
    assert found.loss.item() == pytest.approx(0.0, abs=1e-12)
    for grad in gradients(found.loss, [hidden, weight, bias]):
        assert grad.abs().max() < 1e-12


def test_a_head_cut_to_a_common_vocabulary_passes_gradients_on(drawn):
    (hidden, weight, bias), (teacher_hidden, teacher_head) = drawn
    teacher = FullTeacher(teacher_hidden, teacher_head.first(9), 1.0)
    loss = chunked_divergence(hidden, Head(weight, bias).first(9), teacher).loss
    (grad,) = torch.autograd.grad(loss, [weight])
    assert grad[:9].abs().min() > 0
    assert not grad[9:].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"temperature": 0.0}, "temperature=0.0 must be above 0"), ({"chunk_tokens": 0}, "chunk_tokens=0")],
)
def test_wrong_options_are_refused(drawn, options, message):
    (hidden, weight, _), (teacher_hidden, teacher_head) = drawn
    with pytest.raises(ValueError, match=message):
        chunked_divergence(hidden, Head(weight), FullTeacher(teacher_hidden, teacher_head, 1.0), **options)


def test_shapes_that_do_not_fit_are_refused(drawn):
    (hidden, weight, _), (teacher_hidden, teacher_head) = drawn
    with pytest.raises(ValueError, match=r"hidden \(11, 5\) and weight \(13, 4\)"):
        chunked_divergence(hidden, Head(weight[:, :4]), FullTeacher(teacher_hidden, teacher_head, 1.0))
