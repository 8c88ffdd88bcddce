from __future__ import annotations

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from r1light.training.pretrain import (
    PretrainOptions,
    held_out_loss,
    next_token_loss,
    positions_in_documents,
    pretrain,
)


def model():
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=8,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
    )
    return Qwen2ForCausalLM(config)


def test_the_loss_is_the_mean_over_next_tokens():
    one, windows = model(), torch.tensor([[1, 2, 3], [4, 5, 6]])
    logits = one(input_ids=windows).logits.log_softmax(-1)
    # -(log p(2|1) + log p(3|1,2) + log p(5|4) + log p(6|4,5)) / 4
    chosen = [logits[0, 0, 2], logits[0, 1, 3], logits[1, 0, 5], logits[1, 1, 6]]
    torch.testing.assert_close(next_token_loss(one, windows), -sum(chosen) / 4)
    assert held_out_loss(one, windows, batch=1) == pytest.approx(float(-sum(chosen).detach() / 4))


def test_positions_begin_anew_after_the_end_of_a_document():
    windows = torch.tensor([[0, 3, 3, 0, 0, 3], [3, 3, 3, 3, 3, 0]])
    assert positions_in_documents(windows, 0).tolist() == [[0, 0, 1, 2, 0, 0], [0, 1, 2, 3, 4, 5]]


def test_documents_of_a_window_do_not_see_each_other():
    one = model()
    packed = torch.tensor([[1, 2, 3, 0, 4, 5, 6, 0]])
    alone = [torch.tensor([[1, 2, 3, 0]]), torch.tensor([[4, 5, 6, 0]])]
    # seven predictions: three of the first document, what follows its end, and three of the second; what
    # follows an end is predicted from the first document, whose end it is
    first, second = (next_token_loss(one, ids).item() for ids in alone)
    logits = one(input_ids=alone[0]).logits.log_softmax(-1)
    after_end = -logits[0, 3, 4].item()
    expected = (3 * first + after_end + 3 * second) / 7
    assert next_token_loss(one, packed, end_token=0).item() == pytest.approx(expected, rel=1e-5)
    assert next_token_loss(one, packed).item() != pytest.approx(expected, rel=1e-5)


def test_every_parameter_is_trained():
    one, before = model(), model()
    windows = torch.randint(0, 8, (4, 16), generator=torch.Generator().manual_seed(1))
    pretrain(one, windows, PretrainOptions(lr=1e-2, windows=2, warmup=1), lambda loss: None)
    for (name, new), old in zip(one.named_parameters(), before.parameters(), strict=True):
        assert not torch.equal(new, old), name


def test_a_pattern_is_learnt_and_every_window_is_seen_once():
    windows = torch.arange(8).repeat(9)[:64].view(1, 64).repeat(40, 1)
    one, losses = model(), []
    updates = pretrain(one, windows, PretrainOptions(lr=1e-2, windows=2, warmup=2), losses.append)
    assert updates == len(losses) == 20
    assert losses[-1] < 0.5 * losses[0]


def test_it_repeats_bit_for_bit():
    windows = torch.randint(0, 8, (8, 16), generator=torch.Generator().manual_seed(1))
    weights = []
    for _ in range(2):
        one = model()
        pretrain(one, windows, PretrainOptions(lr=1e-2, windows=2, warmup=1), lambda loss: None)
        weights.append(torch.cat([parameter.flatten() for parameter in one.parameters()]))
    assert torch.equal(*weights)
