"""What a run says about itself: versions, git revision, seed, inputs, hardware and time, in manifest.json.

The fingerprint tells whether two configurations train the same thing. Left out of it is what may change
between a run and its continuation: how long it lasts, where it logs, and how it is run.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from r1light.core.masking import mask, mask_override
from r1light.core.registry import GROUPS
from r1light.core.run_folder import RunFolder, write_json

NOT_IN_FINGERPRINT: tuple[tuple[str, ...], ...] = (
    ("stage", "iterations"),
    ("stage", "review"),
    ("reward", "deadline_s"),
    ("data", "recommended"),
    ("model", "recommended"),
    ("trainer", "devices"),
    ("trainer", "nodes"),
    ("trainer", "threads"),
    ("trainer", "timeout"),
    ("logger",),
    ("sandbox", "isolation"),
    ("sandbox", "url"),
    ("sandbox", "workers"),
    ("resume",),
    ("debug",),
    ("objective",),
    ("hydra",),
)
"""Paths of keys that a continued run may change. What is recommended has its effect through `stage`."""

HOW_A_PIPELINE_RUNS = ("jobs", "devices", "only", "start", "stop", "dry_run")
"""Options of `stage=pipeline` that change nothing of what its steps train."""

_PACKAGES = [
    "torch",
    "lightning",
    "transformers",
    "tokenizers",
    "safetensors",
    "numpy",
    "pydantic",
    "hydra-core",
    "omegaconf",
    "peft",
    "datasets",
    "math-verify",
    "deepspeed",
    "vllm",
]
_WHOLE_FILE = 16 * 2**20  # bytes; of a larger file in a directory, the size and both ends are hashed
_GIT_DEADLINE = 10.0  # seconds


def fingerprint(resolved: Mapping[str, Any]) -> str:
    """A hash of what a configuration trains: 16 hexadecimal digits. Secrets have no part in it.

    Example:
        >>> a, b = {"seed": 0, "debug": True}, {"seed": 0, "debug": False}
        >>> fingerprint(a) == fingerprint(b), fingerprint(a) == fingerprint({"seed": 1})
        (True, False)
    """
    text = json.dumps(comparable(resolved), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def comparable(resolved: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a resolved configuration that the fingerprint is taken of, as dotted key to value.

    Example:
        >>> comparable({"stage": {"lr": 0.1, "iterations": 5}, "debug": True})
        {'stage.lr': 0.1}
    """
    free = NOT_IN_FINGERPRINT
    stage = resolved.get("stage")
    if isinstance(stage, Mapping) and stage.get("name") == "pipeline":
        free += tuple(("stage", name) for name in HOW_A_PIPELINE_RUNS)
    return {
        ".".join(path): value
        for path, value in _leaves(mask(resolved), ())
        if not any(path[: len(left_out)] == left_out for left_out in free)
    }


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping) and value:
        for key in sorted(value, key=str):
            yield from _leaves(value[key], (*path, str(key)))
    else:
        yield path, value


def start_manifest(
    folder: RunFolder, *, stage: str, seed: int, resolved: Mapping[str, Any], overrides: Sequence[str]
) -> None:
    """Write manifest.json at the start of a run; a continued run keeps its first start and its sessions.

    Args:
        folder: Where to.
        stage: The stage's name.
        seed: The run's seed.
        resolved: The whole configuration, as plain data.
        overrides: The command line's overrides; secrets among them are masked.

    Raises:
        StorageError: If it cannot be written.
    """
    earlier = read_manifest(folder)
    session = {
        "started": _now("milliseconds"),
        "wall_seconds": None,
        # the pluses are of config/compose.py; the same line without them does the same
        "overrides": [mask_override(override.removeprefix("++")) for override in overrides],
        "host": platform.node(),
        "process": os.getpid(),
    }
    write_json(
        folder.manifest,
        {
            "stage": stage,
            "fingerprint": fingerprint(resolved),
            "seed": seed,
            "started": earlier.get("started", _now()),
            "finished": None,
            "wall_seconds": None,
            "versions": versions(),
            "git": git_revision(Path(__file__).resolve().parents[2]),
            "inputs": input_hashes(resolved),
            "hardware": hardware(),
            "sessions": [*earlier.get("sessions", []), session],
        },
    )


