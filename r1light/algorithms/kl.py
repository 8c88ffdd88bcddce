"""Per-token estimators of the KL divergence from a reference, KL(policy || reference), in nats.

All take log-probabilities of the same sampled tokens, of one shape, and return that shape. "Value" below is
the estimate's mean over tokens sampled from the policy; "gradient" is the mean of what autograd gives where
the estimate is added to a loss and the samples are held fixed. Source: J. Schulman, "Approximating KL
divergence" (joschu.net/blog/kl-approx.html); gradients: arXiv:2512.21852.
"""

from __future__ import annotations

from torch import Tensor

from r1light.algorithms.presets import KlEstimator

MAX_LOG_RATIO = 20.0
"""Log-ratios are clamped to plus and minus this before exp, so that e^20 = 4.9e8 is the largest ratio. Beyond
it the gradient is 0."""


def bounded_exp(log_ratio: Tensor) -> Tensor:
    """exp, with the argument clamped to MAX_LOG_RATIO: never infinite, so no 0 * inf in a backward pass."""
    return log_ratio.clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO).exp()


def kl_k1(logprobs: Tensor, reference_logprobs: Tensor) -> Tensor:
    """Schulman's k1 = log pi - log ref.

    Value: unbiased, high variance, may be negative. Gradient: 0 in the mean, as E[grad log pi] = 0; as a loss
    term it only adds noise. It belongs in the reward, or in a loss with an importance ratio in front.
    """
    return logprobs - reference_logprobs


def kl_k2(logprobs: Tensor, reference_logprobs: Tensor) -> Tensor:
    """Schulman's k2 = (log pi - log ref)^2 / 2.

    Value: biased, little where the two are close; never negative. Gradient: (log pi - log ref) grad log pi,
    which is the gradient of the reverse KL without bias, as long as the samples are the policy's own.
    """
    return 0.5 * (logprobs - reference_logprobs).square()


def kl_k3(logprobs: Tensor, reference_logprobs: Tensor) -> Tensor:
    """DeepSeek-R1 (arXiv:2501.12948v2) eq. 2, Schulman's k3 = ref/pi - log(ref/pi) - 1.

    Value: unbiased, low variance, never negative. Gradient: (1 - ref/pi) grad log pi, which is that of the
    forward KL(reference || policy), not of the reverse KL.

    Deviation: the log-ratio is clamped to plus and minus MAX_LOG_RATIO inside the exponential.
    """
    log_ratio = reference_logprobs - logprobs
    return bounded_exp(log_ratio) - log_ratio - 1.0


def kl_estimate(estimator: KlEstimator, logprobs: Tensor, reference_logprobs: Tensor) -> Tensor:
    """The estimator of that name; see the three above.

    Raises:
        ValueError: If there is none of that name, or the shapes differ.
    """
    if logprobs.shape != reference_logprobs.shape:
        raise ValueError(
            f"log-probabilities {tuple(logprobs.shape)} and the reference's "
            f"{tuple(reference_logprobs.shape)} must have one shape"
        )
    if estimator == "k1":
        return kl_k1(logprobs, reference_logprobs)
    if estimator == "k2":
        return kl_k2(logprobs, reference_logprobs)
    if estimator == "k3":
        return kl_k3(logprobs, reference_logprobs)
    raise ValueError(f"unknown KL estimator {estimator!r}; known: k1, k2, k3")


def unbiased_kl(
    estimator: KlEstimator, logprobs: Tensor, old_logprobs: Tensor, reference_logprobs: Tensor
) -> Tensor:
    """DeepSeek-V3.2 (arXiv:2512.02556): an estimator times pi / pi_old, with the gradient through both.

    Value: unbiased for samples of the old policy. Gradient (k1 and k3): that of the reverse KL, without bias;
    for k3 it is exactly ratio * (log pi - log ref) * grad log pi at every token.

    Raises:
        ValueError: As kl_estimate.
    """
    ratio = bounded_exp(logprobs - old_logprobs.detach())
    return ratio * kl_estimate(estimator, logprobs, reference_logprobs)
