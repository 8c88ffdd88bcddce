import pytest
import torch

from r1light.algorithms.aggregation import LossNormaliser, aggregate, masked_sum

VALUES_BT = torch.tensor(
    [[1.0, 2.0, 3.0, float("nan")], [10.0, float("inf"), 0.0, 0.0], [7.0, 7.0, 7.0, 7.0]]
)
MASK_BT = torch.tensor([[True, True, True, False], [True, False, False, False], [False] * 4])
NORMALISER = LossNormaliser(sequences=2, tokens=4, max_tokens=4)


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [
        ("seq_mean_token_mean", 6.0),  # ((1 + 2 + 3) / 3 + 10 / 1) / 2 sequences
        ("token_mean", 4.0),  # 16 / 4 tokens
        ("seq_mean_token_sum_norm", 2.0),  # 16 / (2 sequences * 4)
    ],
)
def test_by_hand(aggregation, expected):
    assert LossNormaliser.of(MASK_BT, 4) == NORMALISER
    assert aggregate(VALUES_BT, MASK_BT, aggregation, NORMALISER).item() == pytest.approx(expected)


def test_masked_values_get_no_gradient():
    values_BT = VALUES_BT.clone().requires_grad_()
    aggregate(values_BT, MASK_BT, "seq_mean_token_mean", NORMALISER).backward()
    # 1/3 of a token mean over 2 sequences is 1/6
    expected_BT = torch.tensor([[1 / 6] * 3 + [0.0], [0.5, 0, 0, 0], [0.0] * 4])
    torch.testing.assert_close(values_BT.grad, expected_BT)


@pytest.mark.parametrize("aggregation", ["seq_mean_token_mean", "token_mean", "seq_mean_token_sum_norm"])
def test_micro_batches_add_up(aggregation):
    torch.manual_seed(0)
    values_BT, mask_BT = torch.randn(8, 6, dtype=torch.float64), torch.rand(8, 6) < 0.6
    normaliser = LossNormaliser.of(mask_BT, 6)
    whole = aggregate(values_BT, mask_BT, aggregation, normaliser)
    parts = LossNormaliser.of(mask_BT[:3], 6) + LossNormaliser.of(mask_BT[3:], 6)
    assert parts == normaliser
    for sizes in ([8], [4, 4], [1, 2, 5], [1] * 8):
        rows = zip(values_BT.split(sizes), mask_BT.split(sizes), strict=True)
        torch.testing.assert_close(sum(aggregate(v, m, aggregation, parts) for v, m in rows), whole)


def test_check_finds_a_divisor_that_is_not_the_step_s():
    step = LossNormaliser(sequences=8, tokens=100, max_tokens=20)
    step.check(sequences=8.0, tokens=100.0)
    step.check(sequences=8.0, tokens=100.0 + 1e-4)
    with pytest.raises(ValueError, match="8 sequences and 100 tokens, but its micro-batches held 16 and 200"):
        step.check(sequences=16.0, tokens=200.0)
    with pytest.raises(ValueError, match="held 8 and 99"):
        step.check(sequences=8.0, tokens=99.0)


def test_masked_sum_ignores_what_is_masked():
    assert masked_sum(VALUES_BT, MASK_BT).item() == 16.0


def test_impossible_counts_are_refused():
    for counts in ((3, 2, 4), (1, 5, 4), (-1, 0, 4), (0, 1, 4)):
        with pytest.raises(ValueError, match="must satisfy"):
            LossNormaliser(sequences=counts[0], tokens=counts[1], max_tokens=counts[2])
    with pytest.raises(ValueError, match="max_tokens=4 and 5"):
        NORMALISER + LossNormaliser(sequences=1, tokens=1, max_tokens=5)


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="bool"):
        aggregate(VALUES_BT, MASK_BT.float(), "token_mean", NORMALISER)
    with pytest.raises(ValueError, match="differ in shape"):
        aggregate(VALUES_BT[:, :2], MASK_BT, "token_mean", NORMALISER)
    with pytest.raises(ValueError, match="known: seq_mean_token_mean"):
        aggregate(VALUES_BT, MASK_BT, "mean", NORMALISER)
    empty = LossNormaliser(sequences=0, tokens=0, max_tokens=4)
    with pytest.raises(ValueError, match="skip it"):
        aggregate(VALUES_BT, MASK_BT, "token_mean", empty)
