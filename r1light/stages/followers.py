"""The processes that a run's first one has started: watched while it works, and ended with it."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from r1light.core.errors import StorageError, WorkerError
from r1light.core.run_folder import RunFolder

POLL, GRACE, FAREWELL = 0.1, 10.0, 60.0
"""Seconds: between two looks; that the first process has to notice by itself that another is gone; that the
others have to end by themselves after it."""
SIGNALLED = (130, 138, 143)
"""Exit codes of a process that a signal asked to end, and that did."""
WORDS = 5
"""Lines of a process's log that are shown when it is gone."""

_log = logging.getLogger(__name__)


class Followers:
    """The ranks after the first, each with a log of its own, `rank-1.log` and so on, in the run folder.

    As a context it ends them: it waits where the work is done, and kills where it failed. While the first
    process works, a thread looks whether they live; where one is gone and the first does not notice, as it
    waits for something else, the thread says so and ends the process.
    """

    def __init__(self, ranks: int, folder: RunFolder | None) -> None:
        """Start nothing yet.

        Args:
            ranks: All processes of the run.
            folder: The run folder; None where this is not the first process.
        """
        self._ranks = ranks
        self._folder = folder
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._gone: tuple[int, int] | None = None
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start them, each in a session of its own, as signals are the first one's to take.

        Raises:
            StorageError: If a log cannot be written.
        """
        for rank in range(1, self._ranks):
            place = {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            try:
                with self._log_of(rank).open("ab") as log:
                    self._processes[rank] = subprocess.Popen(
                        command,
                        env={**environment, **place},
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
            except OSError as error:
                self._kill()
                raise StorageError(
                    f"cannot start rank {rank} with its log {self._log_of(rank)}: {error}"
                ) from error

    def __enter__(self) -> Followers:
        if self._processes:
            self._watcher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        self._over.set()
        if kind is not None and not issubclass(kind, KeyboardInterrupt):
            self._kill()
            return
        deadline = time.monotonic() + FAREWELL  # one that was interrupted saves with the first
        try:
            for process in self._processes.values():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - time.monotonic()))
            late = [rank for rank, process in self._processes.items() if process.poll() is None]
        finally:
            self._kill()
        if kind is None and (late or (told := self.told(0.0))):
            raise WorkerError(f"rank {late[0]} did not end within {FAREWELL:g} s" if late else str(told))

    def told(self, patience: float = 2.0) -> str | None:
        """Which process is gone, how, and its last words; None where all live.

        Args:
            patience: Seconds to wait for one to be: its connections end before it does.
        """
        deadline = time.monotonic() + patience
        while not self._look() and self._processes and time.monotonic() < deadline:
            time.sleep(POLL)
        if self._gone is None:
            return None
        rank, code = self._gone
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"rank {rank} of {self._ranks} {how}{self.words([rank])}"

    def words(self, ranks: Sequence[int] | None = None) -> str:
        """The last lines of the logs of some, or all, that this process has started."""
        found = ""
        for rank in self._processes if ranks is None else ranks:
            lines = self._log_of(rank).read_text("utf-8", "replace").split("\n")
            last = [" ".join(line.split()) for line in lines if line.strip()][-WORDS:]
            found += f"; its last words in {self._log_of(rank)}: {' | '.join(last) or 'none'}"
        return found

    def _look(self) -> bool:
        """Whether one is gone that should not be; the first one seen is remembered."""
        for rank, process in self._processes.items():
            if self._gone is None and process.poll() not in (None, 0, *SIGNALLED):
                self._gone = (rank, process.returncode)
        return self._gone is not None

    def _watch(self) -> None:
        while not self._look():
            if self._over.wait(POLL):
                return
        if not self._over.wait(GRACE):
            _log.error("error: %s", self.told(0.0))
            self._kill()
            os._exit(1)  # the main thread waits inside a library, where nothing else reaches it

    def _kill(self) -> None:
        """End what still lives, with all that it has started."""
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _log_of(self, rank: int) -> Path:
        assert self._folder is not None
        return self._folder.path / f"rank-{rank}.log"
