"""Micro-batches: trees of completions that share a prompt, cut by a token budget."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from r1light.training.batching import Row, micro_batches
from r1light.training.forward import can_share_prompts, check_head, target_logprobs
from r1light.training.tree_attention import use_trees


def row(group: int, prompt: int, completion: int, advantage: float = 1.0, learn: bool = True) -> Row:
    ids = tuple((7 * group + 3 * index) % 50 for index in range(prompt))
    new = tuple((5 * completion + 11 * index + group) % 50 for index in range(completion))
    return Row(group, ids, new, tuple(-0.1 * index for index in range(completion)), advantage, learn)


ROWS = [
    row(0, 5, 4, 1.0),
    row(0, 5, 2, -1.0),
    row(1, 3, 6, 0.5),
    row(1, 3, 1, 0.25),
    row(1, 3, 3, -2.0, learn=False),
]


def test_a_tree_holds_the_prompt_once_and_leaves_out_last_tokens():
    (batch,) = micro_batches(ROWS, max_tokens=1000)
    # group 0: 5 + (4-1) + (2-1) = 9 tokens; group 1: 3 + 5 + 0 + 2 = 10 tokens, and the longer comes first
    assert batch.input_ids_NL.shape == (1, 19)
    assert batch.rows == (2, 3, 4, 0, 1)
    # positions of group 1: trunk 0 1 2, then 3 4 5 6 7 for its first branch, and 3 4 for its third
    assert batch.position_ids_NL[0, :10].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 3, 4]
    # group 0: trunk 0 .. 4, then 5 6 7 and 5
    assert batch.position_ids_NL[0, 10:].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 5]
    assert batch.input_ids_NL[0, :3].tolist() == list(ROWS[2].prompt_ids)
    assert batch.input_ids_NL[0, 3:8].tolist() == list(ROWS[2].completion_ids[:-1])


def test_each_token_is_predicted_by_the_one_before_it():
    (batch,) = micro_batches(ROWS, max_tokens=1000)
    # row 2 (first): the trunk's last token at 2 predicts its first, then 3 .. 7 the rest
    assert batch.source_K[:6].tolist() == [2, 3, 4, 5, 6, 7]
    # row 3 has one token, predicted by the trunk; row 4 starts at the trunk too, then at 8, 9
    assert batch.source_K[6:10].tolist() == [2, 2, 8, 9]
    # the second tree starts at 10; its trunk ends at 10 + 4
    assert batch.source_K[10] == 14
    assert batch.target_K[:6].tolist() == list(ROWS[2].completion_ids)


def test_rows_laid_out_as_given():
    (batch,) = micro_batches(ROWS, max_tokens=1000)
    assert batch.advantages_B.tolist() == [0.5, 0.25, -2.0, 1.0, -1.0]
    assert batch.mask_BT.sum(dim=1).tolist() == [6, 1, 0, 4, 2]  # row 4 does not learn
    assert batch.rollout_logprobs_BT[0].tolist() == pytest.approx([0, -0.1, -0.2, -0.3, -0.4, -0.5])
    values = torch.arange(1.0, 17.0)  # 6 + 1 + 3 + 4 + 2 = 16 completion tokens
    assert batch.spread(values)[2].tolist() == [8, 9, 10, 0, 0, 0]


def test_rows_of_their_own_need_no_trees():
    batches = list(micro_batches(ROWS, max_tokens=1000, share_prompts=False))
    assert all(batch.trees is None for batch in batches)
    assert sum(len(batch.rows) for batch in batches) == len(ROWS)


rows_strategy = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 12)), min_size=1, max_size=12).map(
    lambda pairs: [row(group, 4 + group, length) for group, length in pairs]
)


@settings(deadline=None, max_examples=50)
@given(rows_strategy, st.integers(4, 200), st.booleans(), st.integers(1, 3), st.booleans())
def test_every_row_comes_once_within_the_budget(rows, budget, share, lanes, segments):
    batches = list(micro_batches(rows, budget, share, lanes, segments=segments))
    assert sorted(position for batch in batches for position in batch.rows) == list(range(len(rows)))
    for batch in batches:
        assert batch.input_ids_NL.numel() <= budget or len(batch.rows) == 1
        for index, position in enumerate(batch.rows):
            mine = batch.row_K == index
            assert batch.target_K[mine].tolist() == list(rows[position].completion_ids)
            assert batch.column_K[mine].tolist() == list(range(len(rows[position].completion_ids)))


def test_segments_leave_no_padding_whether_prompts_are_shared_or_not():
    # a prompt a group: 5 + 3 + 1 and 3 + 5 + 0 + 2; a prompt a row: 8, 8, 6, 5, 3, each to the emptiest part
    shared = micro_batches(ROWS, 24, segments=True)
    assert [tuple(batch.input_ids_NL.shape) for batch in shared] == [(1, 19)]
    alone = micro_batches(ROWS, 24, False, segments=True)
    assert [tuple(batch.input_ids_NL.shape) for batch in alone] == [(1, 8 + 6), (1, 8 + 5 + 3)]


def test_lanes_get_alike_many_parts_of_like_size():
    # 5 groups of 4 + 3 x 5 = 19 tokens, 95 in all: 3 parts of at most 40 would do, and 2 lanes make them 4
    rows = [row(group, 4, 6) for group in range(5) for _ in range(3)]
    sizes = [batch.input_ids_NL.numel() for batch in micro_batches(rows, 40, lanes=2)]
    assert sizes == [38, 19, 19, 19]


def small_model(kind: str):
    torch.manual_seed(0)
    sizes = {
        "vocab_size": 50,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
    }
    known = {
        "qwen2": (Qwen2Config, Qwen2ForCausalLM),
        "qwen3": (Qwen3Config, Qwen3ForCausalLM),
        "llama": (LlamaConfig, LlamaForCausalLM),
    }
    config, model = known[kind]
    return model(config(**sizes)).eval()


@pytest.mark.parametrize("kind", ["qwen2", "qwen3", "llama"])
@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("segments", [True, False])
def test_log_probabilities_equal_one_row_at_a_time(kind, share, segments):
    model = small_model(kind)
    check_head(model)
    assert can_share_prompts(model)
    use_trees(model)
    found = {}
    for batch in micro_batches(ROWS, 24, share, segments=segments):
        out = target_logprobs(model, batch, temperature=0.7)
        for index, position in enumerate(batch.rows):
            found[position] = out.logprobs_T[batch.row_K == index]
    for position, one in enumerate(ROWS):
        ids = torch.tensor([*one.prompt_ids, *one.completion_ids])[None]
        logits = model(input_ids=ids).logits[0, len(one.prompt_ids) - 1 : -1] / 0.7
        dense = logits.log_softmax(-1).gather(1, torch.tensor(one.completion_ids)[:, None])[:, 0]
        torch.testing.assert_close(found[position], dense, atol=2e-5, rtol=0)


def test_gradients_do_not_depend_on_sharing_or_on_the_cut():
    gradients = []
    cuts = [(1000, True), (12, True), (1000, False), (10, False)]
    for (budget, share), segments in product(cuts, (False, True)):
        model = small_model("qwen2")
        use_trees(model)
        for batch in micro_batches(ROWS, budget, share, segments=segments):
            out = target_logprobs(model, batch, temperature=1.0)
            (batch.spread(out.logprobs_T) * batch.mask_BT * batch.advantages_B[:, None]).sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    for other in gradients[1:]:
        torch.testing.assert_close(other, gradients[0], atol=2e-5, rtol=1e-4)
