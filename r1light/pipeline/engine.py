"""Running a pipeline's steps: what each is made of, whether it must be run, and what came of it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from r1light.core.errors import UserError, WorkerError
from r1light.core.masking import mask_override
from r1light.core.run_folder import RunFolder
from r1light.pipeline import reuse
from r1light.pipeline.failure import failure
from r1light.pipeline.graph import Instance
from r1light.pipeline.overrides import literal, step_overrides
from r1light.pipeline.process import StepProcess
from r1light.pipeline.records import PipelineRecord
from r1light.pipeline.references import Lookup, replaced
from r1light.pipeline.results import check_readers, gone_outputs, headline, lookup, read_result
from r1light.pipeline.telling import Telling

OUTPUT = "process.log"
"""What a step's process wrote to stdout and stderr, in its run folder."""

_NOTE_SECONDS = 10.0
"""How often the time of running steps is noted down, for one that is killed."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Engine:
    """What all steps of a running pipeline share."""

    folder: RunFolder
    """The pipeline's run folder."""
    instances: Sequence[Instance]
    """The whole graph."""
    record: PipelineRecord
    """pipeline.json."""
    resolve: Callable[[Sequence[str]], Mapping[str, Any]]
    """Overrides to a whole configuration; raises ConfigError."""
    command: Sequence[str]
    """What a step's command line begins with, before its overrides."""
    code: reuse.Code
    """The code as it is now."""
    inputs: Mapping[str, str]
    """The paths that the user gave."""
    handed_on: Mapping[str, Any]
    """Options that every step is given."""
    telling: Telling
    """What is said meanwhile."""
    _running: dict[str, StepTask] = field(default_factory=dict)
    _noted: float = field(default_factory=time.monotonic)

    def begin(self, instance: Instance, devices: Sequence[str]) -> StepTask | None:
        """Start a step whose needs are done; None where it is reused.

        Raises:
            ConfigError: Its configuration is wrong, now that it is known what its references stand for.
        """
        overrides, resolved = self._configuration(instance)
        folder = self.step_folder(instance)
        mark = reuse.make_mark(resolved, self.code, self.folder.path)
        decision = self._decide(instance, mark, resolved)
        shown = tuple(mask_override(line) for line in overrides)
        if decision.action == "reuse":
            self.record.update(instance.key, state="done", reused=True, why=decision.why, overrides=shown)
            result = read_result(folder)
            check_readers(instance.key, result, self.instances)
            self.telling.ended(instance, f"reused: {decision.why}", headline(result))
            return None
        why = decision.why
        if decision.action == "run":
            aside = reuse.set_aside(folder)
            why += "" if aside is None else f"; what was there is in {aside}"
            folder.path.mkdir(parents=True, exist_ok=True)
            reuse.write_mark(folder, mark)
        goes_on = decision.action == "go_on"
        before = (self.record.row(instance.key).seconds or 0.0) if goes_on else 0.0
        started = self.record.row(instance.key).started if goes_on else None
        self.telling.started(instance, why)
        task = StepTask(self, instance, resolved, before, self._process(instance, overrides, devices))
        self._running[instance.key] = task
        self.record.update(
            instance.key, state="running", why=why, overrides=shown, seconds=before, reused=False,
            started=started or datetime.now(UTC).isoformat(timespec="seconds"),
        )  # fmt: skip
        return task

    def watch(self) -> None:
        """Note down how long the running steps have run, and say now and then how they do."""
        if time.monotonic() - self._noted >= _NOTE_SECONDS:
            self._noted = time.monotonic()
            for key, task in self._running.items():
                self.record.update(key, seconds=task.seconds)
        self.telling.alive([(key, task.folder.log) for key, task in self._running.items()])

    def step_folder(self, instance: Instance) -> RunFolder:
        """A step's run folder."""
        return RunFolder(self.folder.path / instance.folder)

    def left(self, key: str) -> None:
        """Forget a step that runs no more."""
        self._running.pop(key, None)

    def _decide(self, instance: Instance, mark: reuse.Mark, resolved: Mapping[str, Any]) -> reuse.Decision:
        """What is to be done with a step; one whose output was deleted is run, for those that read it."""
        folder = self.step_folder(instance)
        decision = reuse.decide(folder, mark, resolved)
        gone = gone_outputs(instance.key, folder, self.instances) if decision.action == "reuse" else []
        if gone:
            return reuse.Decision("run", f"what other steps read of it is gone: {', '.join(gone)}")
        return decision

    def _configuration(self, instance: Instance) -> tuple[list[str], Mapping[str, Any]]:
        folders = {each.key: each.folder for each in self.instances}
        try:
            find = lookup(self.folder.path, instance, folders, self.inputs)
            overrides = overrides_of(instance, find, self.handed_on)
            return overrides, self.resolve([*overrides, *where(self.step_folder(instance))])
        except UserError as error:
            self.record.update(instance.key, state="failed", why=str(error))
            raise failure(instance.key, error.exit_code, str(error)) from error

    def _process(self, instance: Instance, overrides: Sequence[str], devices: Sequence[str]) -> StepProcess:
        folder = self.step_folder(instance)
        env = dict(os.environ) | ({"CUDA_VISIBLE_DEVICES": ",".join(devices)} if devices else {})
        command = [*self.command, *overrides, *where(folder)]
        return StepProcess(command, folder.path / OUTPUT, env, 3600 * instance.spec.deadline_hours)


