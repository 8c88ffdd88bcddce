"""What a GPU's steps are made of, on the CPU: the kernels by Triton's interpreter, graphs by their bodies."""

import copy
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from r1light.core.types import RolloutRequest, SamplingParams
from r1light.rollout.native import Native
from r1light.rollout.sampling import row_states, sample_tokens, uniforms

pytest.importorskip("triton", reason="torch's CPU build brings no Triton")
from r1light.rollout.native import operations
from r1light.rollout.native import recorded as recording
from r1light.rollout.native.linear import Linear

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
ENDS = tuple(range(0, 97, 8))
SMALL = {"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_size": 32}
CASES = {
    "qwen2": ("Qwen2", 512, {}),
    "qwen3, norms of heads": ("Qwen3", 20, {"head_dim": 12}),
    "llama, biases, all heads their own": (
        "Llama",
        512,
        {"attention_bias": True, "mlp_bias": True, "num_key_value_heads": 4},
    ),
    "mistral in a window": ("Mistral", 2, {"sliding_window": 6}),
}


class Again:
    """In place of CUDA graphs: a step is done anew each time, and once more at first, as theirs is."""

    def __init__(self, device):
        assert device.type == "cpu"

    def record(self, body):
        body()
        return body


def recorded(model, ends, device=DEVICE, **options):
    """An engine that records its steps."""
    own = copy.deepcopy(model).to(device)  # the fixtures' models stay where they are
    engine = Native(Native.Config(fallback=False, **options), own, str, ends)
    engine._engine._records = True
    return engine


@pytest.fixture
def again(monkeypatch):
    if DEVICE == "cpu":
        monkeypatch.setattr(recording, "CudaGraphs", Again)


def told(groups):
    return {
        (group.request.problem_id, place): (each.token_ids, each.logprobs, each.finish_reason)
        for group in groups
        for place, each in enumerate(group.completions)
    }


def check_alike(found, plain):
    assert found.keys() == plain.keys()
    for name, (tokens, logprobs, reason) in plain.items():
        assert found[name][0] == tokens
        assert found[name][2] == reason
        assert found[name][1] == pytest.approx(logprobs, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_kernels_write_what_torch_writes(build_model, make_requests, again, monkeypatch, case):
    family, part, options = CASES[case]
    monkeypatch.setattr(operations, "SPLIT_LENGTH", part)
    monkeypatch.setattr(operations, "PART_INPUTS", 8)  # 80 are taken in two parts, 32 in four
    model = build_model(family, **{**SMALL, **options})
    requests, params = make_requests([9, 1, 4]), SamplingParams(n=2, max_tokens=6, seed=4)
    plain = told(Native(Native.Config(max_slots=3), model, str, ENDS).generate(requests, params))
    assert {reason for _, _, reason in plain.values()} == {"stop", "length"}
    check_alike(told(recorded(model, ENDS, max_slots=3, prefill_tokens=12).generate(requests, params)), plain)


def plain_step(decoder, tokens_B, positions_B, places_B, cache):
    """`fused_step` by the plain decoder, in a copy of the rows' keys and values."""
    of_rows = cache[:, :, places_B]
    logits_BV = decoder.step(tokens_B, positions_B, int(positions_B.max()) + 1, of_rows)
    cache[:, :, places_B] = of_rows
    return logits_BV


def plain_draw(logits_BV, temperature, top_p, states_B, drawn_B):
    return sample_tokens(logits_BV, SamplingParams(temperature=temperature, top_p=top_p), states_B, drawn_B)


@settings(max_examples=30, deadline=None)
@given(
    slots=st.integers(1, 20),
    prefill=st.integers(1, 40),
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=5),
    params=st.builds(
        SamplingParams, n=st.integers(1, 4), max_tokens=st.integers(1, 14), seed=st.integers(0, 99),
        temperature=st.sampled_from([0.0, 0.7, 1.0]), top_p=st.sampled_from([0.9, 1.0]),
    ),
)  # fmt: skip
def test_a_step_ahead_and_moved_slots_change_no_completion(qwen2, slots, prefill, lengths, params):
    generator = torch.Generator().manual_seed(0)
    requests = [
        RolloutRequest(
            f"p{row}", tuple(torch.randint(0, 97, (each,), generator=generator).tolist()), (3, row)
        )
        for row, each in enumerate(lengths)
    ]
    plain = Native(Native.Config(), qwen2, str, ENDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "CudaGraphs", Again)
        patch.setattr(recording, "fused_step", plain_step)
        patch.setattr(recording, "draw", plain_draw)
        engine = recorded(qwen2, ENDS, "cpu", max_slots=slots, prefill_tokens=prefill)
        for some in (requests, requests[:2]):  # the second call finds the slots of the first
            check_alike(told(engine.generate(some, params)), told(plain.generate(some, params)))
        memory = engine._engine._recorded
        assert sorted(memory._places) == memory._state_5S[4].sort().values.tolist()
        assert memory._places == memory._state_5S[4].tolist()


