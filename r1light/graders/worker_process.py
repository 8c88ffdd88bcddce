"""One worker process of a pool: its pipes, its request and its deadline."""

from __future__ import annotations

import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Sequence

REAP_SECONDS = 10.0
"""How long a killed process may take to go."""

_ERROR_CHARS = 500


class WorkerProcess:
    """A process in a session of its own, with pipes that never block its parent.

    Attributes:
        ready: Whether it has said that it can start.
        job: The index of its request, or None when idle.
        due: The monotonic time by which its next line must come, or None when nothing is expected.
        note: The last note of its request.
        served: Requests answered.
    """

    __slots__ = ("_errors", "_inbox", "_outbox", "_process", "due", "job", "note", "ready", "served")

    def __init__(self, command: Sequence[str], startup_seconds: float) -> None:
        """Start it.

        Raises:
            OSError: If it cannot be started.
        """
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - a pipe could fill up and block the worker
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
                start_new_session=True,  # an interrupt at the terminal is for the parent to handle
                env=os.environ | {"PYTHONHASHSEED": "0"},  # the order of sets decides some comparisons
            )
        except OSError:
            self._errors.close()
            raise
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        self._inbox, self._outbox = b"", b""
        self.ready, self.served, self.note = False, 0, ""
        self.job: int | None = None
        self.due: float | None = time.monotonic() + startup_seconds

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def hand(self, job: int, request: str, seconds: float) -> None:
        """Give it a request, to be answered within so many seconds from now."""
        self.job, self.note = job, ""
        self.due = time.monotonic() + seconds
        self._outbox = request.encode() + b"\n"
        self.send()

    def finish(self) -> int:
        """Free it of its request; returns the request's index."""
        assert self.job is not None
        job, self.job, self.due = self.job, None, None
        self.served += 1
        return job

    def send(self) -> None:
        """Write as much of the request as the pipe takes."""
        assert self._process.stdin is not None
        try:
            while self._outbox:
                self._outbox = self._outbox[os.write(self._process.stdin.fileno(), self._outbox) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._outbox = b""  # it is dying: its end shows on the other pipe, or at the deadline

    def receive(self) -> list[str] | None:
        """The whole lines it has written, or None when it has closed its end."""
        assert self._process.stdout is not None
        try:
            data = os.read(self._process.stdout.fileno(), 65536)
        except BlockingIOError:
            return []
        if not data:
            return None
        *lines, self._inbox = (self._inbox + data).split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def register(self, selector: selectors.BaseSelector) -> None:
        """Have the selector report its lines, its end, and room for the rest of its request."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        selector.register(self._process.stdout, selectors.EVENT_READ, self)
        if self._outbox:
            selector.register(self._process.stdin, selectors.EVENT_WRITE, self)

    def kill(self) -> str:
        """End it and reap it; returns the end of what it wrote to its standard error."""
        self._process.kill()
        self._process.wait(REAP_SECONDS)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._errors.seek(0)
        text = self._errors.read().decode(errors="replace").strip()
        self._errors.close()
        return text[-_ERROR_CHARS:] or f"exit status {self._process.returncode}"
