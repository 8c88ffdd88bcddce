"""Taking the folder that a run writes in, so that no two processes write in one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from r1light.config.schema import RunConfig
from r1light.core.errors import ResumeError, UserError
from r1light.core.lock import LOCK_NAME, FolderLock, holder
from r1light.core.manifest import read_manifest
from r1light.core.run_folder import RunFolder, remove_stale, write_atomic
from r1light.stages import stage_module
from r1light.stages.pipeline_resume import resolve_pipeline
from r1light.stages.resume import ResumePlan, is_default, resolve_resume

_BY_THE_TIME = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d(-\d+)?")
"""A folder that no user named."""

_SAYS_NOTHING = ("config.yaml", "manifest.json", "r1light.log", "tasks.json")
"""What a run writes before it makes anything."""


@contextmanager
def open_run_folder(config: RunConfig, folder: RunFolder) -> Iterator[ResumePlan]:
    """Take the folder that the run is to write in, for as long as the context lasts.

    A folder with an earlier run is moved aside by `resume=none`. A default folder that another process was
    quicker to take gives way to one with a number behind its name.

    Args:
        config: The run's configuration.
        folder: The folder that Hydra made.

    Raises:
        ResumeError: As `resolve_resume`, or another live process writes in the folder.
    """
    lock = _take(folder, default=is_default(config, folder), fingerprint=config.fingerprint)
    try:
        folder = RunFolder(lock.folder)
        aside = None
        if config.resume == "none" and (folder.manifest.exists() or folder.checkpoints.exists()):
            lock, aside = _start_over(lock)
        plan = (resolve_pipeline if config.pipeline else resolve_resume)(config, folder)
        finished = plan.folder == folder and not plan.checkpoints and folder.result.exists()
        if finished and not _comes_back(config, folder):
            lock, aside = _start_over(lock)  # nothing is left to go on from
        if aside is not None:
            plan = replace(plan, reason=f"{plan.reason}; the earlier run is in {aside}")
        if plan.folder != folder:
            other = FolderLock(plan.folder.path)
            if other.acquire():
                lock.discard()
                lock = other
            else:  # another process took it up in this very moment
                plan = ResumePlan(
                    folder, (), f"a fresh start, as {holder(plan.folder.path)} took the old run up"
                )
        remove_stale(plan.folder.path)
        with _unfinished_again(plan.folder), _gone_if_refused(lock):
            yield plan
    finally:
        lock.release()


@contextmanager
def _unfinished_again(folder: RunFolder) -> Iterator[None]:
    """Take the result away, which marks a finished run; give it back where the input was wrong."""
    before = folder.result.read_bytes() if folder.result.exists() else None
    folder.result.unlink(missing_ok=True)
    try:
        yield
    except UserError:
        if before is not None:
            write_atomic(folder.result, before)
        raise


@contextmanager
def _gone_if_refused(lock: FolderLock) -> Iterator[None]:
    """Where the input was wrong, leave no folder that this run named, made and filled with nothing."""
    fresh = _BY_THE_TIME.fullmatch(lock.folder.name) and os.listdir(lock.folder) == [LOCK_NAME]
    try:
        yield
    except UserError:
        if fresh:
            lock.discard(_SAYS_NOTHING)
        raise


def _comes_back(config: RunConfig, folder: RunFolder) -> bool:
    """Whether the stage goes on with a finished run, such as one that people have reviewed since."""
    comes_back: Callable[[RunConfig, RunFolder], bool] | None = getattr(
        stage_module(config.stage_name), "comes_back", None
    )
    return comes_back is not None and comes_back(config, folder)


def _take(folder: RunFolder, *, default: bool, fingerprint: str = "") -> FolderLock:
    path = folder.path
    for attempt in range(2, 1000):
        lock = FolderLock(path)
        if lock.acquire():
            if not default or not _is_anothers(RunFolder(path), fingerprint):
                return lock
            lock.release()
        elif not default:
            break
        path = folder.path.with_name(f"{folder.path.name}-{attempt}")
    raise ResumeError(
        f"{path} is in use by {holder(path)}; choose another hydra.run.dir, or end that process"
    )


def _is_anothers(folder: RunFolder, fingerprint: str) -> bool:
    """Whether a folder that is named by the time holds another run, which began in this minute."""
    manifest = read_manifest(folder)
    sessions = manifest.get("sessions") or []
    if not sessions:
        return False
    age = datetime.now(UTC) - datetime.fromisoformat(sessions[0]["started"])
    return age < timedelta(minutes=1) and (
        folder.result.exists() or manifest.get("fingerprint") != fingerprint
    )


def _start_over(lock: FolderLock) -> tuple[FolderLock, Path]:
    """Move an earlier run out of the way; nothing of it is lost or mixed with the fresh one."""
    path = lock.folder
    number = 1
    while (aside := path.with_name(f"{path.name}.old-{number}")).exists():
        number += 1
    path.rename(aside)
    lock.release()
    return _take(RunFolder(path), default=False), aside
