"""Stages: one file each, and the only place that composes the parts below.

A stage's module holds its options, the frozen dataclass `Config` (or none), and
`run(config: RunConfig, folder: RunFolder) -> StageResult`. Heavy imports stand inside functions, so that a
configuration is validated at once. A module may say `MAKES_RUN_FOLDER = False` (it only prints; a function of
the configuration where that depends), `USES_COMPONENTS = False` (model, data, rewards and the like are
nothing to it, and are not imported), `SHARES_TRAINING = True` (the processes of `trainer.devices` work on it
together), `RUNS_PIPELINE = True` (it is given a pipeline) and `OUTPUTS` (all names
that its result may have, so that a pipeline which asks for another is refused before anything runs).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType

from r1light.core.errors import unknown_name

STAGES: Mapping[str, str] = {
    "base": "r1light.stages.base",
    "chat": "r1light.stages.chat",
    "compare": "r1light.stages.compare",
    "distill": "r1light.stages.distill",
    "doctor": "r1light.stages.doctor",
    "evaluate": "r1light.stages.evaluate",
    "export": "r1light.stages.export",
    "grpo": "r1light.stages.grpo",
    "pipeline": "r1light.stages.pipeline",
    "plugins": "r1light.stages.plugins",
    "report": "r1light.stages.report",
    "reward_model": "r1light.stages.reward_model",
    "sample": "r1light.stages.sample",
    "score": "r1light.stages.score",
    "serve": "r1light.stages.serve",
    "sft": "r1light.stages.sft",
    "validate": "r1light.stages.validate",
}
"""Every stage's name and module."""


def stage_module(name: str) -> ModuleType:
    """Import a stage's module.

    Raises:
        UnknownNameError: If there is no such stage; lists those there are and the nearest.
    """
    if name not in STAGES:
        raise unknown_name("stage", name, STAGES)
    return importlib.import_module(STAGES[name])
