import math
from dataclasses import fields, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.algorithms.aggregation import LossNormaliser
from r1light.algorithms.policy_loss import PolicyMetrics, policy_loss
from r1light.algorithms.presets import PRESETS, PolicyLossOptions

ONE = LossNormaliser(sequences=1, tokens=1, max_tokens=1)
LOSSES = [preset.loss for preset in PRESETS.values()]
VARIANTS = [
    *LOSSES,
    PolicyLossOptions(clip_delta=1.1, kl_coefficient=0.3, kl_estimator="k1"),
    PolicyLossOptions(clip_low=0.05, clip_high=0.05, kl_coefficient=0.3, kl_estimator="k2"),
    PolicyLossOptions(kl_coefficient=0.3, kl_importance_weighted=True, aggregation="token_mean"),
    PolicyLossOptions(rollout_correction="truncate", rollout_correction_max=1.05, kl_coefficient=0.1),
    PolicyLossOptions(rollout_correction="mask", rollout_correction_min=0.9, rollout_correction_max=1.1),
    PolicyLossOptions(rollout_correction="truncate", rollout_correction_level="sequence"),
    PolicyLossOptions(
        rollout_correction="mask", rollout_correction_level="sequence", ratio_level="sequence", clip_high=0.01
    ),
    PolicyLossOptions(surrogate="cispo", ratio_level="sequence", clip_low=0.1, clip_high=0.1),
]


def one_token(ratio, advantage, **options):
    """Loss and gradient, with respect to log pi, of a single token of that ratio."""
    logprobs_BT = torch.tensor([[math.log(ratio) - 1.0]], dtype=torch.float64, requires_grad=True)
    result = policy_loss(
        logprobs_BT,
        torch.tensor([float(advantage)], dtype=torch.float64),
        torch.ones(1, 1, dtype=torch.bool),
        options=PolicyLossOptions(**options),
        normaliser=ONE,
        old_logprobs_BT=torch.full((1, 1), -1.0, dtype=torch.float64),
    )
    return result, torch.autograd.grad(result.loss, logprobs_BT)[0].item()


@pytest.mark.parametrize(
    ("ratio", "advantage", "options", "loss", "gradient"),
    [
        # -min(r A, clip(r, 0.8, 1.2) A); the gradient of -r A in log pi is -r A
        (1.0, 2.0, {}, -2.0, -2.0),
        (1.1, 2.0, {}, -2.2, -2.2),
        (1.5, 2.0, {}, -2.4, 0.0),  # held at 1.2
        (0.5, 2.0, {}, -1.0, -1.0),  # below, with A > 0: not clipped
        (0.5, -2.0, {}, 1.6, 0.0),  # held at 0.8
        (1.5, -2.0, {}, 3.0, 3.0),  # above, with A < 0: not clipped
        (1.5, 0.0, {}, 0.0, 0.0),
        # DAPO: the upper bound alone moves
        (1.25, 1.0, {"clip_high": 0.28}, -1.25, -1.25),
        (1.5, 1.0, {"clip_high": 0.28}, -1.28, 0.0),
        # eps = 10: only ratios above 11 with A > 0 are clipped, as 1 - 10 is below every ratio
        (10.5, 1.0, {"clip_low": 10.0, "clip_high": 10.0}, -10.5, -10.5),
        (12.0, 1.0, {"clip_low": 10.0, "clip_high": 10.0}, -11.0, 0.0),
        (12.0, -1.0, {"clip_low": 10.0, "clip_high": 10.0}, 12.0, 12.0),
        (1e-4, -1.0, {"clip_low": 10.0, "clip_high": 10.0}, 1e-4, 1e-4),
        # two-sided: for A < 0 the ratio is held at 4
        (3.0, -1.0, {"clip_delta": 4.0}, 3.0, 3.0),
        (5.0, -1.0, {"clip_delta": 4.0}, 4.0, 0.0),
        (5.0, 1.0, {"clip_delta": 4.0}, -1.2, 0.0),
        (0.5, -1.0, {"clip_delta": 4.0}, 0.8, 0.0),
        (5.0, 1.0, {"clip_delta": 4.0, "clip_high": 10.0}, -5.0, -5.0),
        # CISPO: -A sg(clip(r)) log pi, with log pi = log r - 1; the gradient stays beyond the bounds
        (1.0, 2.0, {"surrogate": "cispo"}, 2.0, -2.0),
        (1.5, 2.0, {"surrogate": "cispo"}, -2.0 * 1.2 * (math.log(1.5) - 1), -2.4),
        (0.5, 2.0, {"surrogate": "cispo"}, -2.0 * 0.8 * (math.log(0.5) - 1), -1.6),
        (0.5, 2.0, {"surrogate": "cispo", "clip_low": 1.0}, -2.0 * 0.5 * (math.log(0.5) - 1), -1.0),
        (7.0, -1.0, {"surrogate": "cispo", "clip_high": 4.0}, 5.0 * (math.log(7.0) - 1), 5.0),
    ],
)
def test_one_token_by_hand(ratio, advantage, options, loss, gradient):
    result, grad = one_token(ratio, advantage, **options)
    assert result.loss.item() == pytest.approx(loss)
    assert grad == pytest.approx(gradient)


