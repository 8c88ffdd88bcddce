"""Adapters: what is trained, what the model with them acts as, and what is saved."""

from __future__ import annotations

import json

import pytest
import torch
from peft import PeftModel

from r1light.core.errors import ConfigError
from r1light.models.lora import (
    adapter_parameters,
    add_adapters,
    has_adapters,
    merged_parameters,
    save_adapters,
)
from r1light.models.scorer import as_scorer
from r1light.models.tiny import Tiny

IDS = torch.arange(6)[None]


def load():
    return Tiny(Tiny.Config()).load()


@pytest.fixture
def model():
    return load().model


def adapt(model, **changed):
    add_adapters(model, **({"rank": 2, "alpha": 4.0, "dropout": 0.0, "targets": "all-linear"} | changed))
    return model


def learn(model):
    """Make what is trained something, as training would: a second factor begins at 0."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.normal_()
    return model


def test_only_the_adapters_are_trained_and_the_merged_model_acts_alike(model):
    before = model(IDS).logits.detach()
    plain_names = [name for name, _ in model.named_parameters()]
    assert not has_adapters(model)
    adapt(model)
    assert has_adapters(model)
    trained = [name for name, each in model.named_parameters() if each.requires_grad]
    assert len(trained) > 0
    assert all("lora_" in name for name in trained)
    torch.testing.assert_close(model(IDS).logits, before)
    learn(model)
    plain = load().model
    merged = dict(merged_parameters(model))
    assert list(merged) == plain_names
    plain.load_state_dict(merged, strict=False)  # a tied head is in it once
    torch.testing.assert_close(plain(IDS).logits, model(IDS).logits, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(plain(IDS).logits, before, atol=1e-2)
    torch.testing.assert_close(merged["model.norm.weight"], load().model.model.norm.weight)


@pytest.mark.parametrize(
    ("targets", "adapted"), [(["q_proj"], {"q_proj"}), (["self_attn.v_proj"], {"v_proj"})]
)
def test_layers_by_name(model, targets, adapted):
    adapt(model, targets=targets)
    names = [name for name, _ in model.named_parameters() if "lora_" in name]
    assert {name.split(".lora_")[0].rpartition(".")[2] for name in names} == adapted


@pytest.mark.parametrize("targets", ["all-linear", ["q_proj", "mlp.down_proj"]])
def test_their_number_is_known_before_they_are_there(model, targets):
    expected = adapter_parameters(model, 2, targets)
    adapt(model, targets=targets)
    assert expected == sum(each.numel() for each in model.parameters() if each.requires_grad) > 0


@pytest.mark.parametrize(
    ("targets", "line"),
    [
        (["nothing"], r"model.lora.targets=\['nothing'\] names no layer of this model; it has down_proj, "),
        (["q_proj", "lm_head"], "names the embedding or the output head"),
        (["q_proj", "embed_tokens"], "names the embedding or the output head"),
    ],
)
def test_layers_that_can_have_none(model, targets, line):
    with pytest.raises(ConfigError, match=line):
        adapt(model, targets=targets)


def test_what_is_saved_is_read_by_peft_on_the_bare_model(model, tmp_path):
    learn(adapt(model))
    for folder in ("one", "two"):
        save_adapters(model, "BASE", tmp_path / folder)
    theirs = PeftModel.from_pretrained(load().model, tmp_path / "one")
    assert torch.equal(theirs(IDS).logits, model(IDS).logits)
    said = json.loads((tmp_path / "one" / "adapter_config.json").read_text())
    assert (said["base_model_name_or_path"], said["r"], said["inference_mode"]) == ("BASE", 2, True)
    assert said["target_modules"] == sorted(said["target_modules"])
    files = [
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two")
    ]
    assert files[0] == files[1]


def test_a_scorers_head_is_trained_whole_and_saved_with_its_adapters(tmp_path):
    def scorer():
        loaded = load()
        return as_scorer(loaded.model, loaded.tokenizer, "helpful")

    model = learn(adapt(scorer(), task="SEQ_CLS"))
    merged = dict(merged_parameters(model))
    assert list(merged) == [name for name, _ in scorer().named_parameters()]
    plain = scorer()
    plain.load_state_dict(merged, strict=True)
    torch.testing.assert_close(plain(IDS).logits, model(IDS).logits, atol=1e-4, rtol=1e-4)
    save_adapters(model, "BASE", tmp_path)
    theirs = PeftModel.from_pretrained(scorer(), tmp_path)
    torch.testing.assert_close(theirs(IDS).logits, model(IDS).logits)
