"""Attention over trees, against a mask over the whole line."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from r1light.training.tree_attention import Branch, Trees, only_trees, use_trees


def branches_of(trees):
    """The trunk's length and its branches' as branches of one line, and the line's length."""
    found, end = [], 0
    for trunk_length, *lengths in trees:
        trunk = Branch(end, end + trunk_length)
        found.append(trunk)
        end = trunk.end
        for length in lengths:
            found.append(Branch(end, end + length, trunk))
            end += length
    return found, end


def whole_mask(branches, length):
    """bool [L, L]: a token sees its trunk, and its branch up to itself."""
    mask_LL = torch.zeros(length, length, dtype=torch.bool)
    for each in branches:
        for query in range(each.start, each.end):
            mask_LL[query, each.start : query + 1] = True
            if each.trunk:
                mask_LL[query, each.trunk.start : each.trunk.end] = True
    return mask_LL


def heads(length, count, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(length, count, 4, generator=generator, dtype=torch.float64)


trees_strategy = st.lists(
    st.lists(st.integers(0, 9), min_size=0, max_size=5).flatmap(
        lambda rest: st.integers(1, 6).map(lambda trunk: [trunk, *rest])
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None, max_examples=60)
@given(trees_strategy)
def test_it_equals_attention_under_a_mask_over_the_whole_line(shapes):
    branches, length = branches_of(shapes)
    q, k, v = (heads(length, count, seed) for seed, count in enumerate((4, 2, 2)))
    found = Trees.of(branches, length).attend(q, k, v)
    dense = scaled_dot_product_attention(
        *(each.transpose(0, 1)[None] for each in (q, k, v)),
        attn_mask=whole_mask(branches, length),
        enable_gqa=True,
    )
    torch.testing.assert_close(found, dense[0].transpose(0, 1))


def test_branches_of_like_length_share_a_block():
    branches, length = branches_of([[3, 10, 7, 6, 5]])
    trees = Trees.of(branches, length)
    # 10 is the longest: at least 0.6 x 10 = 6 belong to it; 5 and the trunk of 3 = 0.6 x 5 come behind
    assert [block.queries_BT.shape for block in trees.blocks] == [(3, 10), (2, 5)]
    # keys: a trunk of 3 before the own 10; and before the own 5
    assert [block.keys_BS.shape for block in trees.blocks] == [(3, 13), (2, 8)]
    # the line: trunk 0 .. 2, then 10, 7, 6, 5. The outputs: 3 rows of 10, then the 5, then the trunk at 35
    assert trees.place_L.tolist() == [
        35, 36, 37, *range(10), *range(10, 17), *range(20, 26), *range(30, 35),
    ]  # fmt: skip


def test_padding_is_no_nan_and_has_no_gradient():
    branches, length = branches_of([[2, 5, 3], [4, 1]])
    q, k, v = (heads(length, count, count).requires_grad_() for count in (4, 2, 2))
    Trees.of(branches, length).attend(q, k, v).sum().backward()
    assert all(bool(each.grad.isfinite().all()) for each in (q, k, v))


def test_an_attention_that_does_not_know_trees_fails(make_qwen2):
    branches, length = branches_of([[2, 3, 3]])
    model = make_qwen2(0)
    ids = torch.arange(length)[None]
    with pytest.raises(RuntimeError):
        model.model(input_ids=ids, use_cache=False, **only_trees(Trees.of(branches, length)))


def test_without_trees_a_model_computes_what_it_did(make_qwen2):
    model = make_qwen2(0)
    ids = torch.tensor([[1, 2, 3, 4], [5, 6, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    before = model(input_ids=ids, attention_mask=mask).logits
    written = model.generate(ids[:1], max_new_tokens=4, do_sample=False)
    use_trees(model)
    assert torch.equal(model(input_ids=ids, attention_mask=mask).logits, before)
    assert torch.equal(model.generate(ids[:1], max_new_tokens=4, do_sample=False), written)
