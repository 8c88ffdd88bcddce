"""Runs of the GRPO stage in this process, small enough for the default tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.search_path import register
from r1light.config.validate import validate
from r1light.core.manifest import start_manifest
from r1light.core.run_folder import RunFolder
from r1light.stages import stage_module

SMALL = (
    "stage.prompts_per_iteration=4",
    "stage.group_size=4",
    "stage.max_tokens=24",
    "stage.eval_problems=8",
    "stage.test_problems=8",
    "stage.eval_every=2",
    "stage.checkpoint_every=3",
    "data.train_size=64",
    "data.test_size=16",
    "trainer=cpu",
    "trainer.threads=1",
)


@pytest.fixture
def configure():
    """A validated configuration from overrides on top of the small ones."""

    def make(*overrides: str):
        register()
        (plain,) = compose_jobs([*SMALL, *overrides], Source("config", None, None), multirun=False).jobs
        return validate(plain, stage_module)

    return make


@pytest.fixture
def run_grpo(configure, tmp_path):
    """Run the stage in a folder of that name; returns the folder and the result."""

    def run(name: str, *overrides: str):
        config = configure(*overrides)
        folder = RunFolder(Path(tmp_path) / name)
        folder.path.mkdir(exist_ok=True)
        start_manifest(
            folder, stage="grpo", seed=config.seed, resolved=config.resolved, overrides=list(overrides)
        )
        result = stage_module("grpo").run(config, folder)
        return folder, result

    return run
