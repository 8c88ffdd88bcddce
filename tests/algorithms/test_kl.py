import math

import pytest
import torch

from r1light.algorithms.kl import kl_estimate, kl_k1, kl_k2, kl_k3, unbiased_kl

ESTIMATORS = ["k1", "k2", "k3"]


def two_distributions(vocabulary=7, seed=0):
    """Logits of a policy (with gradient) and the log-probabilities of a reference, in float64."""
    torch.manual_seed(seed)
    logits_V = torch.randn(vocabulary, dtype=torch.float64, requires_grad=True)
    return logits_V, torch.randn(vocabulary, dtype=torch.float64).log_softmax(-1)


def test_by_hand():
    policy, reference = torch.tensor([math.log(0.5)]), torch.tensor([math.log(0.25)])
    # log pi/ref = log 2 = 0.6931; k2 = 0.6931^2 / 2 = 0.24023; k3 = 0.5 + 0.6931 - 1 = 0.19315
    assert kl_k1(policy, reference).item() == pytest.approx(0.6931472)
    assert kl_k2(policy, reference).item() == pytest.approx(0.2402265)
    assert kl_k3(policy, reference).item() == pytest.approx(0.1931472)
    # and the other way: k3 = 2 - 0.6931 - 1 = 0.30685
    assert kl_k3(reference, policy).item() == pytest.approx(0.3068528)


@pytest.mark.parametrize("estimator", ["k1", "k3"])
def test_value_is_unbiased(estimator):
    logits_V, reference_V = two_distributions()
    policy_V = logits_V.detach().log_softmax(-1)
    exact = (policy_V.exp() * (policy_V - reference_V)).sum()
    mean = (policy_V.exp() * kl_estimate(estimator, policy_V, reference_V)).sum()
    torch.testing.assert_close(mean, exact)


def mean_gradient(loss_of, logits_V):
    """Mean over tokens drawn from the policy, the samples held fixed, of the gradient of a token's loss."""
    policy_V = logits_V.log_softmax(-1)
    weights_V = policy_V.detach().exp()
    return torch.autograd.grad((weights_V * loss_of(policy_V)).sum(), logits_V)[0]


def gradient_of_divergence(logits_V, divergence_of):
    return torch.autograd.grad(divergence_of(logits_V.log_softmax(-1)), logits_V)[0]


def test_mean_gradients_are_what_the_docstrings_say():
    logits_V, reference_V = two_distributions()
    reverse = gradient_of_divergence(logits_V, lambda p: (p.exp() * (p - reference_V)).sum())
    forward = gradient_of_divergence(logits_V, lambda p: (reference_V.exp() * (reference_V - p)).sum())
    assert not torch.allclose(reverse, forward, atol=1e-2)
    k1 = mean_gradient(lambda p: kl_k1(p, reference_V), logits_V)
    torch.testing.assert_close(k1, torch.zeros_like(k1))
    torch.testing.assert_close(mean_gradient(lambda p: kl_k2(p, reference_V), logits_V), reverse)
    torch.testing.assert_close(mean_gradient(lambda p: kl_k3(p, reference_V), logits_V), forward)
    for estimator in ("k1", "k3"):
        weighted = mean_gradient(lambda p, e=estimator: unbiased_kl(e, p, p, reference_V), logits_V)
        torch.testing.assert_close(weighted, reverse)


def test_unbiased_kl_is_unbiased_off_policy():
    logits_V, reference_V = two_distributions()
    old_V = torch.randn(7, dtype=torch.float64).log_softmax(-1)
    policy_V = logits_V.log_softmax(-1)
    exact = (policy_V.exp() * (policy_V - reference_V)).sum()
    reverse = torch.autograd.grad(exact, logits_V, retain_graph=True)[0]
    for estimator in ("k1", "k3"):
        mean = (old_V.exp() * unbiased_kl(estimator, policy_V, old_V, reference_V)).sum()
        torch.testing.assert_close(mean, exact)
        gradient = torch.autograd.grad(mean, logits_V, retain_graph=True)[0]
        torch.testing.assert_close(gradient, reverse)


def test_unbiased_k3_gradient_at_a_token():
    policy = torch.tensor([-1.0, -3.0], dtype=torch.float64, requires_grad=True)
    old, reference = torch.tensor([-1.5, -2.0]).double(), torch.tensor([-2.0, -0.5]).double()
    (gradient,) = torch.autograd.grad(unbiased_kl("k3", policy, old, reference).sum(), policy)
    # ratio * (log pi - log ref): e^0.5 * (-1 + 2) and e^-1 * (-3 + 0.5)
    expected = torch.tensor([math.exp(0.5), -2.5 * math.exp(-1.0)], dtype=torch.float64)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("estimator", ["k2", "k3"])
def test_never_negative_and_zero_at_the_reference(estimator):
    policy = torch.linspace(-30, 0, 61, dtype=torch.float64)
    reference = policy.flip(0)
    assert (kl_estimate(estimator, policy, reference) >= 0).all()
    assert kl_estimate(estimator, policy, policy).abs().max() == 0


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_far_from_the_reference_nothing_overflows(estimator):
    policy = torch.tensor([-500.0, 0.0], requires_grad=True)
    reference = torch.tensor([0.0, -500.0])
    value = unbiased_kl(estimator, policy, torch.tensor([-700.0, -1.0]), reference).sum()
    (gradient,) = torch.autograd.grad(value, policy)
    assert torch.isfinite(value)
    assert torch.isfinite(gradient).all()


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="k1, k2, k3"):
        kl_estimate("k4", torch.zeros(2), torch.zeros(2))
    with pytest.raises(ValueError, match=r"\(2,\)"):
        kl_estimate("k3", torch.zeros(2), torch.zeros(3))
