"""One process a run folder: a lock that the system frees when its process dies, however it dies.

The lock is a POSIX record lock on `.lock` in the folder. Forked workers do not inherit it, so a run that
was killed does not stay locked by a worker that outlived it.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

from r1light.core.errors import StorageError

LOCK_NAME = ".lock"


class FolderLock:
    """The right to write in a run folder, held until `release` or the end of the process.

    A process can take a folder that it has taken already: the lock keeps other processes out.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the folder, creating it if need be; False where another live process has it.

        Raises:
            StorageError: If the folder cannot be written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StorageError(f"cannot write in {self.folder}: {error.strerror}") from error
        if not _try_lock(descriptor):
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the folder back. May be called twice."""
        # The file stays: unlinking it could leave two processes with a lock on two files of one name.
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def discard(self, beside: Collection[str] = ()) -> None:
        """Give the folder back and remove it, if nothing but files of the names `beside` stands in it."""
        names = set(os.listdir(self.folder))
        if names <= {LOCK_NAME, *beside}:
            for name in names:
                (self.folder / name).unlink()
            self.folder.rmdir()
        self.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_locked(folder: Path) -> bool:
    """Whether another live process holds the folder. Not for a folder that this process itself holds."""
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)


def holder(folder: Path) -> str:
    """Who holds or last held the folder, such as "process 12 on node1"."""
    try:
        return (folder / LOCK_NAME).read_text().strip() or "another process"
    except OSError:
        return "another process"


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