@pytest.mark.parametrize(("advantage", "clip"), [(1.0, {"clip_high": 0.5}), (-1.0, {"clip_low": 0.5})])
def test_at_a_bound_the_gradient_is_whole(advantage, clip):
    ratio = 1.5 if advantage > 0 else 0.5
    # exp(log r) may miss r by a rounding, so the boundary itself is set up through the bound
    result, gradient = one_token(ratio * (1 - 1e-12 * advantage), advantage, **clip)
    assert gradient == pytest.approx(-ratio * advantage)
    assert result.metrics.clipped_high.item() == result.metrics.clipped_low.item() == 0
    result, gradient = one_token(ratio * (1 + 1e-12 * advantage), advantage, **clip)
    assert gradient == 0


@pytest.mark.parametrize("ratio", [0.1, 5.0])
def test_without_advantage_nothing_counts_as_clipped(ratio):
    metrics = one_token(ratio, 0.0, clip_delta=2.0)[0].metrics
    assert metrics.clipped_low == metrics.clipped_high == metrics.clipped_delta == 0
    assert one_token(5.0, -1.0, clip_delta=2.0)[0].metrics.clipped_delta == 1


def test_two_rows_by_hand():
    """GRPO with a KL term over a long wrong answer and a short right one."""
    logprobs_BT = torch.log(torch.tensor([[0.5, 0.4, 0.0], [0.1, 0.2, 0.3]])).requires_grad_()
    old_BT = torch.log(torch.tensor([[0.4, 0.5, 1.0], [0.2, 0.1, 0.3]]))
    reference_BT = torch.log(torch.tensor([[0.25, 0.4, 1.0], [0.1, 0.2, 0.6]]))
    mask_BT = torch.tensor([[True, True, False], [True, True, True]])
    result = policy_loss(
        logprobs_BT,
        torch.tensor([1.0, -2.0]),
        mask_BT,
        options=PolicyLossOptions(kl_coefficient=0.1),
        normaliser=LossNormaliser.of(mask_BT, 3),
        old_logprobs_BT=old_BT,
        reference_logprobs_BT=reference_BT,
    )
    # Ratios: row 0: 1.25, 0.8; row 1: 0.5, 2, 1. Held: row 0: 1.2, 0.8 (A > 0); row 1: 0.8, 2, 1 (A < 0).
    # Row 0: -(1.2 + 0.8) / 2 = -1. Row 1: 2 (0.8 + 2 + 1) / 3 = 2.5333333. Mean: 0.7666667.
    assert result.metrics.policy_loss.item() == pytest.approx(0.7666667)
    # k3: row 0: ref/pi 0.5: 0.5 + log 2 - 1 = 0.1931472, then 0: mean 0.0965736.
    #     row 1: 0, 0, ref/pi 2: 2 - log 2 - 1 = 0.3068528: mean 0.1022843. Mean 0.0994289, times 0.1.
    assert result.metrics.kl_loss.item() == pytest.approx(0.00994289)
    assert result.loss.item() == pytest.approx(0.7666667 + 0.00994289)
    expected = {
        "tokens": 5.0,
        "sequences": 2.0,
        "ratio": 1.25 + 0.8 + 0.5 + 2 + 1,
        "clipped_low": 1.0,
        "clipped_high": 1.0,
        "clipped_delta": 0.0,
        # r - log r - 1 over the five: 5.55 - log(1.25 * 0.8 * 0.5 * 2 * 1) - 5 = 0.55
        "old_kl": 0.55,
        "reference_kl": 0.1931472 + 0.3068528,
        "rollout_weight": 5.0,
        "rollout_bounded": 0.0,
        "rollout_kl": 0.0,
        "rollout_difference": 0.0,
    }
    for name, value in expected.items():
        assert getattr(result.metrics, name).item() == pytest.approx(value, abs=1e-6), name


