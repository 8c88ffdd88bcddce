"""The part of `stage=evaluate` that asks tasks of lm-evaluation-harness: those named `lm_eval:<task>`."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import replace
from typing import Any

from r1light.config.schema import RunConfig
from r1light.core.errors import ConfigError
from r1light.core.manifest import read_manifest
from r1light.core.run_folder import RunFolder
from r1light.evaluation.harness import PREFIX, HarnessConfig, ask, load_tasks

_log = logging.getLogger(__name__)


def apart(config: RunConfig) -> tuple[list[str], RunConfig]:
    """The harness's tasks among `stage.tasks`, without their prefix, and the configuration without them.

    Raises:
        ConfigError: The prefix stands alone.
    """
    entries: list[str] = config.stage.tasks
    names = [entry.removeprefix(PREFIX) for entry in entries if entry.startswith(PREFIX)]
    if "" in names:
        raise ConfigError(f"stage.tasks: {PREFIX} needs the name of a task, such as {PREFIX}gsm8k")
    own = [entry for entry in entries if not entry.startswith(PREFIX)]
    return list(dict.fromkeys(names)), replace(config, stage=replace(config.stage, tasks=own))


def ask_harness(config: RunConfig, folder: RunFolder, names: list[str]) -> dict[str, float]:
    """Ask tasks of the harness with the run's model and engine.

    Writes harness/<task>.jsonl, what the harness says of each question, and harness/responses.jsonl, from
    which a killed run goes on without asking anything twice.

    Returns:
        `lm_eval:<task>/<metric>` and the like, `wall_seconds` of this session with them; nothing where no
        task is named.

    Raises:
        ConfigError: The harness is not installed, has no such task, or it cannot be asked.
        DataError: A task's data are absent.
        ResumeError: What was asked before was asked with other inputs.
    """
    if not names:
        return {}
    from r1light.evaluation.harness_model import Drawing, HarnessModel
    from r1light.evaluation.kept import Kept
    from r1light.stages import build
    from r1light.stages.draw import sampling_params

    options, begun = config.stage, time.perf_counter()
    chosen: HarnessConfig = options.lm_eval
    tasks = load_tasks(names, chosen)
    where = folder.path / "harness"
    inputs = read_manifest(folder).get("inputs", {})
    loaded = build.build_model(config)
    drawing = Drawing(
        replace(sampling_params(config), stop=()),
        chosen.generation == "run",
        chosen.max_tokens,
        chosen.thought_ends,
        _settings(config),
    )
    with (
        Kept(where / "responses.jsonl", {"inputs": inputs}) as kept,
        closing(build.build_engine(config, loaded)) as engine,
    ):
        model = HarnessModel(loaded, engine, drawing, kept)
        model.copies = _copies(config, writes=tasks.writes)
        metrics = ask(tasks, model, chosen, where, options.limit, config.seed)
    return metrics | {"wall_seconds": time.perf_counter() - begun}


def _copies(config: RunConfig, *, writes: bool) -> int:
    """How often each text is drawn for: `stage.k` where the run's own sampling counts, else once."""
    options = config.stage
    by_run = options.lm_eval.generation == "run" and options.temperature > 0
    if options.k is not None and options.k > 1 and writes and not by_run:
        _log.info(
            "stage.k counts for lm_eval tasks with stage.lm_eval.generation=run, and one draw otherwise"
        )
    return options.k or 1 if writes and by_run else 1


def _settings(config: RunConfig) -> dict[str, Any]:
    """What responses hang on besides what is asked."""
    return {"model": config.resolved["model"], "engine": config.resolved["rollout"]}
