"""The hand-written decoder against transformers: a plain forward pass, and the engine over `generate`."""

import pytest
import torch

from r1light.core.types import SamplingParams
from r1light.rollout.hf import HuggingFace
from r1light.rollout.native import Native

LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 24}
CASES = {
    "qwen2 tied": ("Qwen2", {"tie_word_embeddings": True}),
    "qwen2 untied": ("Qwen2", {"tie_word_embeddings": False}),
    "qwen2 yarn": ("Qwen2", {"rope_parameters": YARN}),
    "qwen2 half its layers in a window": (
        "Qwen2",
        {"use_sliding_window": True, "sliding_window": 7, "max_window_layers": 1},
    ),
    "qwen3 tied": ("Qwen3", {"tie_word_embeddings": True, "head_dim": 12}),
    "qwen3 untied, biases": ("Qwen3", {"head_dim": 16, "attention_bias": True}),
    "llama": ("Llama", {}),
    "llama tied, biases": (
        "Llama",
        {"tie_word_embeddings": True, "attention_bias": True, "mlp_bias": True},
    ),
    "llama all heads their own": ("Llama", {"num_key_value_heads": 6}),
    "llama3 scaling": ("Llama", {"rope_parameters": LLAMA3}),
    "llama linear scaling": (
        "Llama",
        {"rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 3.0}},
    ),
    "mistral": ("Mistral", {"sliding_window": None, "head_dim": 16}),
    "mistral in a window": ("Mistral", {"sliding_window": 6}),
}
LENGTHS = [20, 3, 11, 1]


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def model(request, build_model):
    family, options = request.param
    return build_model(family, **options)


def forward_logits(model, prompt_ids, completion):
    """Logits of a plain forward pass in float32 before each of a completion's tokens, [T, V]."""
    ids = torch.tensor([[*prompt_ids, *completion.token_ids]])
    with torch.no_grad():
        return model(ids).logits[0, len(prompt_ids) - 1 : -1]


def check_against_forward(model, groups, temperature):
    """Every log-probability within 1e-4; every greedy token the best wherever it is by more than 1e-4."""
    for group in groups:
        for completion in group.completions:
            logits_TV = forward_logits(model, group.request.prompt_ids, completion)
            ids_T = torch.tensor(completion.token_ids)
            expected_T = torch.log_softmax(logits_TV / (temperature or 1.0), -1)[range(len(ids_T)), ids_T]
            torch.testing.assert_close(torch.tensor(completion.logprobs), expected_T, atol=1e-4, rtol=0)
            if temperature == 0.0:
                best_T2 = logits_TV.topk(2).values
                clear_T = best_T2[:, 0] - best_T2[:, 1] > 1e-4
                assert clear_T.float().mean() > 0.9
                assert torch.equal(logits_TV.argmax(-1)[clear_T], ids_T[clear_T])


def tokens(groups):
    return {
        (group.request.problem_id, index): completion.token_ids
        for group in groups
        for index, completion in enumerate(group.completions)
    }


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_native_is_transformers(model, make_requests, decode, temperature):
    params = SamplingParams(n=3, temperature=temperature, max_tokens=14, seed=4)
    requests = make_requests(LENGTHS)
    native = Native(Native.Config(max_slots=5, prefill_tokens=24, fallback=False), model, decode, (5,))
    groups = list(native.generate(requests, params))
    check_against_forward(model, groups, temperature)
    slow = HuggingFace(HuggingFace.Config(batch_size=7), model, decode, (5,))
    assert tokens(slow.generate(requests, params)) == tokens(groups)


def test_new_weights_are_used_whole(model, make_requests, decode):
    params = SamplingParams(n=2, temperature=0.0, max_tokens=10)
    requests = make_requests(LENGTHS)
    native = Native(Native.Config(fallback=False), model, decode, ())
    before = tokens(native.generate(requests, params))
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1 + 0.2 * torch.randn(parameter.shape, generator=generator))
    assert tokens(native.generate(requests, params)) == before  # its copy is its own
    tied = model.config.tie_word_embeddings
    named = [item for item in model.state_dict().items() if not (tied and item[0] == "lm_head.weight")]
    native.load_weights(iter(named), 8)
    groups = list(native.generate(requests, params))
    check_against_forward(model, groups, 0.0)
    assert tokens(groups) != before
    assert {each.weights_version for group in groups for each in group.completions} == {8}


def test_the_check_itself_sees_a_wrong_window(build_model, make_requests, decode):
    narrow = build_model("Mistral", sliding_window=6)
    wide = build_model("Mistral", sliding_window=None)  # the same weights
    groups = list(
        Native(Native.Config(), narrow, decode, ()).generate(
            make_requests(LENGTHS), SamplingParams(max_tokens=9)
        )
    )
    with pytest.raises(AssertionError):
        check_against_forward(wide, groups, 1.0)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_stays_near(build_model, make_requests, decode, dtype):
    model = build_model("Qwen3", head_dim=12)
    native = Native(Native.Config(dtype=dtype), model, decode, ())
    for group in native.generate(make_requests(LENGTHS), SamplingParams(max_tokens=8)):
        for completion in group.completions:
            logits_TV = forward_logits(model, group.request.prompt_ids, completion)
            expected_T = torch.log_softmax(logits_TV, -1)[range(8), completion.token_ids]
            # A bfloat16 has 8 bits: errors of some 1/256 of logits up to 10, over a few layers.
            torch.testing.assert_close(torch.tensor(completion.logprobs), expected_T, atol=0.3, rtol=0)
