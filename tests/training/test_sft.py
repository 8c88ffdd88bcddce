"""Fine-tuning's batches and loss: against transformers' own, and however rows are cut or packed."""

from __future__ import annotations

import copy
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import Qwen2Config, Qwen2ForCausalLM

from r1light.training.sft import SftObjective, SftRow, pack, token_batches
from r1light.training.tree_attention import use_trees

CPU = torch.device("cpu")


def row(length, targets=None, seed=0):
    """A row of that many ids; the last `targets` of them are learnt."""
    ids = random.Random(seed).choices(range(1, 40), k=length)
    targets = length // 2 if targets is None else targets
    return SftRow(tuple(ids), tuple(index >= length - targets for index in range(length)))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=48, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=64, tie_word_embeddings=True,
        attn_implementation="sdpa",
    )  # fmt: skip
    return Qwen2ForCausalLM(config).double()


ROWS = [row(9, 4, 1), row(3, 1, 2), row(14, 9, 3), row(6, 5, 4), row(9, 8, 5), row(2, 1, 6)]


def learnt(model, rows, max_tokens, *, packed, segments=False):
    """The mean loss over target tokens, its gradients, and the numbers for the record."""
    objective = SftObjective(max_tokens, packed, segments)
    total = sum(map(objective.weight, rows))
    model.zero_grad()
    sums = torch.zeros(objective.metrics, dtype=torch.float64)
    loss = 0.0
    for batch in objective.micro_batches(rows, CPU):
        out = objective(model, batch)
        (out.loss / total).backward()
        loss += float(out.loss.detach()) / total
        sums += out.metrics
    return loss, [parameter.grad.clone() for parameter in model.parameters()], objective.finish(sums)


def of_transformers(model, rows):
    """Loss and gradients by transformers: labels of -100 are left out, the mean is over the whole batch."""
    length = max(len(row.input_ids) for row in rows)
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    labels = torch.full((len(rows), length), -100)
    seen = torch.zeros(len(rows), length, dtype=torch.long)
    for index, each in enumerate(rows):
        ids[index, : len(each.input_ids)] = torch.tensor(each.input_ids)
        seen[index, : len(each.input_ids)] = 1
        for position, target in enumerate(each.target):
            if target:
                labels[index, position] = each.input_ids[position]
    model.zero_grad()
    count = int((labels != -100).sum())
    out = model(input_ids=ids, attention_mask=seen, labels=labels, num_items_in_batch=count)
    out.loss.backward()
    return float(out.loss.detach()), [parameter.grad.clone() for parameter in model.parameters()]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("max_tokens", [1, 20, 1000])
def test_loss_and_gradient_are_those_of_transformers(model, max_tokens, packed):
    wanted, gradients = of_transformers(model, ROWS)
    loss, found, numbers = learnt(model, ROWS, max_tokens, packed=packed)
    assert loss == pytest.approx(wanted, abs=1e-6)
    assert numbers["loss"] == pytest.approx(wanted, abs=1e-6)
    assert numbers["target_tokens"] == 4 + 1 + 9 + 5 + 8 + 1
    for one, other in zip(gradients, found, strict=True):
        torch.testing.assert_close(other, one, atol=1e-6, rtol=0)


@pytest.mark.parametrize("max_tokens", [20, 1000])
def test_packed_equals_unpacked(model, max_tokens):
    one, gradients, numbers = learnt(model, ROWS, max_tokens, packed=False)
    other, found, others = learnt(model, ROWS, max_tokens, packed=True)
    assert one == pytest.approx(other, abs=1e-12)
    assert numbers == pytest.approx(others, abs=1e-12)
    for each, again in zip(gradients, found, strict=True):
        torch.testing.assert_close(each, again, atol=1e-12, rtol=0)


def test_the_order_of_rows_is_nothing_to_the_loss(model):
    one, _, _ = learnt(model, ROWS, 20, packed=True)
    other, _, _ = learnt(model, ROWS[::-1], 20, packed=True)
    assert one == pytest.approx(other, abs=1e-12)


@pytest.mark.parametrize("max_tokens", [1, 20, 1000])
def test_one_line_told_apart_by_segments_equals_a_line_a_row(model, max_tokens):
    model = copy.deepcopy(model)
    use_trees(model)
    one, gradients, numbers = learnt(model, ROWS, max_tokens, packed=False)
    other, found, others = learnt(model, ROWS, max_tokens, packed=False, segments=True)
    assert other == pytest.approx(one, rel=1e-12)
    assert others == pytest.approx(numbers, rel=1e-12)
    for mine, theirs in zip(found, gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-12)
    # 8 + 2 + 13 + 5 + 8 + 1 = 37 inputs, none of them padding
    batches = list(token_batches(ROWS, max_tokens, packed=False, segments=True))
    assert sum(batch.input_ids_NL.numel() for batch in batches) == 37
    assert all(batch.input_ids_NL.shape[0] == 1 and batch.mask_NLL is None for batch in batches)


def test_packed_rows_do_not_see_one_another(model):
    short, long, other = row(4, 3, 1), row(9, 3, 2), row(4, 3, 7)
    alone, _, _ = learnt(model, [short], 100, packed=True)
    # 8 inputs a line: `long` fills one, `short` and `other` share one (3 + 3 inputs)
    together = [len(line) for line in pack([short, long, other])]
    assert together == [1, 2]
    both, _, _ = learnt(model, [short, other], 100, packed=False)
    changed, _, _ = learnt(model, [short, long, other], 100, packed=True)
    rest, _, _ = learnt(model, [long], 100, packed=True)
    assert changed == pytest.approx((6 * both + 3 * rest) / 9, abs=1e-12)
    assert alone != both


def test_best_fit_fills_the_line_with_least_room():
    rows = [row(length + 1, 1, seed=length) for length in (10, 7, 6, 4, 3)]
    # inputs 10 | 7 | 6; then 4 fits the line of 6 alone (room 4), and 3 that of 7 (room 3)
    assert [[len(each.input_ids) - 1 for each in line] for line in pack(rows)] == [[10], [7, 3], [6, 4]]


@given(st.lists(st.integers(2, 40), min_size=1, max_size=30), st.integers(1, 200), st.booleans())
def test_every_target_is_in_exactly_one_batch(lengths, max_tokens, packed):
    rows = [row(length, 1, seed) for seed, length in enumerate(lengths)]
    batches = list(token_batches(rows, max_tokens, packed=packed))
    targets = sorted(int(each) for batch in batches for each in batch.target_K)
    assert targets == sorted(each.input_ids[-1] for each in rows)
    for batch in batches:
        lines, length = batch.input_ids_NL.shape
        assert length <= max(lengths) - 1
        assert lines == 1 or lines * length <= max_tokens
        assert (batch.mask_NLL is None) or packed


@pytest.mark.parametrize(
    ("ids", "target"),
    [((1,), (False,)), ((1, 2), (False, False)), ((1, 2), (True, True)), ((1, 2, 3), (False, True))],
)
def test_rows_that_teach_nothing_are_refused(ids, target):
    with pytest.raises(ValueError, match=r"row"):
        SftRow(ids, target)
