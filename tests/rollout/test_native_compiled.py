"""Steps of a CPU by step.c, beside those of torch's operations."""

import logging
import shutil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.core.types import SamplingParams
from r1light.rollout.native import Native, compiled

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
CASES = {
    "qwen2": ("Qwen2", {}),
    "qwen3, norms of heads": ("Qwen3", {"head_dim": 12}),
    "llama, biases, all heads their own": (
        "Llama",
        {"attention_bias": True, "mlp_bias": True, "num_key_value_heads": 6, "vocab_size": 131},
    ),
    "mistral in a window": ("Mistral", {"sliding_window": 5}),
}
TEXT = 80
"""Longer than the keys that attention takes at a time."""


def decoder_of(model):
    engine = Native(Native.Config(fallback=False, compiled=False), model, str, ())._engine
    engine._decoder.reserve(TEXT)
    return engine._decoder


def state(decoder, rows, seed=0):
    """Tokens, positions and a cache of rows that have written different numbers of tokens."""
    arch, generator = decoder.arch, torch.Generator().manual_seed(seed)
    tokens_B = torch.randint(0, arch.vocabulary, (rows,), generator=generator)
    positions_B = torch.randint(0, TEXT, (rows,), generator=generator)
    shape = arch.layers, 2, rows, arch.kv_heads, TEXT, arch.head_dim
    return tokens_B, positions_B, torch.randn(shape, generator=generator)


@needs_compiler
@pytest.mark.parametrize("case", CASES)
def test_a_step_computes_what_torch_computes(build_model, case):
    family, options = CASES[case]
    decoder = decoder_of(build_model(family, **options))
    tokens_B, positions_B, cache = state(decoder, 13)  # a whole tile, one of four and one of one row
    plain_cache = cache.clone()
    with torch.inference_mode():
        logits_BV = compiled.compiled_step(decoder)(tokens_B, positions_B, TEXT, cache)
        plain_BV = decoder.step(tokens_B, positions_B, TEXT, plain_cache)
    torch.testing.assert_close(logits_BV, plain_BV, atol=2e-5, rtol=1e-5)
    torch.testing.assert_close(cache, plain_cache, atol=1e-5, rtol=1e-5)


@needs_compiler
@settings(max_examples=25, deadline=None)
@given(rows=st.integers(1, 110), some=st.integers(1, 110), threads=st.integers(1, 3))
def test_a_row_has_the_same_bits_in_any_batch_and_on_any_number_of_threads(qwen2, rows, some, threads):
    some = min(rows, some)
    decoder = decoder_of(qwen2)
    step = compiled.compiled_step(decoder)
    tokens_B, positions_B, cache = state(decoder, rows)
    few_cache = cache[:, :, rows - some :].clone()
    before = torch.get_num_threads()
    try:
        with torch.inference_mode():
            logits_BV = step(tokens_B, positions_B, TEXT, cache)
            torch.set_num_threads(threads)
            few_BV = step(tokens_B[rows - some :], positions_B[rows - some :], TEXT, few_cache)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(few_BV, logits_BV[rows - some :])
    assert torch.equal(few_cache, cache[:, :, rows - some :])


@needs_compiler
def test_new_weights_are_written_with(build_model, make_requests):
    old, new = build_model("Qwen2"), build_model("Qwen2", seed=1)
    requests, params = make_requests([9, 1, 4]), SamplingParams(n=2, max_tokens=8, seed=4)

    def texts(engine):
        return [each.token_ids for group in engine.generate(requests, params) for each in group.completions]

    engine = Native(Native.Config(), old, str, ())
    assert engine._engine._compiled is not None
    before = texts(engine)
    engine.load_weights(new.state_dict().items(), 1)
    assert before != texts(engine) == texts(Native(Native.Config(compiled=False), new, str, ()))


def test_what_is_not_for_the_compiler_is_left_to_torch(build_model):
    model = build_model("Qwen2")
    assert Native(Native.Config(compiled=False), model, str, ())._engine._compiled is None
    assert Native(Native.Config(dtype="bfloat16"), model, str, ())._engine._compiled is None


@pytest.mark.parametrize(
    ("command", "told"),
    [("no-such-compiler", "there is no C compiler 'no-such-compiler'"), ("false", "false cannot build")],
)
def test_without_a_compiler_torch_writes_and_the_log_says_so(monkeypatch, caplog, command, told):
    monkeypatch.setenv("CC", command)
    with caplog.at_level(logging.INFO):
        assert compiled.built_for.__wrapped__(8, 3) is None
    assert told in caplog.text


@needs_compiler
def test_a_compilers_complaint_is_told(monkeypatch, caplog):
    monkeypatch.setattr(compiled, "OPTIONS", (*compiled.OPTIONS, "-Dmemcpy=(1"))
    assert compiled.built_for.__wrapped__(8, 3) is None
    assert "error: " in caplog.text
