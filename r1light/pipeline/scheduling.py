"""Steps side by side: each when what it needs is done, as many as are asked for, on devices of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from r1light.core.errors import ConfigError
from r1light.pipeline.graph import Instance
from r1light.pipeline.process import StepProcess, end_all

POLL_SECONDS = 0.2
"""How often running steps are looked at."""

_ASK_SECONDS = 30.0  # that nvidia-smi may take


class Task(Protocol):
    """A step that runs."""

    @property
    def process(self) -> StepProcess:
        """Its process."""
        ...

    def ended(self) -> bool:
        """Whether it has ended well.

        Raises:
            R1LightError: It failed.
        """
        ...

    def interrupted(self) -> None:
        """Note down that it was ended from outside."""
        ...


Begin = Callable[[Instance, Sequence[str]], Task | None]
"""Starts a step on these devices; None where it need not run."""


def run_steps(
    instances: Sequence[Instance], jobs: int, devices: Sequence[str], begin: Begin, watch: Callable[[], None]
) -> None:
    """Run steps to the end, or until one fails: then the others are ended, so that they save.

    Args:
        instances: Those to run, in order; what they need beside each other is done already.
        jobs: How many may run at once.
        devices: Accelerators that are shared out; empty where there are none.
        begin: Starts one.
        watch: Called at every look.

    Raises:
        R1LightError: What a step failed of.
        Interrupted: A signal came; the steps were ended.
    """
    waiting = {instance.key: instance for instance in instances}
    running: dict[str, tuple[Task, Sequence[str]]] = {}
    free = list(devices)
    try:
        while waiting or running:
            ended = [key for key, (task, _) in running.items() if task.ended()]
            for key in ended:
                free += running.pop(key)[1]
            done = _start_ready(waiting, running, jobs, (free, len(devices)), begin)
            if not (ended or done):
                watch()
                time.sleep(POLL_SECONDS)
    except BaseException:
        _end(running)
        raise


def _start_ready(
    waiting: dict[str, Instance],
    running: dict[str, tuple[Task, Sequence[str]]],
    jobs: int,
    pool: tuple[list[str], int],
    begin: Begin,
) -> bool:
    """Start what can start; whether any was found done already, so that others may be ready now."""
    free, total = pool
    done = False
    for key, instance in list(waiting.items()):
        if any(need in waiting or need in running for need in instance.needs):
            continue
        wanted = instance.spec.devices if total else 0
        if len(running) >= jobs or wanted > len(free):
            break  # the order stays: a small step behind does not starve a large one
        taken = free[:wanted]
        task = begin(instance, taken)
        del waiting[key]
        if task is None:
            done = True
        else:
            del free[:wanted]
            running[key] = (task, taken)
    return done


def _end(running: dict[str, tuple[Task, Sequence[str]]]) -> None:
    tasks = [task for task, _ in running.values()]
    try:
        end_all([task.process for task in tasks])
    finally:
        for task in tasks:
            task.interrupted()


def device_pool(given: Sequence[int | str] | None) -> list[str]:
    """The accelerators that steps share: those given, or all that are visible to this process.

    Args:
        given: `stage.devices`, in the words of CUDA_VISIBLE_DEVICES; None for all.
    """
    if given is not None:
        return [str(device) for device in given]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [device for device in visible.split(",") if device.strip() not in ("", "-1")]
    if shutil.which("nvidia-smi") is None:
        return []
    ask = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        done = subprocess.run(ask, capture_output=True, text=True, timeout=_ASK_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.split()


def check_devices(instances: Sequence[Instance], devices: Sequence[str]) -> None:
    """Refuse a step that takes more accelerators than there are.

    Raises:
        ConfigError: Names the step, what it takes and what there is.
    """
    for instance in instances:
        if devices and instance.spec.devices > len(devices):
            raise ConfigError(
                f"pipeline.steps.{instance.name}.devices={instance.spec.devices}, and there are "
                f"{len(devices)} (stage.devices); lower it"
            )
