"""Runs of the GRPO stage in this process, small enough for the default tests."""

from __future__ import annotations

import shutil
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


def configured(*overrides: str):
    """A validated configuration from overrides on top of the small ones."""
    register()
    other_data = any(override.startswith("data=") for override in overrides)
    small = [override for override in SMALL if not (other_data and override.startswith("data."))]
    (plain,) = compose_jobs([*small, *overrides], Source("config", None, None), multirun=False).jobs
    return validate(plain, stage_module)


def run_in(path: Path, *overrides: str):
    """Run the stage in that folder; returns the folder and the result."""
    config = configured(*overrides)
    folder = RunFolder(path)
    folder.path.mkdir(exist_ok=True)
    start_manifest(
        folder, stage="grpo", seed=config.seed, resolved=config.resolved, overrides=list(overrides)
    )
    return folder, stage_module("grpo").run(config, folder)


@pytest.fixture
def configure():
    """The function that makes a validated configuration."""
    return configured


@pytest.fixture
def run_grpo(tmp_path):
    """Run the stage in a folder of that name; returns the folder and the result."""

    def run(name: str, *overrides: str):
        return run_in(tmp_path / name, *overrides)

    return run


@pytest.fixture(scope="session")
def six_iterations(tmp_path_factory):
    """The folder and the result of a run that nothing interrupts, shared: not to be changed."""
    return run_in(tmp_path_factory.mktemp("runs") / "straight", "stage.iterations=6")


@pytest.fixture
def straight(six_iterations, tmp_path):
    """A copy of that run, in the folder `straight` of this test."""
    folder, result = six_iterations
    copy = RunFolder(Path(shutil.copytree(folder.path, tmp_path / "straight")))
    return copy, result
