"""A file of rows that grows batch by batch, and can be gone on with wherever its process died.

Beside the output stands `<output>.state.json`, written atomically after each batch: how many rows are done,
how many bytes of the input and the output they are, and the hashes of both. What stands in the output behind
those bytes is a batch that was cut short; it is dropped and written again. So no row is lost or doubled.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from r1light.core.errors import DataError, ResumeError, StorageError
from r1light.core.run_folder import write_json

_CHUNK = 1 << 20
_OTHERWISE = "choose another output, or start over with resume=none"


@dataclass(frozen=True, slots=True)
class Commit:
    """How far the work has come.

    Attributes:
        lines: Lines of the input done.
        input_bytes: The bytes of the input that they are.
        input_sha256: Their hash.
        output_bytes: The bytes of the output that they are.
        output_sha256: Their hash.
        setup: What the rows were made with, as dotted key to value.
        progress: What else is to be gone on with.
    """

    lines: int = 0
    input_bytes: int = 0
    input_sha256: str = field(default_factory=lambda: hashlib.sha256().hexdigest())
    output_bytes: int = 0
    output_sha256: str = field(default_factory=lambda: hashlib.sha256().hexdigest())
    setup: Mapping[str, Any] = field(default_factory=dict)
    progress: Mapping[str, Any] = field(default_factory=dict)


class CommittedOutput:
    """The output, the input that it is made from, and the state beside it; made by `open_output`."""

    def __init__(self, source: BinaryIO, sink: BinaryIO, state: Path, last: Commit) -> None:
        self.last = last
        self._source, self._sink, self._state = source, sink, state
        self._read, self._written = _digest(source, last.input_bytes), _digest(sink, last.output_bytes)
        self._check()
        self._sink.truncate(last.output_bytes)
        write_json(state, asdict(last))

    def _check(self) -> None:
        """Refuse to go on where that would mix two different files.

        Raises:
            ResumeError: Says which of the two files is another one.
        """
        if self._read.hexdigest() != self.last.input_sha256:
            raise ResumeError(
                f"the first {self.last.lines} lines of {self._source.name} are not those that "
                f"{self._sink.name} was made from; {_OTHERWISE}"
            )
        if self._written.hexdigest() != self.last.output_sha256:
            raise ResumeError(f"{self._sink.name} was changed after it was written; {_OTHERWISE}")

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines of the input that are not done yet, with their numbers from 1; empty ones too."""
        yield from enumerate(self._source, start=self.last.lines + 1)

    def commit(self, read: bytes, written: bytes, lines: int, progress: Mapping[str, Any]) -> None:
        """Append one batch, and note it down once it is on the disk.

        Args:
            read: The bytes of the input that it was made from.
            written: What to append.
            lines: Lines of the input that it was made from.
            progress: What is to be gone on with after it.

        Raises:
            StorageError: It cannot be written.
        """
        self._read.update(read)
        self._written.update(written)
        try:
            left = memoryview(written)
            while left:
                left = left[self._sink.write(left) :]
            os.fsync(self._sink.fileno())
        except OSError as error:
            raise StorageError(f"cannot write {self._sink.name}: {error.strerror or error}") from error
        self.last = Commit(
            self.last.lines + lines,
            self.last.input_bytes + len(read),
            self._read.hexdigest(),
            self.last.output_bytes + len(written),
            self._written.hexdigest(),
            self.last.setup,
            progress,
        )
        write_json(self._state, asdict(self.last))


@contextmanager
def open_output(
    source: Path, output: Path, setup: Mapping[str, Any], *, afresh: bool
) -> Iterator[CommittedOutput]:
    """Open an output to go on with it, or to begin it.

    Args:
        source: The input.
        output: The output; its folder is made.
        setup: What rows are made with, as dotted key to value; another one is refused.
        afresh: Move an earlier output aside rather than go on with it.

    Raises:
        DataError: The input cannot be read.
        ResumeError: The output belongs to another input or setup, was changed, or is being written.
        StorageError: It cannot be written.
    """
    state = output.with_name(f"{output.name}.state.json")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        if afresh:
            _move_aside(output, state)
        output.touch()
        # The only one: closing another of the same file would free the lock. It has no buffer: after a write
        # that failed, closing would write what is left in one, and fail in its turn.
        sink = output.open("r+b", buffering=0)
    except OSError as error:
        raise StorageError(f"cannot write {output}: {error.strerror or error}") from error
    with sink, _opened(source) as file:
        try:
            fcntl.lockf(sink, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ResumeError(f"{output} is being written by another process; end that one first") from error
        for stale in output.parent.glob(f".{state.name}.*.tmp"):  # of a process that was killed
            stale.unlink(missing_ok=True)
        yield CommittedOutput(file, sink, state, _begin(_load(state), sink, setup))


def _opened(source: Path) -> BinaryIO:
    try:
        return source.open("rb")
    except OSError as error:
        raise DataError(f"cannot read {source}: {error.strerror or error}") from error


def has_rows(folder: Path) -> bool:
    """Whether outputs in a folder can be gone on with; a stage removes their states when it has finished."""
    return any(folder.glob("*.jsonl.state.json"))


def count_lines(path: Path) -> int:
    """The lines of a file, the last one with or without its end."""
    count, last = 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            count += chunk.count(b"\n")
            last = chunk[-1:]
    return count + (last != b"\n")


def _load(state: Path) -> Commit | None:
    if not state.exists():
        return None
    try:
        return Commit(**json.loads(state.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ResumeError(f"{state} cannot be read: {error}; {_OTHERWISE}") from error


def _begin(last: Commit | None, sink: BinaryIO, setup: Mapping[str, Any]) -> Commit:
    """The state to go on from, or that of a beginning.

    Raises:
        ResumeError: The output was made with another setup, or it is no output of ours.
    """
    if last is None and os.fstat(sink.fileno()).st_size:
        raise ResumeError(f"{sink.name} exists, with no state beside it to go on from; {_OTHERWISE}")
    if last is None or not last.lines:
        return Commit(setup=setup)
    differing = [key for key in sorted({*last.setup, *setup}) if last.setup.get(key) != setup.get(key)]
    for key in differing:
        raise ResumeError(
            f"{sink.name} was begun with another configuration: {key} is {last.setup.get(key)!r} there and "
            f"{setup.get(key)!r} here; {_OTHERWISE}"
        )
    return last


def _digest(file: BinaryIO, size: int) -> Any:
    """The hash of a file's first bytes; the file then stands behind them."""
    digest = hashlib.sha256()
    file.seek(0)
    while size > 0 and (chunk := file.read(min(_CHUNK, size))):
        digest.update(chunk)
        size -= len(chunk)
    return digest


def _move_aside(output: Path, state: Path) -> None:
    number = 1
    while output.with_name(f"{output.name}.old-{number}").exists():
        number += 1
    for path in (output, state):
        if path.exists():
            path.rename(path.with_name(f"{path.name}.old-{number}"))
