"""Completions token by token: the draws of the engines, and text without half characters."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import Qwen2Config, Qwen2ForCausalLM

from r1light.core.errors import DataError, EngineError
from r1light.core.types import RolloutRequest, SamplingParams
from r1light.rollout.hf import HuggingFace
from r1light.rollout.streaming import PENDING, TextStream, TokenStream

EOS = 7


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=24, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=48, initializer_range=0.6,
    )  # fmt: skip
    return Qwen2ForCausalLM(config).eval()


@pytest.mark.parametrize("temperature", [0.0, 0.6])
@pytest.mark.parametrize("turn", range(4))
def test_tokens_are_those_of_the_hf_engine(model, temperature, turn):
    request = RolloutRequest("q", (3, 5, 9), (0, turn))
    params = SamplingParams(1, temperature, 0.95, max_tokens=30, seed=4)
    stream = TokenStream(model, request, params, [EOS])
    engine = HuggingFace(HuggingFace.Config(), model, str, [EOS])
    (group,) = engine.generate([request], params)
    (wanted,) = group.completions
    ids = tuple(stream)
    assert ids == tuple(token for token in wanted.token_ids if token != EOS)
    assert stream.finish_reason == wanted.finish_reason


def test_a_stream_ends_at_the_cap_and_at_the_context(model):
    for tokens, cap in ((5, 5), (1 << 30, 45)):  # 48 tokens of context, 3 of them the prompt's
        params = SamplingParams(1, 1.0, max_tokens=tokens)
        stream = TokenStream(model, RolloutRequest("q", (3, 5, 9)), params, [])
        assert len(list(stream)) == cap
        assert stream.finish_reason == "length"


def test_one_that_is_left_alone_is_aborted(model):
    stream = TokenStream(model, RolloutRequest("q", (3,)), SamplingParams(max_tokens=9), [])
    next(iter(stream))
    assert stream.finish_reason == "abort"


def test_what_cannot_be_completed_is_refused(model):
    with pytest.raises(DataError, match="leaves no room for an answer in the model's context of 48"):
        TokenStream(model, RolloutRequest("q", (1,) * 48), SamplingParams(), [])
    broken = Qwen2ForCausalLM(model.config)
    torch.nn.init.constant_(broken.get_input_embeddings().weight, float("nan"))
    with pytest.raises(EngineError, match="not finite"):
        list(TokenStream(broken, RolloutRequest("q", (1,)), SamplingParams(), []))


def of_bytes(ids):
    return bytes(ids).decode(errors="replace")


@given(st.text(max_size=12))
def test_bytes_one_at_a_time_make_the_text_and_never_half_a_character(text):
    stream = TextStream(of_bytes)
    pieces = [stream.add(byte) for byte in text.encode(errors="surrogatepass")]
    assert "".join(pieces) + stream.end() == of_bytes(text.encode(errors="surrogatepass"))
    if "\ufffd" not in of_bytes(text.encode(errors="surrogatepass")):
        assert not any("\ufffd" in piece for piece in pieces)


def test_a_broken_character_does_not_hold_the_text_back_for_ever():
    stream = TextStream(of_bytes)
    pieces = [stream.add(0x80) for _ in range(PENDING)]
    assert pieces == [""] * (PENDING - 1) + ["\ufffd" * PENDING]
    assert stream.add(ord("a")) == "a"
    assert stream.add(0xE4) == ""
    assert stream.end() == "\ufffd"


def test_a_decoder_that_strips_a_first_space_loses_none():
    words = ["▁Hello", "▁big", "▁world"]

    def decode(ids):
        return "".join(words[each] for each in ids).replace("▁", " ").removeprefix(" ")

    stream = TextStream(decode)
    assert [stream.add(token) for token in range(3)] == ["Hello", " big", " world"]
