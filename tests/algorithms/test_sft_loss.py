import pytest
import torch

from r1light.algorithms.sft_loss import sft_loss

NAN = float("nan")


def test_by_hand():
    logprobs_BT = torch.tensor([[-1.0, -2.0, NAN], [-4.0, NAN, NAN]], requires_grad=True)
    mask_BT = torch.tensor([[True, True, False], [True, False, False]])
    result = sft_loss(logprobs_BT, mask_BT, total_tokens=10)
    # (1 + 2 + 4) / 10: the step has seven more tokens elsewhere
    assert result.loss.item() == pytest.approx(0.7)
    assert (result.nll.item(), result.tokens.item()) == (7.0, 3.0)
    result.loss.backward()
    torch.testing.assert_close(logprobs_BT.grad, -0.1 * mask_BT.float())


def test_micro_batches_add_up_to_torch_cross_entropy():
    torch.manual_seed(0)
    logits_TV = torch.randn(12, 5, dtype=torch.float64)
    targets_T, mask_T = torch.randint(5, (12,)), torch.rand(12) < 0.5
    logprobs_T = logits_TV.log_softmax(-1).gather(-1, targets_T[:, None]).squeeze(-1)
    expected = torch.nn.functional.cross_entropy(logits_TV[mask_T], targets_T[mask_T])
    total = int(mask_T.sum())
    parts = [
        sft_loss(logprobs_T[rows], mask_T[rows], total_tokens=total)
        for rows in (slice(0, 1), slice(1, 7), slice(7, 12))
    ]
    torch.testing.assert_close(sum(part.loss for part in parts), expected)
    torch.testing.assert_close(sum(part.nll for part in parts) / sum(part.tokens for part in parts), expected)


def test_half_precision_is_summed_in_float32():
    logprobs_T = torch.full((1000,), -1.0, dtype=torch.bfloat16)
    result = sft_loss(logprobs_T, torch.ones(1000, dtype=torch.bool), total_tokens=1000)
    assert (result.loss.dtype, result.nll.item()) == (torch.float32, 1000.0)


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="bool mask"):
        sft_loss(torch.zeros(3), torch.ones(3), total_tokens=3)
    with pytest.raises(ValueError, match="bool mask"):
        sft_loss(torch.zeros(3), torch.ones(2, dtype=torch.bool), total_tokens=3)
    with pytest.raises(ValueError, match="total_tokens=0"):
        sft_loss(torch.zeros(3), torch.zeros(3, dtype=torch.bool), total_tokens=0)
