"""Does a run fit, and what is said of it."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from r1light.config.schema import LoraSpec
from r1light.core.errors import ConfigError
from r1light.models.sizes import ModelSize
from r1light.models.tiny import Tiny
from r1light.stages.memory import changeable, check_memory, judge, remedies, size_of
from r1light.training.memory import Use, estimate

SIZE = ModelSize(1e9, 1e9, layers=4, hidden=1000, cache=500, vocabulary=100, inner=5000)
USE = Use(
    size=SIZE, number=4, precision="32-true", trained=1e9, tokens=100_000, chunk=10, engine_number=4,
    slots=1000, longest=5000,
)  # fmt: skip
STAGE = {"stage.gradient_checkpointing", "stage.micro_batch_tokens", "stage.offload", "model.lora.rank"}
ALL = frozenset(STAGE | {"rollout.max_slots", "rollout.dtype", "trainer.precision"})


def test_what_fits_is_told_in_one_line(caplog):
    with caplog.at_level(logging.INFO):
        judge(USE, 200e9, ALL)
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    # weights 4, gradients 4, moments 8, the engine's 4; keys and values 1,000 x 5,000 x 500 x 4 = 10;
    # a layer 24 x 1,000 + 4 x 5,000 = 44,000, five of them, for 100,000 tokens = 22; 52 in all
    assert record.getMessage() == (
        "memory: about 52.0 GB of 200.0 GB at the worst moment (most of it activations 22.0 GB, "
        "keys and values 10.0 GB, moments 8.0 GB)"
    )


def test_what_does_not_fit_is_warned_of_with_what_each_change_saves(caplog):
    with caplog.at_level(logging.WARNING):
        judge(USE, 40e9, ALL)
    (record,) = caplog.records
    said = record.getMessage()
    assert "may not fit: about 52.0 GB at the worst moment, and there are 40.0 GB" in said
    # the inputs of 4 layers, one layer and its gradients: 16,000 + 88,000 in place of 220,000 bytes a token
    assert "stage.gradient_checkpointing=true saves 11.6 GB" in said
    assert "stage.micro_batch_tokens=50000 saves 11.0 GB" in said
    assert "rollout.max_slots=500 saves 5.0 GB" in said


def test_what_cannot_be_trained_is_refused_before_it_is_begun():
    with pytest.raises(ConfigError, match=r"take 16\.0 GB, and the device has 10\.0 GB.*lora\.rank=16 saves"):
        judge(USE, 10e9, ALL)


def test_where_room_is_not_known_nothing_is_compared(caplog):
    with caplog.at_level(logging.INFO):
        judge(USE, None, ALL)
    assert caplog.records[0].getMessage().startswith("memory: about 52.0 GB at the worst moment")
    assert len(caplog.records) == 1


def test_every_change_saves_what_it_says_and_only_options_of_the_run_are_named():
    found = remedies(USE, ALL)
    saved = [each.saves for each in found]
    assert saved == sorted(saved, reverse=True)
    assert all(0 < each < estimate(USE).peak for each in saved)
    assert remedies(USE, frozenset()) == []
    assert {each.option.partition("=")[0] for each in remedies(USE, frozenset({"rollout.dtype"}))} == {
        "rollout.dtype"
    }


def test_options_are_those_of_the_stage_and_its_engine(configure):
    found = changeable(configure())
    assert {"stage.gradient_checkpointing", "rollout.max_slots"} <= found
    assert "stage.offload" not in found, "on a CPU nothing is moved"
    assert "model.lora.rank" in found


def test_a_loaded_model_is_counted_to_the_last_bias():
    model = Tiny(Tiny.Config()).load("cpu").model
    size = size_of(model)
    assert size.parameters == sum(each.numel() for each in model.parameters())
    assert (size.layers, size.hidden) == (model.config.num_hidden_layers, model.config.hidden_size)


def test_a_model_of_another_kind_has_no_size():
    class Odd:
        class config:  # noqa: N801
            @staticmethod
            def to_dict():
                return {"hidden_size": 3}

    assert size_of(Odd) is None


def test_adapters_that_are_still_to_come_are_counted(configure, caplog):
    model = Tiny(Tiny.Config()).load().model
    with caplog.at_level(logging.DEBUG, "r1light"):
        plain = configure()
        adapted = replace(plain, model=replace(plain.model, lora=LoraSpec(rank=16)))
        check_memory(adapted, model, drawn=16, prompt=8)
        check_memory(plain, model, drawn=16, prompt=8)
    adapters, full = (each.getMessage() for each in caplog.records if each.levelno == logging.DEBUG)
    # rank 16 on the linear layers: 155,648 numbers, two moments of 4 bytes each; no copy as a reference
    assert "moments 1 MB" in adapters
    assert "reference" not in adapters
    assert "moments 7 MB" in full
    assert "reference 4 MB" in full