def test_sequence_ratio_by_hand():
    """GSPO: s = sqrt(4 * 1) = 2 for two tokens of ratios 4 and 1."""
    old_BT = torch.tensor([[-3.0, -1.0, 0.0]], dtype=torch.float64)
    logprobs_BT = (old_BT + torch.tensor([[math.log(4.0), 0.0, 99.0]])).detach().requires_grad_()
    mask_BT = torch.tensor([[True, True, False]])
    arguments = {
        "normaliser": LossNormaliser.of(mask_BT, 3),
        "old_logprobs_BT": old_BT,
    }
    options = PolicyLossOptions(ratio_level="sequence", clip_high=3.0)
    result = policy_loss(logprobs_BT, torch.tensor([1.5]).double(), mask_BT, options=options, **arguments)
    assert result.loss.item() == pytest.approx(-3.0)  # -1.5 * 2
    assert result.metrics.ratio.item() == pytest.approx(4.0)  # 2 on each of two tokens
    (gradient_BT,) = torch.autograd.grad(result.loss, logprobs_BT)
    # d s / d log pi_t = s / 2 tokens: -1.5 * 2 / 2 = -1.5 each
    torch.testing.assert_close(gradient_BT, torch.tensor([[-1.5, -1.5, 0.0]]).double())
    tight = replace(options, clip_high=0.5)
    clipped = policy_loss(logprobs_BT, torch.tensor([1.5]).double(), mask_BT, options=tight, **arguments)
    assert clipped.loss.item() == pytest.approx(-2.25)  # -1.5 * 1.5
    assert clipped.metrics.clipped_high.item() == 2
    assert torch.autograd.grad(clipped.loss, logprobs_BT)[0].abs().sum() == 0


