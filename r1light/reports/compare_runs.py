"""The runs of a comparison: where they lie, what their configurations say, and whether they ended."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from r1light.core.errors import DataError
from r1light.core.lock import is_locked
from r1light.core.run_folder import RunFolder
from r1light.reports.run_files import RunRecord, read_run

State = Literal["finished", "running", "failed", "unfinished"]

_DEPTH = 3
"""So many levels below a sweep's folder runs are looked for: `hydra.sweep.subdir` may hold slashes."""
_RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ ([A-Z]+) \S+: ?(.*)")
_TAIL = 2**16  # bytes of a log that are looked at for how the run ended


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One run of a comparison.

    Attributes:
        label: The shortest part of its path that tells it from the others.
        record: Its files.
        options: config.yaml as dotted key to text.
        state: Whether it has finished, and if not, why as far as its folder tells.
        why: The error that a failed run logged last, else empty.
    """

    label: str
    record: RunRecord
    options: Mapping[str, str] = field(default_factory=dict)
    state: State = "finished"
    why: str = ""

    @property
    def seed(self) -> str:
        """The run's seed; empty where it is not known."""
        return self.options.get("seed", str(self.record.manifest.get("seed", "")))

    @property
    def stage(self) -> str:
        """The stage's name."""
        return self.options.get("stage.name", self.record.stage)

    @property
    def overrides(self) -> list[str]:
        """What the command line set, of the run's first session."""
        sessions = self.record.manifest.get("sessions") or [{}]
        return [str(override) for override in sessions[0].get("overrides") or []]


@dataclass(frozen=True, slots=True)
class FoundRuns:
    """Where runs lie.

    Attributes:
        folders: Of runs, each once.
        empty: Folders that a pattern or a sweep names and that hold no file of a run.
    """

    folders: tuple[Path, ...]
    empty: tuple[Path, ...] = ()


def find_runs(names: Sequence[str], own: Path | None = None) -> FoundRuns:
    """The run folders that a user names.

    Args:
        names: Run folders, folders of them (as a sweep's), or patterns with `*`, `?` or `[...]`.
        own: The folder that the comparison itself writes; it is left out.

    Raises:
        DataError: A name that is no pattern is no run and has none below it, or a pattern matches none.
    """
    found: dict[Path, Path] = {}
    empty: dict[Path, Path] = {}
    for name in names:
        below = [(path, list(_runs(path, _DEPTH))) for path in _matches(name)]
        for path, runs in below:
            found.update((run.resolve(), run) for run in runs)
            without = [
                each for each in _children(path) if each.name.isdigit() and not list(_runs(each, _DEPTH))
            ]
            empty.update((each.resolve(), each) for each in (without if runs else [path]))
        if not any(runs for _, runs in below):
            raise DataError(
                f"stage.runs: {name} is no run folder and has none below it; name folders that stages wrote, "
                "such as runs/grpo/..., or a sweep's"
            )
    ours = own.resolve() if own is not None else None
    return FoundRuns(
        tuple(path for at, path in found.items() if at != ours),
        tuple(path for at, path in empty.items() if at not in found and at != ours),
    )


def _matches(name: str) -> list[Path]:
    if Path(name).is_dir():
        return [Path(name)]
    paths = [Path(path) for path in glob.glob(name, recursive=True)] if glob.has_magic(name) else []
    folders = sorted((path for path in paths if path.is_dir()), key=lambda path: natural(str(path)))
    if not folders:
        raise DataError(f"stage.runs: there is no folder {name}; name run folders, a sweep's or a pattern")
    return folders


def _runs(path: Path, depth: int) -> Iterator[Path]:
    """The path itself if it is a run folder, else those below it; what lies in a run is a part of it."""
    folder = RunFolder(path)
    if any(file.is_file() for file in (folder.manifest, folder.config, folder.metrics, folder.result)):
        yield path
    elif depth > 0:
        for child in _children(path):
            yield from _runs(child, depth - 1)


def _children(path: Path) -> list[Path]:
    inner = [child for child in path.iterdir() if child.is_dir() and not child.name.startswith(".")]
    return sorted(inner, key=lambda child: natural(child.name))


def natural(text: str) -> list[tuple[bool, int, str]]:
    """A key that sorts numbers in names by their size, and before letters.

    Example:
        >>> sorted(["run10", "run9"], key=natural)
        ['run9', 'run10']
    """
    parts = filter(None, re.split(r"(\d+)", text))
    return [(False, int(part), "") if part.isdecimal() else (True, 0, part) for part in parts]


def read_runs(folders: Sequence[Path]) -> list[ComparedRun]:
    """Runs with their labels, configurations and states.

    Args:
        folders: Run folders, each once; other processes may write in them.

    Raises:
        DataError: A file in one of them cannot be read.
    """
    absolute = [Path(os.path.abspath(folder)) for folder in folders]
    above = os.path.commonpath([path.parent for path in absolute]) if absolute else ""
    return [
        _read(RunFolder(folder), os.path.relpath(path, above))
        for folder, path in zip(folders, absolute, strict=True)
    ]


def _read(folder: RunFolder, label: str) -> ComparedRun:
    record = read_run(folder)
    try:
        plain = yaml.safe_load(record.config)
    except yaml.YAMLError as error:
        raise DataError(f"{folder.config} is not valid YAML: {' '.join(str(error).split())}") from error
    options = dict(_flat(plain, "")) if isinstance(plain, dict) else {}
    return ComparedRun(label, record, options, *_state(record))


def _flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        yield path, text


def _state(record: RunRecord) -> tuple[State, str]:
    if record.result is not None:
        return "finished", ""
    if is_locked(record.folder.path):
        return "running", ""
    error = _last_error(record.folder.log)
    return ("failed", error) if error else ("unfinished", "")


def _last_error(log: Path) -> str:
    """The error with which a log ends; empty where it ends otherwise, as with a signal."""
    if not log.is_file():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL))
        text = file.read().decode(errors="replace")
    records = [found.groups() for found in map(_RECORD.match, text.splitlines()) if found]
    level, said = records[-1] if records else ("", "")
    interrupted = said.isdecimal() or said in ("Interrupted", "KeyboardInterrupt")
    return (said or "an error without a message") if level == "ERROR" and not interrupted else ""
