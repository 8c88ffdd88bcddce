"""What compute is counted in: every number here is worked out by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen2ForSequenceClassification

from r1light.core.run_folder import RunFolder
from r1light.training.flops import GroupTokens, iteration_flops, matmul_parameters
from r1light.training.grpo_options import GrpoOptions, StopWhen
from r1light.training.record import Record

# q 16x16, k and v 8x16 each, o 16x16, gate, up and down 32x16 each: 256 + 256 + 256 + 1536 = 2304 a layer
LAYERS = 2 * 2304
HEAD = 48 * 16

GROUPS = [GroupTokens(prompt=10, completions=30, count=4), GroupTokens(prompt=5, completions=25, count=4)]


def config(**more):
    return Qwen2Config(
        vocab_size=48, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=64, **more,
    )  # fmt: skip


@pytest.mark.parametrize("tied", [True, False])
def test_a_table_counts_once_where_it_is_the_head_and_never_where_it_is_not(tied):
    model = Qwen2ForCausalLM(config(tie_word_embeddings=tied))
    assert matmul_parameters(model) == LAYERS + HEAD


def test_a_weight_in_4_bits_counts_for_what_it_stands_for():
    model = Qwen2ForCausalLM(config(tie_word_embeddings=True))
    layer = model.model.layers[0].mlp.gate_proj
    layer.weight = torch.nn.Parameter(torch.zeros(32 * 16 // 2, 1, dtype=torch.uint8), requires_grad=False)
    layer.weight.quant_state = SimpleNamespace(shape=torch.Size([32, 16]))  # as bitsandbytes keeps it
    assert matmul_parameters(model) == LAYERS + HEAD


def test_a_reward_model_has_a_head_of_one_row():
    model = Qwen2ForSequenceClassification(config(num_labels=1, tie_word_embeddings=True))
    assert matmul_parameters(model) == LAYERS + 16


def counted(**more):
    options = {"passes": 1, "shared_prompts": True, "with_reference": False, "with_old": False, **more}
    return iteration_flops(100, 90, GROUPS, **options)


def test_an_iteration_by_hand():
    # drawn: 2 * 100 * 90 = 18,000. Read with shared prompts: 10 + 30 + 5 + 25 = 70 tokens; 6 * 100 * 70
    assert counted() == 18_000 + 42_000
    # a prompt a completion: 4 * 10 + 30 + 4 * 5 + 25 = 115 tokens
    assert counted(shared_prompts=False) == 18_000 + 69_000
    # the reference reads the 70 too: 2 * 100 * 70 = 14,000
    assert counted(with_reference=True) == 18_000 + 42_000 + 14_000
    # three passes of both, and the old policy once
    assert counted(passes=3, with_reference=True, with_old=True) == 18_000 + 3 * 56_000 + 14_000


def record(**stop):
    options = GrpoOptions(iterations=10, stop_when=StopWhen(**stop))
    return Record(RunFolder(Path()), options, SimpleNamespace(mix_state=dict, load_mix_state=id), None)


def test_training_ends_in_the_iteration_that_reaches_the_budget():
    budgeted = record(flops=1e6)
    budgeted.flops = 999_999
    assert budgeted._ends(3) == ""
    assert budgeted._ends(10) == "stage.iterations=10"  # which stays the upper bound
    budgeted.flops = 1_000_000
    assert budgeted._ends(3) == "1e+06 floating-point operations, stage.stop_when.flops=1e+06"
    assert record()._ends(3) == ""
    tired = record(patience=2)
    tired.stale = 2
    assert "stage.stop_when.patience=2" in tired._ends(3)


def test_a_checkpoint_keeps_the_count():
    first, second = record(), record()
    first.flops = 6 * 10**25 + 1  # exact: no float
    second.load_state_dict(first.state_dict())
    assert second.flops == 6 * 10**25 + 1


def test_a_budget_is_a_number_above_zero_and_no_preference_phase_comes_after_it():
    for wrong in (0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="must be above 0 and finite, or null"):
            StopWhen(flops=wrong)
    with pytest.raises(ValueError, match=r"stop_when\.flops=1000000.0 may end the run before its last"):
        GrpoOptions(stop_when=StopWhen(flops=1e6), preference_updates=4)