@pytest.mark.parametrize(
    ("options", "weights", "bounded"),
    [
        # Row 0 has weights pi_old / pi_rollout of 4 and 0.5 (product 2), row 1 of 0.25 and 1 (product 0.25).
        ({"rollout_correction": "off"}, [[1, 1], [1, 1]], 0),
        ({"rollout_correction": "truncate"}, [[2, 0.5], [0.25, 1]], 1),
        ({"rollout_correction": "mask"}, [[0, 0.5], [0.25, 1]], 1),
        ({"rollout_correction": "mask", "rollout_correction_min": 0.4}, [[0, 0.5], [0, 1]], 2),
        (
            {"rollout_correction": "truncate", "rollout_correction_level": "sequence"},
            [[2, 2], [0.25, 0.25]],
            0,
        ),
        (
            {
                "rollout_correction": "truncate",
                "rollout_correction_level": "sequence",
                "rollout_correction_max": 1.5,
            },
            [[1.5, 1.5], [0.25, 0.25]],
            2,
        ),
        (
            {
                "rollout_correction": "mask",
                "rollout_correction_level": "sequence",
                "rollout_correction_max": 1.5,
            },
            [[0, 0], [0.25, 0.25]],
            2,
        ),
    ],
)
def test_rollout_correction_by_hand(options, weights, bounded):
    old_BT = torch.log(torch.tensor([[0.8, 0.2], [0.1, 0.7]], dtype=torch.float64)).requires_grad_()
    rollout_BT = torch.log(torch.tensor([[0.2, 0.4], [0.4, 0.7]], dtype=torch.float64))
    options = {"aggregation": "token_mean", **options}
    if options.get("rollout_correction_level") == "sequence" and "rollout_correction_max" not in options:
        options["rollout_correction_max"] = 2.0 + 1e-9  # the product 0.8 * 0.2 / 0.08 is 2 but for rounding
    result = policy_loss(
        old_BT,
        torch.tensor([1.0, -1.0], dtype=torch.float64),
        torch.ones(2, 2, dtype=torch.bool),
        options=PolicyLossOptions(**options),
        normaliser=LossNormaliser(sequences=2, tokens=4, max_tokens=2),
        rollout_logprobs_BT=rollout_BT,
    )
    (gradient_BT,) = torch.autograd.grad(result.loss, old_BT)
    # On-policy, a token's gradient is -A w / 4 tokens
    signs_B1 = torch.tensor([[-0.25], [0.25]], dtype=torch.float64)
    torch.testing.assert_close(gradient_BT, signs_B1 * torch.tensor(weights, dtype=torch.float64))
    assert result.metrics.rollout_bounded.item() == bounded
    assert result.metrics.rollout_weight.item() == pytest.approx(sum(map(sum, weights)))
    # log rollout - log old: log 0.25 + log 2 + log 4 + 0 = log 2; absolute: log 4 + log 2 + log 4 = log 32
    assert result.metrics.rollout_kl.item() == pytest.approx(math.log(2))
    assert result.metrics.rollout_difference.item() == pytest.approx(math.log(32))


def batch(rows=6, tokens=5, seed=0, spread=0.5):
    torch.manual_seed(seed)
    logprobs_BT = -torch.rand(rows, tokens, dtype=torch.float64) * 3
    mask_BT = torch.arange(tokens) < torch.randint(1, tokens + 1, (rows, 1))
    return {
        "logprobs_BT": logprobs_BT,
        "advantages_B": torch.randn(rows, dtype=torch.float64),
        "mask_BT": mask_BT,
        "old_logprobs_BT": logprobs_BT + spread * torch.randn(rows, tokens).double(),
        "rollout_logprobs_BT": logprobs_BT + spread * torch.randn(rows, tokens).double(),
        "reference_logprobs_BT": logprobs_BT + spread * torch.randn(rows, tokens).double(),
    }


def evaluate(tensors, options, normaliser=None):
    """The result, and the gradient with respect to the policy's log-probabilities."""
    normaliser = normaliser or LossNormaliser.of(tensors["mask_BT"], 8)
    leaf_BT = tensors["logprobs_BT"].detach().clone().requires_grad_()
    result = policy_loss(**{**tensors, "logprobs_BT": leaf_BT}, options=options, normaliser=normaliser)
    return result, torch.autograd.grad(result.loss, leaf_BT)[0]


