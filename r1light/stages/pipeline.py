"""`stage=pipeline`: a graph of steps, each a stage in a process and a run folder of its own.

    python -m r1light stage=pipeline pipeline=r1_mini

Reads: what the pipeline's inputs name.
Writes: pipeline.json (how far each step is), steps/NAME/seed-N (their run folders), result.json with the
answers to the pipeline's questions, report.html. The same command goes on where it was interrupted, and
runs a step again only if its configuration, the code or its inputs have changed.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from r1light.config.convert import to_plain
from r1light.config.schema import RunConfig
from r1light.core.progress import progress
from r1light.core.run_folder import RunFolder, StageResult

if TYPE_CHECKING:
    from r1light.pipeline.graph import Instance
    from r1light.pipeline.records import PipelineRecord

RUNS_PIPELINE = True
USES_COMPONENTS = False

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Which steps run, and how."""

    name: Literal["pipeline"] = "pipeline"
    """The stage."""
    jobs: int = 1
    """Steps that may run side by side."""
    devices: list[int | str] | None = None
    """The accelerators that steps share, in the words of CUDA_VISIBLE_DEVICES; null for all there are."""
    only: list[str] | None = None
    """The steps to run; null for all. What they need must be finished in the run folder."""
    start: str | None = None
    """The first step to run, in the plan's order; null for the first there is."""
    stop: str | None = None
    """The last step to run; null for the last there is."""
    dry_run: bool = False
    """Check everything, print the plan and stop; nothing is written."""
    scale: str | None = None
    """A smaller version that the pipeline's YAML has below `scales`, such as smoke; null for the whole."""
    seeds: int = 1
    """How many seeds each step is run with: seed, seed+1, ..."""

    def __post_init__(self) -> None:
        for name in ("jobs", "seeds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")
        if self.only is not None and not self.only:
            raise ValueError("only=[] runs nothing; name at least one step, or set it to null for all")


def MAKES_RUN_FOLDER(config: RunConfig) -> bool:
    """Whether anything is written: not by a dry run."""
    return not config.stage.dry_run


def comes_back(config: RunConfig, folder: RunFolder) -> bool:
    """Whether a finished run is gone on with: always, as steps decide for themselves."""
    from r1light.pipeline.records import read_record

    return config.resume != "none" and bool(read_record(folder))


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Check all steps, print the plan, run them, and answer the questions."""
    from r1light.pipeline.graph import build_graph
    from r1light.pipeline.results import check_inputs
    from r1light.pipeline.reuse import is_finished
    from r1light.pipeline.scheduling import check_devices, device_pool
    from r1light.pipeline.selection import check_needs, selected

    options: Config = config.stage
    assert config.pipeline is not None
    instances = build_graph(config.pipeline, range(config.seed, config.seed + options.seeds))
    names = selected(instances, options.only or [], options.start, options.stop)
    for line in _plan(config, folder, instances, names):
        _log.info("%s", line)
    if options.dry_run:
        return StageResult("pipeline", {"steps": float(len(instances))})
    chosen = [instance for instance in instances if instance.name in names]
    folders = {instance.key: RunFolder(folder.path / instance.folder) for instance in instances}
    check_inputs(config.pipeline.inputs, chosen)
    check_needs(instances, names, lambda key: is_finished(folders[key]))
    devices = device_pool(options.devices)
    check_devices(chosen, devices)
    record = _run_steps(config, folder, instances, names, devices)
    return _finish(config, folder, record)


def _plan(config: RunConfig, folder: RunFolder, instances: Sequence[Instance], names: set[str]) -> list[str]:
    """What is going to run, every step's configuration checked."""
    from r1light.pipeline.plan import PlannedStep, plan_lines
    from r1light.stages.pipeline_steps import step_configs

    assert config.pipeline is not None
    configs = step_configs(config, folder.path, instances)
    steps = [
        PlannedStep(
            instance.key,
            instance.spec,
            configs[instance.name],
            instance.needs,
            "waiting" if instance.name in names else "left_out",
        )
        for instance in instances
    ]
    return plan_lines(steps, config.pipeline.inputs, accelerator=_accelerator())


def _accelerator() -> str:
    """The device of this machine as its driver names it, or "cpu"."""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"


def _run_steps(
    config: RunConfig, folder: RunFolder, instances: Sequence[Instance], names: set[str], devices: list[str]
) -> PipelineRecord:
    from r1light.config.running import running_source
    from r1light.config.search_path import conf_dir
    from r1light.pipeline.engine import Engine
    from r1light.pipeline.lingering import settle
    from r1light.pipeline.results import given_inputs
    from r1light.pipeline.reuse import code_version
    from r1light.pipeline.scheduling import run_steps
    from r1light.pipeline.telling import Telling, step_weights
    from r1light.stages.pipeline_steps import command_line, configured, handed_on

    assert config.pipeline is not None
    settle([RunFolder(folder.path / instance.folder) for instance in instances])
    chosen = [instance for instance in instances if instance.name in names]
    configure = configured(running_source())
    weights, unit = step_weights(chosen)
    with progress(sum(weights.values()), unit) as bar:
        engine = Engine(
            folder=folder,
            instances=instances,
            record=_record(config, folder, instances, names),
            resolve=lambda overrides: configure(overrides).resolved,
            command=command_line(),
            code=code_version([Path(__file__).parents[1], conf_dir()]),
            inputs=given_inputs(config.pipeline.inputs),
            handed_on=handed_on(config),
            telling=Telling(bar, weights),
        )
        run_steps(chosen, config.stage.jobs, devices, engine.begin, engine.watch)
    return engine.record


def _record(
    config: RunConfig, folder: RunFolder, instances: Sequence[Instance], names: set[str]
) -> PipelineRecord:
    """pipeline.json as it is at the start."""
    from r1light.pipeline.records import begin_record
    from r1light.pipeline.results import given_inputs

    assert config.pipeline is not None
    header: dict[str, Any] = {
        "name": config.pipeline.name,
        "title": config.pipeline.title,
        "scale": config.stage.scale,
        "seeds": list(range(config.seed, config.seed + config.stage.seeds)),
        "jobs": config.stage.jobs,
        "inputs": given_inputs(config.pipeline.inputs),
        "story": list(config.pipeline.story),
        "questions": to_plain(config.pipeline.questions),
    }
    return begin_record(folder, header, instances, names)


def _finish(config: RunConfig, folder: RunFolder, record: PipelineRecord) -> StageResult:
    """result.json with the questions' numbers, and the report."""
    from r1light.pipeline.summary import step_outputs
    from r1light.stages.pipeline_answers import answered, write_page

    assert config.pipeline is not None
    outputs = step_outputs(folder, record.rows, config.pipeline.story)
    done = sum(row.state == "done" for row in record.rows)
    times = {"steps": float(done), "wall_seconds": round(record.wall_seconds, 3)}
    metrics = {name: value for name, value in answered(folder).items() if math.isfinite(value)}
    result = StageResult("pipeline", metrics | times, outputs | {"report": str(folder.report)})
    folder.save_result(result)
    write_page(folder)
    return result
