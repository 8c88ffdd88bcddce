"""Rows in one line, told apart by where they begin: against trees, and what torch says of its kernel."""

from __future__ import annotations

import inspect

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.attention import varlen
from torch.nn.functional import scaled_dot_product_attention

from r1light.training import varlen_attention
from r1light.training.tree_attention import Branch, Trees
from r1light.training.varlen_attention import Segments, takes_kernel


def branches_of(trees):
    """Trunks and their branches, given by their lengths, in one line; and the line's length."""
    found, end = [], 0
    for trunk_length, *lengths in trees:
        found.append(trunk := Branch(end, end + trunk_length))
        end = trunk.end
        for length in lengths:
            found.append(Branch(end, end + length, trunk))
            end += length
    return found, end


def heads(length, dtype=torch.float64):
    """Queries of four heads, keys and values of two."""
    generator = torch.Generator().manual_seed(length)
    return [torch.randn(length, count, 4, generator=generator, dtype=dtype) for count in (4, 2, 2)]


def stand_in(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, scale, window_size, enable_gqa=False):
    """What torch's documentation says of its kernel, in one softmax over all keys of all stretches.

    window_size (-1, 0) is causal; the kernel's mask is aligned to the lower right, as FlashAttention's is.
    """
    assert cu_seq_q.dtype == cu_seq_k.dtype == torch.int32
    assert enable_gqa, "heads of keys are fewer"
    assert window_size == (-1, 0)
    assert query.dtype == key.dtype == value.dtype
    assert query.stride(-1) == key.stride(-1) == value.stride(-1) == 1
    queries, keys = cu_seq_q.diff(), cu_seq_k.diff()
    assert (max_q, max_k) == (int(queries.max()), int(keys.max()))
    own_q, own_k = (torch.arange(len(each)).repeat_interleave(each) for each in (queries, keys))
    end_q = torch.arange(len(query)) - cu_seq_q[own_q + 1]
    end_k = torch.arange(len(key)) - cu_seq_k[own_k + 1]  # both counted backwards from their stretch's end
    seen = (own_q[:, None] == own_k) & (end_k <= end_q[:, None])
    out = scaled_dot_product_attention(
        *(each.transpose(0, 1)[None] for each in (query, key, value)),
        attn_mask=seen, scale=scale, enable_gqa=True,
    )  # fmt: skip
    return out[0].transpose(0, 1)


@pytest.fixture
def kernel(monkeypatch):
    """The kernel's place taken by the stand-in, on this machine and in any dtype; its calls."""
    calls = []

    def call(*arguments, **options):
        calls.append(options)
        return stand_in(*arguments, **options)

    call.__signature__ = inspect.signature(stand_in)
    monkeypatch.setattr(varlen, "varlen_attn", call)
    monkeypatch.setattr(varlen_attention, "takes_kernel", lambda tensor: True)
    return calls


def test_stretches_by_hand():
    # a prompt of 3 with completions of 2, 1, 0 and 2 inputs, then one of 2 with one of 1
    branches, length = branches_of([[3, 2, 1, 0, 2], [2, 1]])
    found = Segments.of(branches)
    assert length == 11
    # queries: 3 + 2, as the first branch goes on where its prompt ends; 1; 2 (the empty one is none); 2 + 1
    assert found.queries_M.tolist() == [0, 5, 6, 8, 11]
    # keys: 3 + 2; 3 + 1; 3 + 2; 2 + 1
    assert found.keys_M.tolist() == [0, 5, 9, 14, 17]
    assert found.place_S.tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 5, 0, 1, 2, 6, 7, 8, 9, 10]
    assert found.longest == (5, 5)


def test_rows_of_their_own_copy_no_keys():
    branches, _ = branches_of([[3, 2], [4]])
    found = Segments.of(branches)
    assert found.place_S is None
    assert found.queries_M.tolist() == found.keys_M.tolist() == [0, 5, 9]


shapes_strategy = st.lists(
    st.tuples(st.integers(1, 6), st.lists(st.integers(0, 9), max_size=5)).map(lambda one: [one[0], *one[1]]),
    min_size=1,
    max_size=4,
)


@settings(deadline=None, max_examples=60)
@given(shapes_strategy)
def test_it_equals_attention_over_trees(shapes):
    branches, length = branches_of(shapes)
    q, k, v = heads(length)
    expected = Trees.of(branches, length).attend(q, k, v)
    torch.testing.assert_close(Segments.of(branches).attend(q, k, v), expected)


def test_the_kernel_is_told_what_the_plain_way_computes(kernel):
    branches, length = branches_of([[3, 10, 7, 0, 5], [4], [2, 1, 1]])
    q, k, v = heads(length, torch.float32)
    parts = Segments.of(branches)
    found = parts.attend(q, k, v, scale=0.3)
    assert kernel == [{"scale": 0.3, "window_size": (-1, 0), "enable_gqa": True}]
    plain = varlen_attention._one_by_one(q, k[parts.place_S], v[parts.place_S], parts, 0.3)
    torch.testing.assert_close(found, plain)


def test_a_kernel_that_groups_heads_unasked_is_not_asked(monkeypatch):
    def older(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, scale, window_size):  # torch 2.11
        return stand_in(
            query, key, value, cu_seq_q, cu_seq_k, max_q, max_k,
            scale=scale, window_size=window_size, enable_gqa=True,
        )  # fmt: skip

    monkeypatch.setattr(varlen, "varlen_attn", older)
    monkeypatch.setattr(varlen_attention, "takes_kernel", lambda tensor: True)
    branches, length = branches_of([[2, 3, 1]])
    q, k, v = heads(length, torch.float32)
    assert Segments.of(branches).attend(q, k, v).shape == q.shape


def test_this_torch_has_the_kernel_with_these_arguments():
    names = list(inspect.signature(varlen.varlen_attn).parameters)
    assert names[:7] == ["query", "key", "value", "cu_seq_q", "cu_seq_k", "max_q", "max_k"]
    assert {"scale", "window_size"} <= set(names)


def test_no_kernel_without_a_gpu():
    assert not takes_kernel(torch.zeros(1, 1, 64, dtype=torch.bfloat16))
