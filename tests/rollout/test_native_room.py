"""Memory for keys and values: what is bounded, who waits, who is refused, and that no token hangs on it."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.bias import CausalBias

from r1light.core.errors import DataError
from r1light.core.types import SamplingParams
from r1light.rollout.native import Native, decoder
from r1light.rollout.native.room import Room, memory_bytes
from r1light.rollout.native.run import Run

# The model of conftest: 3 layers, keys and values of 2 heads, each 48 / 6 = 8 wide, 4 bytes a number.
TOKEN_BYTES = 3 * 2 * 2 * 8 * 4
ROW = 64 * TOKEN_BYTES  # texts of up to 64 tokens, as lengths are rounded up
PARAMS = SamplingParams(n=3, max_tokens=25)


def told(groups):
    return {
        (group.request.problem_id, index): each.token_ids
        for group in groups
        for index, each in enumerate(group.completions)
    }


def bounded(model, rows, **options):
    return Native(Native.Config(kv_memory=f"{rows * ROW / 1024}KiB", **options), model, str, (7,))


@pytest.mark.parametrize(
    ("text", "size"), [("4GiB", 4 * 2**30), ("512 MiB", 2**29), ("0.5KiB", 512), ("1TiB", 2**40)]
)
def test_sizes_are_read(text, size):
    assert memory_bytes(text) == size


@pytest.mark.parametrize("text", ["4GB", "4", "", "-1GiB", "0GiB", "GiB"])
def test_what_is_no_size_is_refused_when_the_configuration_is_read(text):
    with pytest.raises(ValueError, match=r"kv_memory='.*' is no size; 4GiB"):
        Native.Config(kv_memory=text)


@given(st.integers(1, 300), st.integers(1, 64), st.integers(1, 100_000), st.integers(1, 500))
def test_all_slots_have_room_and_one_more_has_none(slots, token_bytes, memory, length):
    count = Room(slots, token_bytes, memory).slots_for(length)
    row = -(-length // 64) * 64 * token_bytes
    assert count * row <= memory
    assert count == slots or (count + 1) * row > memory
    assert Room(slots, token_bytes).slots_for(length) == slots


@pytest.mark.parametrize("rows", [1, 2, 5, 1000])
def test_the_budget_bounds_the_cache_and_changes_no_token(qwen2, make_requests, monkeypatch, rows):
    requests = make_requests([9, 2, 14, 5])
    whole = told(Native(Native.Config(), qwen2, str, (7,)).generate(requests, PARAMS))
    sizes, at_once = [], []
    step = Run._step

    def watched(self):
        sizes.append(self._slots.cache.numel() * self._slots.cache.element_size())
        at_once.append(len(self._scheduler.active))
        return step(self)

    monkeypatch.setattr(Run, "_step", watched)
    assert told(bounded(qwen2, rows).generate(requests, PARAMS)) == whole
    assert max(sizes) <= rows * ROW
    assert max(at_once) == min(rows, 12)


def test_a_completion_without_room_is_refused_by_a_line_that_says_what_to_set(qwen2, make_requests):
    engine = bounded(qwen2, 1)
    short, long = make_requests([4, 60])
    # 60 + 25 tokens, rounded up to 128: two rows of 64, 2 x 64 x 384 bytes = 48 KiB.
    line = r"problem 'p1' may need 0\.04688 MiB .* of 85 tokens.*; set rollout\.kv_memory=1MiB or more"
    with pytest.raises(DataError, match=line):
        engine.generate([short, long], PARAMS)
    with pytest.raises(DataError, match=line):
        engine.live().join(long, PARAMS)
    assert len(list(engine.generate([short], PARAMS))) == 1


@pytest.mark.parametrize("rows", [2, 3, 7])
def test_live_requests_wait_for_room_and_get_what_they_get_alone(qwen2, make_requests, monkeypatch, rows):
    requests = make_requests([5, 40, 3, 50, 8, 2])
    ways = [SamplingParams(n=2, max_tokens=20 + 9 * (place % 3), seed=place) for place in range(6)]
    plain = Native(Native.Config(), qwen2, str, (7,))
    alone = [told(plain.generate([each], way)) for each, way in zip(requests, ways, strict=True)]
    sizes = []
    advance = Run.advance

    def watched(self):
        sizes.append(self._slots.cache.numel() * self._slots.cache.element_size())
        return advance(self)

    monkeypatch.setattr(Run, "advance", watched)
    live = bounded(qwen2, rows).live()
    tickets, written, at = {}, {}, 0
    while live.busy or len(tickets) < 6:
        if at % 4 == 0 and len(tickets) < 6:
            place = len(tickets)
            tickets[live.join(requests[place], ways[place])] = place
        for each in live.step():
            if each.completion:
                place = tickets[each.ticket]
                written.setdefault(place, {})[f"p{place}", each.index] = each.completion.token_ids
        at += 1
    assert [written[place] for place in range(6)] == alone
    assert max(sizes) <= rows * ROW


@pytest.mark.parametrize("family", ["Qwen3", "Mistral"])
@pytest.mark.parametrize("chunk", [1, 7, 16])
def test_a_prompt_longer_than_a_prefill_is_read_in_parts_with_the_same_results(
    build_model, make_requests, monkeypatch, family, chunk
):
    model = build_model(family, sliding_window=6) if family == "Mistral" else build_model(family)
    requests = make_requests([50, 16, 17, 3])
    params = SamplingParams(n=2, max_tokens=10)
    whole = list(Native(Native.Config(), model, str, ()).generate(requests, params))
    read = []
    embedding = torch.nn.functional.embedding
    monkeypatch.setattr(
        "torch.nn.functional.embedding", lambda ids, table: read.append(len(ids)) or embedding(ids, table)
    )
    parts = list(Native(Native.Config(prefill_tokens=chunk), model, str, ()).generate(requests, params))
    assert max(read) <= max(chunk, 8)  # 8 rows of a step
    assert told(parts) == told(whole)
    found = {group.request.problem_id: group for group in parts}
    for group in whole:
        for mine, its in zip(group.completions, found[group.request.problem_id].completions, strict=True):
            assert mine.logprobs == pytest.approx(its.logprobs, abs=1e-5)


def test_a_gpu_has_no_mask_for_the_parts_of_a_prompt(qwen2, make_requests, monkeypatch):
    of_cpu, gpu = decoder._band, torch.device("cuda")
    for start, end in ((0, 5), (5, 12), (11, 12)):
        mask, named = of_cpu(start, end, None, torch.device("cpu")), of_cpu(start, end, None, gpu)
        assert (mask is None) == (named is None) == (start == 0)
        if named is not None:
            assert isinstance(named, CausalBias)
            assert torch.equal(mask, named._materialize())
    engine, requests = Native(Native.Config(prefill_tokens=40), qwen2, str, ()), make_requests([50, 16, 3])
    by_mask = told(engine.generate(requests, PARAMS))
    monkeypatch.setattr(decoder, "_band", lambda start, end, window, _: of_cpu(start, end, window, gpu))
    assert told(engine.generate(requests, PARAMS)) == by_mask


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")
def test_fast_kernels_read_the_parts_of_a_prompt():
    shape = {"device": "cuda", "dtype": torch.bfloat16}
    torch.manual_seed(0)
    queries, keys, values = (
        torch.randn(2, heads, length, 64, **shape) for heads, length in ((6, 70), (2, 200), (2, 200))
    )
    band = decoder._band(130, 200, None, queries.device)
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
        found = F.scaled_dot_product_attention(queries, keys, values, attn_mask=band, enable_gqa=True)
    mask = decoder._band(130, 200, None, torch.device("cpu")).cuda()
    plain = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, enable_gqa=True)
    assert (found - plain).abs().max() < 2**-6  # values of up to 1 or so, in 8 bits


def test_memory_is_used_again_by_the_next_call(qwen2, make_requests, monkeypatch):
    engine = Native(Native.Config(), qwen2, str, ())
    places = []
    step = Run._step

    def watched(self):
        places.append(self._slots.cache.data_ptr())
        return step(self)

    monkeypatch.setattr(Run, "_step", watched)
    list(engine.generate(make_requests([14] * 8), PARAMS))
    requests = make_requests([9, 3, 5])
    found = told(engine.generate(requests, PARAMS))  # fewer and shorter texts
    assert len(set(places)) == 1
    assert found == told(Native(Native.Config(), qwen2, str, ()).generate(requests, PARAMS))