def dense_row(tensors, row, options):
    """Token losses of one row, written token by token from the papers' formulas; and which tokens count."""
    picked = [t for t in range(tensors["mask_BT"].shape[1]) if tensors["mask_BT"][row, t]]
    get = lambda name: torch.stack([tensors[name][row, t] for t in picked])  # noqa: E731
    logprobs, old, reference = get("logprobs_BT"), get("old_logprobs_BT"), get("reference_logprobs_BT")
    advantage = tensors["advantages_B"][row]
    token_ratio = torch.exp(logprobs - old)
    ratio = token_ratio
    if options.ratio_level == "sequence":
        ratio = token_ratio.prod().pow(1 / len(picked)).repeat(len(picked))
    clipped = torch.maximum(
        torch.minimum(ratio, torch.tensor(1 + options.clip_high)), torch.tensor(1 - options.clip_low)
    )
    if options.surrogate == "cispo":
        loss = -clipped.detach() * advantage * logprobs
    else:
        unclipped = ratio
        if options.clip_delta is not None and advantage < 0:
            unclipped = torch.minimum(ratio, torch.tensor(options.clip_delta))
            clipped = torch.maximum(unclipped, torch.tensor(1 - options.clip_low))
        loss = -torch.minimum(unclipped * advantage, clipped * advantage)
    if options.rollout_correction != "off":
        weight = torch.exp(old - get("rollout_logprobs_BT"))
        if options.rollout_correction_level == "sequence":
            weight = weight.prod().repeat(len(picked))
        keep = (weight <= options.rollout_correction_max) & (weight >= options.rollout_correction_min)
        limited = torch.minimum(weight, torch.tensor(options.rollout_correction_max))
        loss = loss * (limited if options.rollout_correction == "truncate" else weight * keep)
    log_ratio = logprobs - reference
    kl = {"k1": log_ratio, "k2": log_ratio**2 / 2, "k3": torch.exp(-log_ratio) + log_ratio - 1}
    factor = token_ratio if options.kl_importance_weighted else 1.0
    return loss + options.kl_coefficient * factor * kl[options.kl_estimator]


def dense_loss(tensors, options, max_tokens):
    rows = [dense_row(tensors, row, options) for row in range(len(tensors["mask_BT"]))]
    if options.aggregation == "token_mean":
        return torch.cat(rows).mean()
    if options.aggregation == "seq_mean_token_mean":
        return torch.stack([row.mean() for row in rows]).mean()
    return torch.stack([row.sum() / max_tokens for row in rows]).mean()


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("options", VARIANTS)
def test_equals_the_formulas_written_out(options, seed):
    tensors = batch(seed=seed)
    result, gradient_BT = evaluate(tensors, options)
    leaf_BT = tensors["logprobs_BT"].clone().requires_grad_()
    expected = dense_loss({**tensors, "logprobs_BT": leaf_BT}, options, 8)
    torch.testing.assert_close(result.loss.detach(), expected.detach())
    torch.testing.assert_close(gradient_BT, torch.autograd.grad(expected, leaf_BT)[0])


@pytest.mark.parametrize("options", [options for options in VARIANTS if options.surrogate == "clip"])
def test_gradcheck(options):
    tensors = batch(rows=3, tokens=3)
    normaliser = LossNormaliser.of(tensors["mask_BT"], 3)

    def loss(logprobs_BT):
        arguments = {**tensors, "logprobs_BT": logprobs_BT}
        return policy_loss(**arguments, options=options, normaliser=normaliser).loss

    assert torch.autograd.gradcheck(loss, tensors["logprobs_BT"].requires_grad_())


@pytest.mark.parametrize("options", VARIANTS)
def test_micro_batches_add_up_to_the_whole_batch(options):
    tensors = batch(rows=8)
    normaliser = LossNormaliser.of(tensors["mask_BT"], 8)
    whole, whole_gradient_BT = evaluate(tensors, options, normaliser)
    for sizes in ([4, 4], [1, 2, 5], [1] * 8):
        parts = []
        start = 0
        for size in sizes:
            rows = {name: tensor[start : start + size] for name, tensor in tensors.items()}
            parts.append(evaluate(rows, options, normaliser))
            start += size
        torch.testing.assert_close(sum(part.loss for part, _ in parts), whole.loss)
        torch.testing.assert_close(torch.cat([gradient for _, gradient in parts]), whole_gradient_BT)
        total = parts[0][0].metrics
        for part, _ in parts[1:]:
            total = total + part.metrics
        torch.testing.assert_close(total.stack(), whole.metrics.stack())
        normaliser.check(sequences=total.sequences.item(), tokens=total.tokens.item())
        torch.testing.assert_close(total.policy_loss + total.kl_loss, whole.loss.detach())


