"""A pipeline's steps made ready: each composed and validated before anything runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from r1light.config.compose import Source, compose_jobs
from r1light.config.convert import to_plain
from r1light.config.logger_schema import LoggerSpec
from r1light.config.pipeline_schema import PipelineSpec
from r1light.config.running import as_arguments, running_source
from r1light.config.schema import RunConfig, TrainerSpec
from r1light.config.validate import validate
from r1light.core.errors import ConfigError, UserError, unknown_name
from r1light.core.run_folder import RunFolder
from r1light.core.sandbox import SandboxConfig
from r1light.pipeline.engine import overrides_of, where
from r1light.pipeline.graph import Instance
from r1light.pipeline.overrides import added
from r1light.pipeline.results import given_inputs, stand_in
from r1light.stages import stage_module

_HANDED_ON = {"trainer": TrainerSpec(), "sandbox": SandboxConfig(), "logger": LoggerSpec()}
"""What the machine and the user decide rather than the recipe, and what it is where nobody says anything."""


def configured(source: Source) -> Callable[[Sequence[str]], RunConfig]:
    """The function that makes a validated configuration of a step's overrides.

    Args:
        source: Where to compose from: the pipeline's own.
    """

    def configure(overrides: Sequence[str]) -> RunConfig:
        (plain,) = compose_jobs(added(list(overrides)), source, multirun=False).jobs
        return validate(plain, stage_module)

    return configure


def step_configs(config: RunConfig, root: Path, instances: Sequence[Instance]) -> dict[str, RunConfig]:
    """Every step's configuration for its first seed, with likely values for what is not known yet.

    Those of the other seeds are checked likewise: a group that a step chooses may make something of the seed.

    Args:
        config: The pipeline's configuration.
        root: The pipeline's run folder.
        instances: The graph.

    Raises:
        ConfigError: A step's configuration is wrong; the message begins with the step's name.
    """
    assert config.pipeline is not None
    configure = configured(running_source())
    folders = {instance.key: instance.folder for instance in instances}
    inputs, general = given_inputs(config.pipeline.inputs), handed_on(config)
    found: dict[str, RunConfig] = {}
    for instance in instances:
        find = stand_in(root, instance, folders, inputs)
        try:
            place = where(RunFolder(root / instance.folder))
            one = configure([*overrides_of(instance, find, general), *place])
        except UserError as error:
            raise ConfigError(f"pipeline.steps.{instance.name}: {error}") from error
        _check_outputs(config.pipeline, instance)
        found.setdefault(instance.name, one)
    return found


def _check_outputs(pipeline: PipelineSpec, instance: Instance) -> None:
    """Refuse to begin where a step reads an output that the stage of another never has."""
    for reference, _ in instance.reads:
        if reference.kind != "output" or reference.step is None:
            continue
        known = getattr(stage_module(pipeline.steps[reference.step].stage), "OUTPUTS", None)
        if known is not None and reference.name not in known:
            told = unknown_name(f"output of {reference.step}", reference.name, known)
            raise ConfigError(f"pipeline.steps.{instance.name}: {reference}: {told}")


def handed_on(config: RunConfig) -> dict[str, Any]:
    """What the pipeline's own configuration sets of trainer, sandbox, logger and debug, by group."""
    found: dict[str, Any] = {}
    for group, default in _HANDED_ON.items():
        changed = _differing(to_plain(getattr(config, group)), to_plain(default))
        found |= {group: changed} if changed else {}
    return found | ({"debug": True} if config.debug else {})


def command_line() -> list[str]:
    """What a step's command line begins with."""
    return [sys.executable, "-m", "r1light", *as_arguments(running_source())]


def _differing(value: Mapping[str, Any], default: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, Mapping):
            inner = _differing(item, default.get(key) or {})
            found |= {key: inner} if inner or default.get(key) is None else {}  # a logger without options
        elif item != default.get(key):
            found[key] = item
    return found
