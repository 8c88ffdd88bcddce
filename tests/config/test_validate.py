import json
from dataclasses import FrozenInstanceError

import pytest

from r1light.config.logger_schema import LoggerSpec
from r1light.config.schema import ModelSpec, Recommended, TrainerSpec
from r1light.config.validate import validate
from r1light.core.errors import ConfigError, UnknownNameError, unknown_name


def test_a_right_configuration_becomes_values(plain, find_stage):
    config = validate(plain, find_stage)
    assert (config.stage_name, config.stage.size, config.seed, config.resume) == ("train", 5, 1, "auto")
    assert config.model == ModelSpec("bare")
    assert (config.data.name, config.data.config.digits) == ("knobs", (2,))
    assert config.data.recommended == Recommended(iterations=30)
    assert config.trainer == TrainerSpec(accelerator="cpu")
    assert config.logger == LoggerSpec()
    with pytest.raises(FrozenInstanceError):
        config.seed = 2


def test_rewards_keep_their_order_and_two_may_share_a_component(plain, find_stage):
    mix = validate(plain, find_stage).reward
    assert mix.max_error_rate == 0.5
    assert [(reward.key, reward.name, reward.weight) for reward in mix.components] == [
        ("knobs", "knobs", 2.0),
        ("again", "knobs", 1.0),
        ("bare", "bare", 1.0),
    ]
    assert [reward.config and reward.config.rate for reward in mix.components] == [1.0, 0.5, None]


def test_the_resolved_configuration_is_plain_complete_and_validates_to_the_same(plain, find_stage):
    config = validate(plain, find_stage)
    assert config.resolved["stage"]["mode"] == "fast"  # a default that the plain data left out
    assert config.resolved["reward"]["components"]["again"]["name"] == "knobs"
    assert "name" not in config.resolved["reward"]["components"]["knobs"]
    assert validate(json.loads(json.dumps(config.resolved)), find_stage) == config


def test_a_default_that_is_written_out_does_not_change_the_fingerprint(plain, find_stage):
    before = validate(plain, find_stage).fingerprint
    plain["stage"]["mode"] = "fast"
    plain["debug"] = True
    assert validate(plain, find_stage).fingerprint == before
    plain["stage"]["mode"] = "slow"
    assert validate(plain, find_stage).fingerprint != before


WRONG = [
    ("sede", 1, "unknown key 'sede'; did you mean 'seed'?"),
    ("seed", -1, "seed=-1 must be in [0, 2**32)"),
    ("seed", "x", "seed='x' must be a valid integer"),
    ("resume", "", "resume is empty; it must be auto, none or a path"),
    ("stage.sise", 1, "unknown key 'stage.sise'; did you mean 'stage.size'?"),
    ("stage.size", 0, "stage: size=0 must be at least 1"),
    ("stage.name", 3, "stage.name=3 must be a name"),
    ("model", None, "model is missing, or no group of keys: None"),
    ("model.lora", 16, "model.lora=16 must be a group of keys"),
    ("model.lora", {"rank": -1}, "model.lora: rank=-1 must not be negative"),
    ("model.lora", {"alpha": 0}, "model.lora: rank=0 must not be negative, alpha=0.0 must be above 0"),
    ("model.lora", {"targets": []}, "model.lora: targets is empty; name layers, or take all-linear"),
    ("model.lora", {"quantize": "nf4"}, "model.lora: quantize=nf4 needs adapters to train; give a rank"),
    (
        "stage.lora",
        {"rank": 2},
        "stage.lora is model.lora, for every stage that trains; give model.lora.rank=16",
    ),
    ("model.name", "bear", "unknown model 'bear'; did you mean 'bare'? Known: bare, knobs"),
    (
        "model.path",
        "x",
        "unknown key 'model.path'. Known keys of model: name, recommended, lora. "
        "They are those of model=bare; path is of model=knobs",
    ),
    (
        "data.digit",
        [1],
        "unknown key 'data.digit'; did you mean 'data.digits'?",
    ),
    ("data.recommended", 3, "data.recommended=3 must be a group of keys"),
    ("data.recommended.iteration", 1, "unknown key 'data.recommended.iteration'; did you mean"),
    ("data.recommended.iterations", 0, "data.recommended: iterations=0 must be at least 1"),
    ("reward.component", {}, "unknown key 'reward.component'; did you mean 'reward.components'?"),
    ("reward.components", {}, "reward.components is empty; name at least one reward"),
    ("reward.components.knobs", 1, "reward.components.knobs is missing, or no group of keys: 1"),
    ("reward.components.acuracy", {"weight": 1}, "unknown reward 'acuracy'. Known: bare, knobs"),
    ("reward.components.bare.name", 1, "reward.components.bare.name=1 must be a name"),
    ("reward.components.knobs.wieght", 1, "unknown key 'reward.components.knobs.wieght'; did you mean "),
    ("reward.components.knobs.weight", "x", "reward.components.knobs.weight='x' must be a valid number"),
    ("reward.max_error_rate", 2, "reward: max_error_rate=2.0 must be in [0, 1]"),
    ("trainer.devices", 0, "trainer: devices=0 must be at least 1"),
    ("trainer.threads", 0, "trainer: threads=0 must be at least 1, or null"),
    (
        "trainer.precision",
        "32",
        "trainer.precision='32' must be '32-true', 'bf16-true' or 'bf16-mixed'",
    ),
    ("logger.wand", {}, "unknown key 'logger.wand'; did you mean 'logger.wandb'?"),
]


@pytest.mark.parametrize(("path", "value", "line"), WRONG)
def test_what_is_wrong_is_said_in_one_line(plain, find_stage, path, value, line):
    *parents, key = path.split(".")
    inner = plain
    for parent in parents:
        inner = inner[parent]
    inner[key] = value
    with pytest.raises(ConfigError) as caught:
        validate(plain, find_stage)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def test_no_recommendation_at_all_is_one_of_nothing(plain, find_stage):
    del plain["data"]["recommended"]
    assert validate(plain, find_stage).data.recommended == Recommended(None, None)


def test_an_unknown_stage_is_told_by_who_knows_them(plain):
    def find(name):
        raise unknown_name("stage", name, ["train"])

    with pytest.raises(UnknownNameError, match="unknown stage 'train'"):
        validate(plain, find)


def test_a_stage_that_uses_no_components_imports_none(plain, find_stage):
    class Listing:
        USES_COMPONENTS = False

    plain["stage"] = {"name": "list"}
    plain["model"]["name"] = "does_not_exist"
    config = validate(plain, lambda name: Listing)
    assert config.model == ModelSpec("does_not_exist")
    assert config.stage is None