@pytest.mark.parametrize("options", VARIANTS)
def test_padding_is_never_seen(options):
    tensors = batch()
    result, gradient_BT = evaluate(tensors, options)
    for garbage in (float("nan"), float("-inf"), 1e30):
        padded = {
            name: torch.nn.functional.pad(tensor, (0, 3)) if name.endswith("_BT") else tensor
            for name, tensor in tensors.items()
        }
        for name, tensor in padded.items():
            if name.endswith("logprobs_BT"):
                padded[name] = tensor.masked_fill(~padded["mask_BT"], garbage)
        again, padded_gradient_BT = evaluate(padded, options)
        torch.testing.assert_close(again.loss, result.loss)
        torch.testing.assert_close(again.metrics.stack(), result.metrics.stack())
        torch.testing.assert_close(padded_gradient_BT[:, :5], gradient_BT)
        assert padded_gradient_BT[~padded["mask_BT"]].abs().sum() == 0


@pytest.mark.parametrize("options", VARIANTS)
def test_rows_in_any_order(options):
    tensors = batch()
    order = torch.randperm(6)
    result, gradient_BT = evaluate(tensors, options)
    again, permuted_BT = evaluate({name: tensor[order] for name, tensor in tensors.items()}, options)
    torch.testing.assert_close(again.loss, result.loss)
    torch.testing.assert_close(permuted_BT, gradient_BT[order])


@pytest.mark.parametrize("options", LOSSES)
def test_on_policy_it_is_the_policy_gradient(options):
    """With ratio 1 every preset has the gradient of -A log pi, by its own aggregation."""
    tensors = batch()
    del tensors["old_logprobs_BT"], tensors["rollout_logprobs_BT"]
    options = replace(options, kl_coefficient=0.0)
    result, gradient_BT = evaluate(tensors, options)
    leaf_BT = tensors["logprobs_BT"].clone().requires_grad_()
    mask_BT, lengths_B = tensors["mask_BT"], tensors["mask_BT"].sum(dim=1)
    weights_B = {
        "seq_mean_token_mean": 1 / lengths_B / 6,
        "token_mean": torch.full((6,), 1 / lengths_B.sum().item()),
        "seq_mean_token_sum_norm": torch.full((6,), 1 / (6 * 8)),
    }[options.aggregation]
    surrogate_B = -(tensors["advantages_B"] * (leaf_BT * mask_BT).sum(dim=1) * weights_B)
    expected_BT = torch.autograd.grad(surrogate_B.sum(), leaf_BT)[0]
    torch.testing.assert_close(gradient_BT, expected_BT)
    assert result.metrics.ratio.item() == result.metrics.tokens.item()
    assert result.metrics.old_kl.item() == 0
    given_old, same_BT = evaluate({**tensors, "old_logprobs_BT": tensors["logprobs_BT"]}, options)
    torch.testing.assert_close(same_BT, gradient_BT)
    torch.testing.assert_close(given_old.loss, result.loss)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 1.0), st.sampled_from(LOSSES))
def test_gradient_pushes_up_what_has_positive_advantage(seed, spread, options):
    tensors = batch(seed=seed, spread=spread)
    _, gradient_BT = evaluate(tensors, replace(options, kl_coefficient=0.0))
    pushed_BT = -gradient_BT * tensors["advantages_B"][:, None]
    assert (pushed_BT >= 0).all()


def test_float32_and_bfloat16_inputs():
    tensors = batch(spread=0.05)
    exact, _ = evaluate(tensors, PRESETS["grpo"].loss)
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.bfloat16, 0.03)):
        rounded = {k: v if v.dtype == torch.bool else v.to(dtype) for k, v in tensors.items()}
        result, gradient_BT = evaluate(rounded, PRESETS["grpo"].loss)
        assert result.loss.dtype == torch.float32
        assert gradient_BT.dtype == dtype
        # bfloat16 has 8 bits: log-probabilities of up to 3 nats are off by up to 2^-8 * 2 = 0.8%
        assert result.loss.item() == pytest.approx(exact.loss.item(), abs=tolerance)