@dataclass(slots=True)
class StepTask:
    """A step that runs."""

    engine: Engine
    instance: Instance
    resolved: Mapping[str, Any]
    before: float
    """Seconds that it ran in earlier sessions."""
    process: StepProcess

    @property
    def folder(self) -> RunFolder:
        """Its run folder."""
        return self.engine.step_folder(self.instance)

    @property
    def seconds(self) -> float:
        """How long it has run, over all sessions."""
        return round(self.before + self.process.seconds, 3)

    def ended(self) -> bool:
        """Whether it has ended well; then its result is noted down.

        Raises:
            R1LightError: It failed.
        """
        try:
            code = self.process.poll()
        except WorkerError as error:
            raise self._failed(1, str(error)) from error
        if code is None:
            return False
        if code != 0:
            raise self._failed(code)
        if not self.folder.result.exists():
            raise self._failed(1, "it ended without a result.json")
        reuse.finish_mark(self.folder, self.resolved)
        self.engine.left(self.instance.key)
        row = self.engine.record.update(self.instance.key, state="done", seconds=self.seconds)
        result = read_result(self.folder)
        self.engine.telling.ended(self.instance, f"done in {row.seconds:.0f} s", headline(result))
        check_readers(self.instance.key, result, self.engine.instances)
        return True

    def interrupted(self) -> None:
        """Note down that it was ended with the pipeline, and is to be gone on with."""
        if self.engine.record.row(self.instance.key).state == "running":
            self.engine.record.update(
                self.instance.key, state="waiting", why="ended with the pipeline", seconds=self.seconds
            )

    def _failed(self, code: int, reason: str | None = None) -> Exception:
        self.engine.left(self.instance.key)
        error = failure(self.instance.key, code, reason, self.process.output)
        self.engine.record.update(
            self.instance.key, state="failed", why=str(error).splitlines()[0], seconds=self.seconds
        )
        return error


def where(folder: RunFolder) -> list[str]:
    """The overrides that say in which folder a step runs; its options may refer to it."""
    return [f"hydra.run.dir={literal(str(folder.path))}", "resume=auto"]


def overrides_of(instance: Instance, find: Lookup, handed_on: Mapping[str, Any]) -> list[str]:
    """An instance's overrides, with what its references stand for in their places."""
    groups, options = replaced(instance.spec.groups, find), replaced(instance.spec.options, find)
    spec = replace(instance.spec, groups={key: str(value) for key, value in groups.items()}, options=options)
    return step_overrides(spec, instance.seed, handed_on)
