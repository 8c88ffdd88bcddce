"""The machine: processors, memory, disks, and what the system lets a process have."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from r1light.doctor.finding import Finding
from r1light.training.host import available_memory

LITTLE_MEMORY = 4e9
"""Bytes under which even a miniature run with its engine and workers gets tight."""
LITTLE_DISK = 10e9
"""Bytes: a checkpoint of a 0.5B model with AdamW's moments has 6e9."""
LITTLE_SHARED = 1e9
"""Bytes of /dev/shm: a container's usual 64 MiB are too few for NCCL and for data workers."""
FEW_FILES = 4096
"""Open files: each sandbox, worker and connection takes some."""


def look_at_machine(cache: Path) -> Iterator[Finding]:
    """Look at everything here.

    Args:
        cache: Where models from the hub are kept.
    """
    yield _processors()
    yield _memory()
    folders = {"the working directory": Path.cwd(), "models from the hub": cache}
    folders["temporary files"] = Path(tempfile.gettempdir())
    for what, folder in folders.items():
        yield disk(what, folder)
    yield from _shared_memory(Path("/dev/shm"))
    yield _open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def disk(what: str, folder: Path) -> Finding:
    """The free space where a folder lies, or will lie, and whether it can be written."""
    place = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(place).free
    told = f"{_gb(free)} free for {what} ({folder})"
    if not os.access(place, os.W_OK):
        advice = f"make {place} writable, or work elsewhere"
        return Finding("disk", "problem", f"{told}; {place} cannot be written", advice)
    if free < LITTLE_DISK:
        return Finding("disk", "warning", told, "make room; a checkpoint of 0.5B parameters has 6 GB")
    return Finding("disk", "ok", told)


def _processors() -> Finding:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Finding("processors", "ok", f"{usable} usable cores, {platform.machine()}, {platform.system()}")


def _memory() -> Finding:
    free = available_memory()
    if free is None:
        return Finding("memory", "note", "the system does not tell how much there is")
    if free < LITTLE_MEMORY:
        advice = "close what else runs, or raise the container's limit"
        return Finding("memory", "warning", f"{_gb(free)} available", advice)
    return Finding("memory", "ok", f"{_gb(free)} available")


def _shared_memory(folder: Path) -> Iterator[Finding]:
    """Nothing where the system has none."""
    if not folder.is_dir():
        return
    size = shutil.disk_usage(folder).total
    if size < LITTLE_SHARED:
        advice = "several GPUs need more: start the container with --shm-size=16g or --ipc=host"
        yield Finding("shared memory", "warning", f"{_gb(size)} in {folder}", advice)
    else:
        yield Finding("shared memory", "ok", f"{_gb(size)} in {folder}")


def _open_files(most: int) -> Finding:
    if 0 <= most < FEW_FILES:
        return Finding("open files", "warning", f"at most {most} a process", f"ulimit -n {FEW_FILES} or more")
    return Finding("open files", "ok", "no limit" if most < 0 else f"at most {most} a process")


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
