"""The folder a stage writes: what stands where, and writing so that a crash cannot halve a file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from r1light.core.errors import StorageError

_ASIDE = re.compile(r"\..+\.([1-9]\d*)\.tmp")  # a file's name, and the process that writes it


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a stage hands on: numbers, and where its products lie.

    Attributes:
        stage: The stage's name.
        metrics: Name to number, as in result.json.
        outputs: Name to path, such as {"model": ".../model"}.
    """

    stage: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)


Listener = Callable[[Path, Sequence[Mapping[str, Any]]], None]
"""Is told of the rows that were appended to a file of the folder."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder and the fixed names in it.

    Attributes:
        path: The folder.
        listener: Told of the rows that `append` has written.
    """

    path: Path
    listener: Listener | None = field(default=None, compare=False, repr=False)

    @property
    def config(self) -> Path:
        """The resolved configuration, secrets masked."""
        return self.path / "config.yaml"

    @property
    def manifest(self) -> Path:
        """Versions, git revision, seeds, hardware, wall time."""
        return self.path / "manifest.json"

    @property
    def metrics(self) -> Path:
        """One JSON object an iteration (and an evaluation)."""
        return self.path / "metrics.jsonl"

    @property
    def samples(self) -> Path:
        """Sampled completions with their scores."""
        return self.path / "samples.jsonl"

    @property
    def tasks(self) -> Path:
        """The titles of an evaluation's tasks, and the figures that they are known by."""
        return self.path / "tasks.json"

    @property
    def checkpoints(self) -> Path:
        """What a run resumes from."""
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """The trained model, a plain Hugging Face directory."""
        return self.path / "model"

    @property
    def result(self) -> Path:
        """The stage's result; written last, so a folder that has it is finished."""
        return self.path / "result.json"

    @property
    def report(self) -> Path:
        """The self-contained HTML page."""
        return self.path / "report.html"

    @property
    def log(self) -> Path:
        """What the run said."""
        return self.path / "r1light.log"

    def append(self, path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append rows to metrics.jsonl or samples.jsonl, and tell the listener.

        Raises:
            StorageError: If they cannot be written.
        """
        append_jsonl(path, rows)
        if self.listener is not None:
            self.listener(path, rows)

    def save_result(self, result: StageResult) -> None:
        """Write result.json."""
        write_json(self.result, asdict(result))


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file aside, sync it, and rename it into place: readers see the old one or the new, whole.

    Raises:
        StorageError: If it cannot be written (a full disk); the old file is unharmed.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error


def remove_stale(folder: Path) -> None:
    """Remove what `write_atomic` had set aside in a folder when its process was killed.

    What a live process of this machine writes, such as a report of the folder, stays.
    """
    for path in folder.glob(".*.tmp"):
        found = _ASIDE.fullmatch(path.name)
        if found is not None and not _is_alive(int(found[1])):
            path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # another user's
    return True


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, atomically.

    Raises:
        StorageError: If it cannot be written.
    """
    write_atomic(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def append_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append rows to a JSON-lines file in one write.

    Raises:
        StorageError: If they cannot be written.
    """
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSON-lines file; a last line that a crash cut short is left out."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)


def keep_rows(path: Path, iteration: int) -> None:
    """Drop the rows that a run resumed after `iteration` writes again.

    Those are the rows of later iterations, and the samples that were drawn when the run had ended.
    """
    if not path.exists():
        return
    kept = [
        row
        for row in read_jsonl(path)
        if row.get("iteration", 0) <= iteration and row.get("phase") != "after"
    ]
    write_atomic(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept).encode())
