"""Every YAML file that ships composes, and validates with the real components."""

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.search_path import conf_dir
from r1light.config.validate import validate
from r1light.core.registry import GROUPS, registry
from r1light.stages import STAGES, stage_module

ALL_FILES = sorted(path.relative_to(conf_dir()).as_posix() for path in conf_dir().rglob("*.yaml"))
FILES = [name for name in ALL_FILES if not name.startswith("pipeline/")]  # test_pipeline_yaml.py has those
REQUIRED = {
    "data/code.yaml": ["data.path=x"],
    "data/conversations.yaml": ["data.path=x"],
    "data/jsonl.yaml": ["data.path=x"],
    "data/judged.yaml": ["data.path=x"],
    "data/mixture_of.yaml": ["data.sources.sums.name=arithmetic"],
    "data/preferences.yaml": ["data.path=x"],
    "model/hf.yaml": ["model.path=x"],
    "rollout/replay.yaml": ["rollout.path=x"],
    "sandbox/remote.yaml": ["sandbox.url=http://localhost:8080"],
    "experiment/dapo_math_7b.yaml": ["model.path=y"],
    "experiment/distill_llama_70b.yaml": ["data.path=x"],
    "experiment/distill_llama_8b.yaml": ["data.path=x"],
    "experiment/distill_qwen_1.5b.yaml": ["data.path=x", "model.path=y"],
    "experiment/distill_qwen_14b.yaml": ["data.path=x"],
    "experiment/distill_qwen_32b.yaml": ["data.path=x"],
    "experiment/distill_qwen_7b.yaml": ["data.path=x", "model.path=y"],
    "experiment/r1_cold_start.yaml": ["data.path=x", "model.path=y"],
    "experiment/r1_rejection.yaml": ["data.path=x", "model.path=y"],
    "experiment/r1_reasoning.yaml": ["data.path=x", "model.path=y"],
    "experiment/r1_reward_helpful.yaml": ["data.path=x", "model.path=y"],
    "experiment/r1_reward_safety.yaml": ["data.path=x", "model.path=y"],
    "experiment/r1_scenarios.yaml": [
        "data.path=x",
        "model.path=y",
        "reward.components.harmlessness.path=z",
        "reward.components.helpfulness.path=w",
    ],
    "experiment/r1_distill.yaml": ["data.path=x", "model.path=y"],
    "experiment/r1_sft.yaml": ["data.path=x", "model.path=y"],
    "experiment/r1_zero.yaml": ["data.path=x", "model.path=y"],
    "stage/compare.yaml": ["stage.runs=[a,b]"],
    "stage/export.yaml": ["stage.run=x"],
    "stage/sft.yaml": ["data.path=x"],
    "stage/report.yaml": ["stage.run=x"],
    "stage/score.yaml": ["stage.input=x", "stage.output=y"],
    "reward/harmlessness.yaml": ["reward.components.harmlessness.path=x"],
    "reward/helpfulness.yaml": ["reward.components.helpfulness.path=x"],
    "reward/r1_all.yaml": [
        "reward.components.harmlessness.path=x",
        "reward.components.helpfulness.path=y",
    ],
    "reward/trl.yaml": ["reward.components.trl.function=rewards.py:f"],
    "reward/verl.yaml": ["reward.components.verl.function=rewards.py:f"],
}
REFERENCE = {"models": "model", "rewards": "reward", "templates": "template", "rollouts": "rollout"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name.startswith("experiment/") else [])
        for name in FILES
    ],
)
def test_it_composes_and_validates(name, monkeypatch):
    if name == "sweep/optuna.yaml":
        pytest.importorskip("hydra_plugins.hydra_optuna_sweeper", reason="needs the extra sweep")
    monkeypatch.setattr("r1light.config.validate.registry", registry)
    group, _, option = name.removesuffix(".yaml").rpartition("/")
    override = [f"{group}={option}"] if group else []
    composed = compose_jobs([*override, *REQUIRED.get(name, [])], Source(), multirun=False)
    for plain in composed.jobs:
        config = validate(plain, stage_module)
        assert config.resolved["stage"]["name"] == config.stage_name


def test_every_component_and_stage_has_a_yaml_of_its_own_name():
    wanted = {f"stage/{name}.yaml" for name in STAGES}
    for group in GROUPS:
        if group not in ("graders", "tasks"):
            entries = [entry for entry in registry(group).entries() if entry.distribution == "r1light"]
            wanted |= {f"{REFERENCE.get(group, group)}/{entry.name}.yaml" for entry in entries}
    assert wanted - set(FILES) == set()


def test_rejection_sampling_asks_the_checkpoint_of_the_first_rl_stage_as_that_stage_trained_it():
    names = ["r1_reasoning", "r1_rejection"]
    words = [[f"experiment={name}", *REQUIRED[f"experiment/{name}.yaml"]] for name in names]
    trained, asked = (compose_jobs(each, Source(), multirun=False).jobs[0] for each in words)
    assert asked["template"] == trained["template"]