def test_graphs_have_few_sizes():
    sizes = [recording.bucket(rows, 256) for rows in range(1, 257)]
    assert all(rows <= size <= max(8, 1.5 * rows) for rows, size in enumerate(sizes, 1))
    assert sorted(set(sizes)) == [1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]
    assert recording.bucket(97, 100) == 100


def rotated(heads_BXD, rotary_BD2):
    """Heads of so many tokens, each turned to its position."""
    pairs = torch.view_as_complex(heads_BXD.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * torch.view_as_complex(rotary_BD2)[:, None]).flatten(-2)


@pytest.mark.parametrize("window", [None, 1, 70])
@pytest.mark.parametrize(("dtype", "width"), [(torch.float32, 12), (torch.float16, 12), (torch.float16, 64)])
@pytest.mark.parametrize("splits", [1, 3])
def test_attention_over_many_blocks_of_keys(monkeypatch, window, dtype, width, splits):
    heads, kv_heads, slots, length = 6, 2, 8, 192
    monkeypatch.setattr(operations, "SPLIT_LENGTH", min(length, window or length) // splits or 1)
    monkeypatch.setattr(operations, "FILLING_PROGRAMS", 2 * 6 * splits)
    draws = torch.Generator().manual_seed(1)
    heads_BFD = torch.randn(6, heads + 2 * kv_heads, width, generator=draws).to(DEVICE, dtype)
    cache = torch.randn(2, slots, kv_heads, length, width, generator=draws).to(DEVICE, dtype)
    norms = tuple(torch.rand(2, width, generator=draws).to(DEVICE, dtype)) if width == 12 else (None, None)
    positions_B = torch.tensor([0, 1, 63, 64, 65, 150], device=DEVICE)
    places_B = torch.tensor([5, 0, 7, 2, 1, 4], device=DEVICE)
    angles_LD = torch.outer(torch.arange(length), torch.rand(width // 2, generator=draws))
    rotary_LD2 = torch.stack([angles_LD.cos(), angles_LD.sin()], -1).to(DEVICE)

    queries, keys, values = heads_BFD.split([heads, kv_heads, kv_heads], 1)
    if norms[0] is not None:
        queries, keys = (
            F.rms_norm(x, (width,), w, 1e-6) for x, w in zip((queries, keys), norms, strict=True)
        )
    queries, keys = (rotated(x, rotary_LD2[positions_B]).to(dtype) for x in (queries, keys))
    expected = cache.clone()
    expected[0, places_B, :, positions_B], expected[1, places_B, :, positions_B] = keys, values
    distance_BL = positions_B[:, None] - torch.arange(length, device=DEVICE)
    seen_BL = (distance_BL >= 0) & (distance_BL < (window or length))
    mixed_BA = F.scaled_dot_product_attention(
        queries[:, :, None].float(), *expected[:, places_B].float(), seen_BL[:, None, None], enable_gqa=True
    ).flatten(1)

    arch, before = SimpleNamespace(heads=heads, kv_heads=kv_heads, eps=1e-6), heads_BFD.clone()
    found_BA = operations.attend(heads_BFD, rotary_LD2, positions_B, places_B, cache, norms, window, arch)
    near = {"atol": 1e-5, "rtol": 1e-5} if dtype is torch.float32 else {"atol": 4e-3, "rtol": 4e-3}
    torch.testing.assert_close(found_BA.float(), mixed_BA, **near)
    torch.testing.assert_close(cache, expected, **near)  # nothing else was written
    assert torch.equal(heads_BFD, before)


@pytest.mark.parametrize(("inputs", "parts"), [(1000, 1), (2064, 2), (4096, 4)])
def test_a_product_in_parts_is_added_to_the_stream_and_normed(inputs, parts):
    generator = torch.Generator().manual_seed(1)
    before_BH, input_BI, weight_HI, weight_H, bias_H = (
        torch.randn(*shape, generator=generator).to(DEVICE)
        for shape in ((3, 70), (3, inputs), (70, inputs), (70,), (70,))
    )
    assert operations.parts_of_product(3, inputs, 70) == parts
    weight_HI /= inputs**0.5
    for bias in (None, bias_H):
        hidden_BH = before_BH.clone()
        sum_BH = hidden_BH + F.linear(input_BI, weight_HI, bias)
        normed_BH = operations.add_and_norm(hidden_BH, Linear(weight_HI, bias), input_BI, weight_H, 1e-6)
        torch.testing.assert_close(hidden_BH, sum_BH, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(normed_BH, F.rms_norm(sum_BH, (70,), weight_H, 1e-6), atol=1e-5, rtol=1e-5)


@pytest.mark.gpu
@pytest.mark.skipif(DEVICE == "cpu", reason="torch sees no GPU")
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_parts_in_half_precision_are_rounded_once(dtype):
    hidden_BH, input_BI, weight_HI, weight_H = (
        torch.randn(*shape, device=DEVICE).to(dtype) for shape in ((300, 64), (300, 4096), (64, 4096), (64,))
    )
    assert operations.parts_of_product(300, 4096, 64) == 4
    sum_BH = hidden_BH.double() + input_BI.double() @ weight_HI.double().t()
    normed_BH = operations.add_and_norm(hidden_BH, Linear(weight_HI), input_BI, weight_H, 1e-6)
    half_a_step = torch.finfo(dtype).eps / 2
    torch.testing.assert_close(hidden_BH.double(), sum_BH, atol=1e-3, rtol=half_a_step)
    expected_BH = F.rms_norm(hidden_BH.double(), (64,), weight_H.double(), 1e-6)
    torch.testing.assert_close(normed_BH.double(), expected_BH, atol=1e-5, rtol=2 * half_a_step)


def test_large_products_are_taken_whole():
    # 256 rows x 3,584 columns: 2 x 28 = 56 squares, of which two times as many are below 128; 512 rows: 112
    assert [operations.parts_of_product(rows, 18944, 3584) for rows in (256, 512)] == [2, 1]
    assert operations.parts_of_product(1, 4100, 896) == 1  # 4,100 / 2 numbers are no multiple of 16 bytes


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_gate_is_torchs(dtype):
    both_N2 = torch.randn(3, 2600, generator=torch.Generator().manual_seed(1)).to(DEVICE, dtype)
    expected_NI = F.silu(both_N2[:, :1300]) * both_N2[:, 1300:]  # 1,300: more than one program a row
    torch.testing.assert_close(operations.gate(both_N2), expected_NI, atol=1e-6, rtol=2**-6)


@pytest.mark.parametrize("top_p", [1.0, 0.95, 0.3, 1e-6])
def test_the_drawing_kernel_draws_what_sample_tokens_draws(top_p):
    generator = torch.Generator().manual_seed(1)
    logits_BV = torch.randn(6, 9001, generator=generator).to(DEVICE) * 3  # three tiles, the last one cut
    logits_BV[1] -= 40  # all below zero
    states_B = row_states(3, [((0, row), row) for row in range(6)], logits_BV.device)
    drawn_B = torch.arange(6, device=DEVICE) * 1000
    temperature = 0.6 if top_p < 0.5 else 1.0
    tokens_B, logprobs_B = plain_draw(logits_BV, temperature, top_p, states_B, drawn_B)
    found_B, found_logprobs_B = operations.draw(logits_BV, temperature, top_p, states_B, drawn_B)
    assert torch.equal(found_B, tokens_B)
    torch.testing.assert_close(found_logprobs_B, logprobs_B, atol=1e-5, rtol=0)


def test_the_nucleus_is_the_smallest_set_that_has_the_share():
    # Probabilities 0.5, 0.3, 0.15 and 0.05: 0.8 of them are the first two, and a draw of u lands where its
    # share of 0.8 does: in the first up to 0.625, in the second beyond; never in the others.
    logits_BV = torch.tensor([[0.15, 0.5, 0.05, 0.3]], device=DEVICE).log().repeat(40, 1)
    states_B = row_states(0, [((0, row), row) for row in range(40)], logits_BV.device)
    drawn_B = torch.zeros_like(states_B)
    tokens_B, logprobs_B = operations.draw(logits_BV, 1.0, 0.8, states_B, drawn_B)
    expected_B = torch.where(uniforms(states_B, drawn_B) < 0.625, 1, 3)
    assert torch.equal(tokens_B, expected_B)
    assert expected_B.unique().tolist() == [1, 3]
    torch.testing.assert_close(logprobs_B, torch.where(expected_B == 1, 0.5, 0.3).log(), atol=1e-6, rtol=0)


def test_the_drawing_kernel_gives_no_number_where_logits_are_none():
    logits_BV = torch.zeros(2, 50, device=DEVICE)
    logits_BV[1, 7] = torch.nan
    states_B = torch.zeros(2, dtype=torch.int64, device=DEVICE)
    for top_p in (1.0, 0.9):
        tokens_B, logprobs_B = operations.draw(logits_BV, 1.0, top_p, states_B, states_B)
        assert logprobs_B.isfinite().tolist() == [True, False]
        assert 0 <= int(tokens_B.min()) <= int(tokens_B.max()) < 50


@pytest.mark.gpu
@pytest.mark.skipif(DEVICE == "cpu", reason="torch sees no GPU")
def test_graphs_outlive_what_a_trainer_clears_at_its_end(qwen2, make_requests):
    engine, requests = recorded(qwen2, ENDS), make_requests([9, 1, 4])
    params = SamplingParams(n=2, max_tokens=6)
    before = told(engine.generate(requests, params))
    torch._C._cuda_clearCublasWorkspaces()
    torch.cuda.empty_cache()
    assert told(engine.generate(requests, params)) == before
