"""The one-file GRPO in tools/, on a random Qwen2 over bytes."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).parents[2] / "tools" / "minimal_grpo.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("minimal_grpo", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer

    path = tmp_path_factory.mktemp("model")
    characters = "0123456789+="
    vocabulary = {character: index for index, character in enumerate(characters)} | {"<|endoftext|>": 12}
    tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=[])
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=13,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        eos_token_id=12,
        bos_token_id=None,
        pad_token_id=None,
    )
    tokenizer.save_pretrained(path)
    Qwen2ForCausalLM(config).save_pretrained(path)
    return str(path)


@pytest.mark.parametrize("preset", ["grpo", "gspo"])
def test_it_learns(script, model_dir, monkeypatch, capsys, preset):
    # A random model cannot add; to begin with a digit below 5 is what it does in 5 of 13 cases.
    monkeypatch.setattr(script, "reward", lambda text, answer: float(text[:1] in set("01234")))
    arguments = ["--model", model_dir, "--preset", preset, "--iterations", "10", "--lr", "1e-2"]
    history = script.main([*arguments, "--max-tokens", "2", "--problems", "8", "--micro-rows", "24"])
    assert history[0] < 0.6
    assert sum(history[-2:]) / 2 > 0.9
    assert len(capsys.readouterr().out.splitlines()) == 10


def test_log_probabilities_are_those_of_unpadded_rows(script, model_dir):
    """Padding, positions and the shift by one token: each row alone, through the model's own logits."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(model_dir),
        AutoTokenizer.from_pretrained(model_dir),
    )
    tokenizer.pad_token = tokenizer.eos_token
    args = script.parse_arguments(["--model", model_dir, "--group", "4", "--max-tokens", "30"])
    torch.manual_seed(1)
    rollout = script.sample(model, tokenizer, ["1+2=", "12+345="], args)
    scored_BT = script.score_without_gradient(model, rollout, args)
    for row in range(8):
        ids_S = rollout.ids_BS[row][rollout.seen_BS[row]]
        sampled = int(rollout.mask_BT[row].sum())
        with torch.no_grad():
            logprobs_SV = model(ids_S[None]).logits[0].log_softmax(-1)
        expected_T = logprobs_SV[:-1].gather(-1, ids_S[1:, None]).squeeze(-1)[-sampled:]
        torch.testing.assert_close(scored_BT[row, :sampled], expected_T, rtol=1e-4, atol=1e-5)
        assert (ids_S[-sampled:-1] != 12).all()
    assert 12 in rollout.ids_BS[:, -30:]


def test_the_task(script):
    import random

    prompt, answer = script.make_problem(random.Random(0), 99)
    left, right = prompt.rstrip("=").split("+")
    assert int(left) + int(right) == int(answer)
    assert (script.reward(f" {answer}", answer), script.reward(answer + "0", answer)) == (1.0, 0.0)
