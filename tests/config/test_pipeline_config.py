"""Pipelines in the configuration: a user's own YAML, one value of it, its scales, and its references."""

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.validate import validate
from r1light.core.errors import ConfigError, UnknownNameError
from r1light.core.manifest import fingerprint
from r1light.stages import stage_module

OWN = """
name: own
title: A pipeline of the user
inputs:
  rows: {what: a file of rows, path: rows.jsonl}
steps:
  zero:
    stage: grpo
    options:
      seed: ${seed}
      stage: {iterations: 60, lr: 1e-4}
  eval:
    stage: score
    options:
      stage:
        input: ${output:zero.model}/x
        output: \\${hydra:run.dir}/scores.jsonl
        batch_rows: ${metric:zero.after/pass@1}
      data: {path: "${input:rows}"}
scales:
  smoke:
    title: Smaller
    steps:
      zero: {options: {stage: {iterations: 2}}}
  wrong:
    steps:
      zer: {options: {}}
"""


@pytest.fixture
def config(tmp_path):
    """Validate `stage=pipeline pipeline=own` with these overrides besides."""
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "own.yaml").write_text(OWN)

    def make(*overrides):
        source = Source(config_dir=str(tmp_path))
        words = ["stage=pipeline", "pipeline=own", *overrides]
        (plain,) = compose_jobs(words, source, multirun=False).jobs
        return validate(plain, stage_module)

    return make


def test_a_users_own_yaml_is_read_and_its_references_stay_as_they_are_written(config):
    steps = config("seed=7").pipeline.steps
    assert steps["zero"].options == {"seed": 7, "stage": {"iterations": 60, "lr": 1e-4}}
    assert steps["eval"].options == {
        "stage": {
            "input": "${output:zero.model}/x",
            "output": "${hydra:run.dir}/scores.jsonl",
            "batch_rows": "${metric:zero.after/pass@1}",
        },
        "data": {"path": "${input:rows}"},
    }


def test_one_number_of_a_step_can_be_set(config):
    made = config(
        "pipeline.steps.zero.options.stage.iterations=5", "pipeline.steps.zero.options.trainer.threads=1"
    )
    assert made.pipeline.steps["zero"].options == {
        "seed": 0, "stage": {"iterations": 5, "lr": 1e-4}, "trainer": {"threads": 1},
    }  # fmt: skip
    assert made.resolved["pipeline"]["steps"]["zero"]["options"]["stage"]["iterations"] == 5


def test_a_scale_is_merged_and_the_command_line_still_wins(config):
    scaled = config("stage.scale=smoke").pipeline
    assert scaled.title == "Smaller"
    assert scaled.steps["zero"].options["stage"] == {"iterations": 2, "lr": 1e-4}
    assert scaled.steps["eval"].options == config().pipeline.steps["eval"].options
    own = config("stage.scale=smoke", "pipeline.steps.zero.options.stage.iterations=5").pipeline
    assert own.steps["zero"].options["stage"]["iterations"] == 5
    assert own.title == "Smaller"
    fewer = config("stage.scale=smoke", "~pipeline.steps.zero.options.stage.lr").pipeline
    assert fewer.steps["zero"].options["stage"] == {"iterations": 2}


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["stage.scale=smok"], "unknown stage.scale 'smok'; did you mean 'smoke'? Known: smoke, wrong"),
        (
            ["stage.scale=wrong"],
            "pipeline.scales.wrong.steps: unknown step 'zer'; did you mean 'zero'? Known: eval, zero",
        ),
        (["pipeline.steps.zero.stagee=x"], "unknown key 'pipeline.steps.zero.stagee'; did you mean"),
        (["pipeline.steps.zero.stage=chat"], "pipeline.steps.zero: stage=chat is no step of a pipeline"),
        (["stage.jobs=0"], "stage: jobs=0 must be at least 1"),
        (["seeds=0"], "seeds=0 must be at least 1"),
        (["seed=4294967295", "seeds=2"], "seeds=2 must be at least 1, and seed + seeds at most 2**32"),
        (["stage.only=[3]"], "stage.only.0=3 must be"),
    ],
)
def test_what_is_wrong_is_one_line(config, overrides, line):
    with pytest.raises(ConfigError) as caught:
        config(*overrides)
    assert str(caught.value).startswith(line)


def test_a_pipeline_must_be_named():
    (plain,) = compose_jobs(["stage=plugins"], Source(), multirun=False).jobs
    plain["stage"] = {"name": "pipeline"}
    with pytest.raises(ConfigError, match="pipeline is missing; name one, such as pipeline=r1_mini"):
        validate(plain, stage_module)


def test_seeds_are_handed_to_the_stage(config):
    assert config("seeds=3").stage.seeds == 3


@pytest.mark.parametrize(("override", "key"), [("+pipeline=own", "pipeline"), ("seeds=2", "seeds")])
def test_other_stages_take_no_pipeline(tmp_path, config, override, key):
    source = Source(config_dir=str(tmp_path))
    (plain,) = compose_jobs(["stage=plugins", override.lstrip("+")], source, multirun=False).jobs
    with pytest.raises(
        ConfigError, match=f"{key} is of stage=pipeline; add stage=pipeline, or leave {key} out"
    ):
        validate(plain, stage_module)


def test_another_stages_configuration_knows_nothing_of_pipelines():
    (plain,) = compose_jobs(["stage=plugins"], Source(), multirun=False).jobs
    config = validate(plain, stage_module)
    assert config.pipeline is None
    assert {"pipeline", "seeds"} & config.resolved.keys() == set()


def test_how_a_pipeline_is_run_is_not_in_its_fingerprint_but_its_steps_are(config):
    same = config("stage.jobs=2", "stage.stop=zero", "stage.devices=[0]", "stage.only=[zero]")
    assert same.fingerprint == config().fingerprint == fingerprint(same.resolved)
    for other in ("seeds=2", "stage.scale=smoke", "pipeline.steps.zero.options.stage.lr=1"):
        assert config(other).fingerprint != config().fingerprint


def test_an_unknown_pipeline_is_named_with_those_there_are(config):
    with pytest.raises(UnknownNameError, match="unknown pipeline 'owm'; did you mean 'own'"):
        config("pipeline=owm")


def test_composing_leaves_a_running_hydra_as_it_was(tmp_path):
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        running = GlobalHydra.instance().hydra
        compose_jobs(["stage=plugins"], Source(), multirun=False)
        assert GlobalHydra.instance().hydra is running
    assert not GlobalHydra.instance().is_initialized()
