"""Adapters: what is trained, and what is saved."""

from __future__ import annotations

import pytest
import torch

from r1light.core.errors import ConfigError
from r1light.models.lora import add_adapters, merged
from r1light.models.tiny import Tiny


@pytest.fixture
def model():
    return Tiny(Tiny.Config()).load().model


def adapters(model, **changed):
    return add_adapters(
        model, **({"rank": 2, "alpha": 4.0, "dropout": 0.0, "targets": "all-linear"} | changed)
    )


def test_only_the_adapters_are_trained_and_merging_adds_them(model):
    ids = torch.arange(6)[None]
    before = model(ids).logits.detach()
    adapted = adapters(model)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert all("lora_" in name for name in trained)
    torch.testing.assert_close(model(ids).logits, before)  # the second factor begins at 0
    with torch.no_grad():
        for name, parameter in trained.items():
            if "lora_B" in name:
                parameter.normal_()
    plain = merged(adapted)
    torch.testing.assert_close(plain(ids).logits, model(ids).logits, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(plain(ids).logits, before, atol=1e-2)
    assert not any("lora" in name for name, _ in plain.named_parameters())
    assert any("lora" in name for name, _ in model.named_parameters())  # training can go on


def test_layers_by_name(model):
    adapters(model, targets=["q_proj"])
    assert {name.split(".lora_")[0].rpartition(".")[2] for name, _ in model.named_parameters() if "lora_" in name} == {"q_proj"}  # fmt: skip  # noqa: E501


def test_no_such_layer(model):
    with pytest.raises(
        ConfigError, match=r"stage.lora.targets=\['nothing'\] names no layer of this model; it has"
    ):
        adapters(model, targets=["nothing"])
