"""What engines are given of a policy with adapters: they write as it does."""

from __future__ import annotations

import pytest
import torch

from r1light.core.types import RolloutRequest, SamplingParams
from r1light.models.lora import add_adapters
from r1light.models.tiny import Tiny
from r1light.rollout.hf import HuggingFace
from r1light.rollout.native import Native
from r1light.training.batching import Row, micro_batches
from r1light.training.forward import target_logprobs
from r1light.training.whole import engine_parameters, whole_model

PROMPT = (5, 6, 7)


def moved(model):
    """With adapters that do something: logits move by more than 0.1."""
    add_adapters(model, rank=4, alpha=8.0, dropout=0.0, targets="all-linear")
    torch.manual_seed(0)
    with torch.no_grad():
        for each in model.parameters():
            if each.requires_grad:
                each.normal_(std=0.05)
    return model


def trainer_logprobs(model, completion):
    row = Row(0, PROMPT, completion.token_ids, completion.logprobs, 1.0)
    (batch,) = micro_batches([row], 1024)
    with torch.no_grad():
        return target_logprobs(model, batch, 1.0).logprobs_T


@pytest.mark.parametrize("kind", [Native, HuggingFace])
def test_an_engine_writes_as_the_policy_with_its_adapters(kind):
    loaded = Tiny(Tiny.Config()).load()
    engine = kind(kind.Config(), loaded.model, loaded.tokenizer.decode, ())
    model = moved(loaded.model)
    engine.load_weights(engine_parameters(engine, model), version=1)
    params = SamplingParams(n=4, max_tokens=24, seed=0)
    (group,) = engine.generate([RolloutRequest("p", PROMPT, (0, 0))], params)
    base = Tiny(Tiny.Config()).load().model
    far = 0.0
    for completion in group.completions:
        found_T = torch.tensor(completion.logprobs)
        torch.testing.assert_close(found_T, trainer_logprobs(model, completion), atol=1e-5, rtol=0)
        far = max(far, float((found_T - trainer_logprobs(base, completion)).abs().max()))
    assert far > 0.1


def test_a_whole_model_is_plain_and_the_one_with_adapters_stays():
    model = moved(Tiny(Tiny.Config()).load().model)
    plain = whole_model(model)
    ids = torch.arange(6)[None]
    assert type(plain) is type(model)
    assert not any("lora_" in name for name, _ in plain.named_parameters())
    assert any("lora_" in name for name, _ in model.named_parameters())
    torch.testing.assert_close(plain(ids).logits, model(ids).logits, atol=1e-4, rtol=1e-4)
