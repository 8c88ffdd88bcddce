"""What only a GPU gets: lines told apart by segments, and compiled layers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from r1light.config.schema import TrainerSpec
from r1light.core.errors import ConfigError
from r1light.stages import gpu
from r1light.training import compiled


def run(stage="grpo", rollout="native", **trainer):
    spec = TrainerSpec(**{"precision": "bf16-mixed", **trainer})
    return SimpleNamespace(trainer=spec, stage_name=stage, rollout=SimpleNamespace(name=rollout))


@pytest.fixture
def model():
    """As much of one as is looked at."""
    config = SimpleNamespace(_attn_implementation="sdpa", sliding_window=None, model_type="qwen2")
    implementations = []
    return SimpleNamespace(
        config=config, implementations=implementations, set_attn_implementation=implementations.append
    )


@pytest.fixture
def on_gpu(monkeypatch):
    monkeypatch.setattr(gpu, "device_of", lambda config: "cuda")


@pytest.mark.usefixtures("on_gpu")
def test_segments_are_for_16_bits(model):
    assert not gpu.takes_segments(run(precision="32-true"), model)
    assert model.implementations == []
    assert gpu.takes_segments(run(), model)
    assert model.implementations == ["r1light_trees"]


@pytest.mark.usefixtures("on_gpu")
def test_a_model_that_hands_nothing_on_gets_no_segments(model):
    model.config.model_type = "gpt2"
    assert not gpu.takes_segments(run(), model)


def test_no_segments_on_a_cpu(model, monkeypatch):
    monkeypatch.setattr(gpu, "device_of", lambda config: "cpu")
    assert not gpu.takes_segments(run(), model)
    with pytest.raises(ConfigError, match=r"trainer\.compile=true needs a GPU"):
        gpu.takes_segments(run(compile=True), model)


@pytest.mark.usefixtures("on_gpu")
def test_layers_are_compiled_where_that_is_of_use(model, monkeypatch):
    done = []
    monkeypatch.setattr(compiled, "compile_layers", done.append)
    monkeypatch.setattr(compiled, "fuse_head", done.append)
    assert gpu.takes_segments(run(compile=True), model)
    assert done == [model, model]
    with pytest.raises(ConfigError, match="take rollout=native"):
        gpu.takes_segments(run(compile=True, rollout="hf"), model)
    assert gpu.takes_segments(run("sft", rollout="hf", compile=True), model)
    with pytest.raises(ConfigError, match=r"trainer\.strategy=ddp"):
        gpu.takes_segments(run(compile=True, strategy="fsdp2"), model)