@pytest.mark.parametrize("advantage", [1.0, -1.0])
@pytest.mark.parametrize("options", VARIANTS)
def test_absurd_ratios_stay_finite(options, advantage):
    logprobs_BT = torch.tensor([[-1e4, 0.0, -5.0]])
    tensors = {
        "logprobs_BT": logprobs_BT,
        "advantages_B": torch.tensor([advantage]),
        "mask_BT": torch.ones(1, 3, dtype=torch.bool),
        "old_logprobs_BT": torch.tensor([[0.0, -1e4, -5.0]]),
        "rollout_logprobs_BT": torch.tensor([[-1e4, -1.0, -1e4]]),
        "reference_logprobs_BT": torch.tensor([[0.0, -1e4, -300.0]]),
    }
    result, gradient_BT = evaluate(tensors, options)
    assert torch.isfinite(result.loss)
    assert torch.isfinite(gradient_BT).all()
    assert torch.isfinite(result.metrics.stack()).all()


def test_an_empty_row_adds_nothing():
    tensors = batch()
    result, _ = evaluate(tensors, PRESETS["grpo"].loss)
    extra = {name: torch.cat([tensor, torch.zeros_like(tensor[:1])]) for name, tensor in tensors.items()}
    again, gradient_BT = evaluate(extra, PRESETS["grpo"].loss)
    torch.testing.assert_close(again.metrics.stack(), result.metrics.stack())
    assert gradient_BT[-1].abs().sum() == 0


def test_only_the_policy_gets_a_gradient():
    tensors = {k: v if v.dtype == torch.bool else v.requires_grad_() for k, v in batch().items()}
    normaliser = LossNormaliser.of(tensors["mask_BT"], 8)
    options = PolicyLossOptions(
        kl_coefficient=0.1, rollout_correction="truncate", kl_importance_weighted=True
    )
    policy_loss(**tensors, options=options, normaliser=normaliser).loss.backward()
    assert tensors["logprobs_BT"].grad.abs().sum() > 0
    assert all(t.grad is None for name, t in tensors.items() if name != "logprobs_BT")


def test_metrics_travel_as_one_vector():
    result, _ = evaluate(batch(), PRESETS["grpo"].loss)
    stacked = result.metrics.stack()
    assert stacked.shape == (len(fields(PolicyMetrics)),)
    assert not stacked.requires_grad
    assert PolicyMetrics.unstack(stacked).tokens == result.metrics.tokens


def test_the_reference_is_measured_even_where_it_does_not_count():
    tensors = batch()
    result, _ = evaluate(tensors, PolicyLossOptions())
    assert result.metrics.reference_kl > 0
    assert result.metrics.kl_loss == 0
    del tensors["reference_logprobs_BT"]
    without, _ = evaluate(tensors, PolicyLossOptions())
    assert without.metrics.reference_kl == 0
    torch.testing.assert_close(without.loss, result.loss)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"mask_BT": torch.ones(6, 5)}, {}, "bool"),
        ({"advantages_B": torch.ones(5)}, {}, "one a row"),
        ({"logprobs_BT": torch.zeros(6, 4)}, {}, "differ in shape"),
        ({"old_logprobs_BT": torch.zeros(6, 4)}, {}, "differ in shape"),
        ({"rollout_logprobs_BT": torch.zeros(5, 5)}, {}, "differ in shape"),
        ({"reference_logprobs_BT": torch.zeros(5)}, {}, "differ in shape"),
        ({"rollout_logprobs_BT": None}, {"rollout_correction": "mask"}, "needs rollout_logprobs_BT"),
        ({"reference_logprobs_BT": None}, {"kl_coefficient": 0.1}, "needs reference_logprobs_BT"),
    ],
)
def test_wrong_input_is_refused(change, options, message):
    tensors = {**batch(), **change}
    normaliser = LossNormaliser(sequences=6, tokens=20, max_tokens=8)
    with pytest.raises(ValueError, match=message):
        policy_loss(**tensors, options=PolicyLossOptions(**options), normaliser=normaliser)