def finish_manifest(folder: RunFolder) -> None:
    """Add what is known at the end: the session's wall time in seconds, their sum, and the accelerators.

    A stage calls it before it writes its report, which shows it; a folder without a manifest stays so.

    Raises:
        StorageError: If it cannot be written.
    """
    manifest = read_manifest(folder)
    sessions = manifest.get("sessions")
    if not sessions:
        return
    wall_seconds = time.time() - datetime.fromisoformat(sessions[-1]["started"]).timestamp()
    sessions[-1]["wall_seconds"] = round(max(wall_seconds, 0.0), 3)
    manifest["wall_seconds"] = round(sum(session["wall_seconds"] or 0.0 for session in sessions), 3)
    manifest["finished"] = _now()
    manifest["hardware"] = hardware()
    write_json(folder.manifest, manifest)


def read_manifest(folder: RunFolder) -> dict[str, Any]:
    """The manifest, or an empty dict where there is none that can be read."""
    try:
        manifest = json.loads(folder.manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def versions() -> dict[str, str]:
    """Versions of Python, r1light, its plugins and the libraries that decide what a run computes."""
    plugins = {
        point.dist.name
        for group in (*GROUPS, "conf")
        for point in metadata.entry_points(group=f"r1light.{group}")
        if point.dist is not None
    }
    found = {"python": platform.python_version()}
    for name in ["r1light", *_PACKAGES, *sorted(plugins - {"r1light"})]:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_revision(root: Path) -> dict[str, Any] | None:
    """The commit that `root` has checked out and whether files differ from it; None outside a checkout.

    A repository that merely contains `root` (an installation below it) does not count.
    """
    top = _git(root, "rev-parse", "--show-toplevel")
    revision = _git(root, "rev-parse", "HEAD")
    if top is None or revision is None or Path(top).resolve() != root:
        return None
    return {"revision": revision, "modified": bool(_git(root, "status", "--porcelain"))}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            timeout=_GIT_DEADLINE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def hardware() -> dict[str, Any]:
    """Processor, usable cores, memory in GiB, and accelerators if torch has been imported."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found: dict[str, Any] = {
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": cores,
        "memory_gib": round(memory, 1),
        "accelerators": [],
    }
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        count = torch.cuda.device_count()
        found["accelerators"] = [torch.cuda.get_device_name(index) for index in range(count)]
    return found


def input_hashes(resolved: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 of every existing file or directory that a `path` key or `input` names."""
    hashes = {}
    for keys, value in _leaves(resolved, ()):
        named_path = bool(keys) and (keys[-1] in ("path", "input") or keys[-1].endswith("_path"))
        if named_path and isinstance(value, str) and value and Path(value).exists():
            hashes[".".join(keys)] = hash_path(Path(value))
    return hashes


def hash_path(path: Path) -> str:
    """SHA-256 of a file's bytes, or of a directory's file names, sizes and contents.

    In a directory, files above 16 MiB count by their size and their first and last MiB, so that a model of
    many gigabytes is hashed in a moment.
    """
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    for file_path in sorted(inner for inner in path.rglob("*") if inner.is_file()):
        size = file_path.stat().st_size
        digest.update(f"{file_path.relative_to(path).as_posix()}\0{size}\0".encode())
        with file_path.open("rb") as file:
            if size <= _WHOLE_FILE:
                digest.update(file.read())
            else:
                digest.update(file.read(2**20))
                file.seek(-(2**20), os.SEEK_END)
                digest.update(file.read())
    return digest.hexdigest()


def _now(precision: str = "seconds") -> str:
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec=precision)
