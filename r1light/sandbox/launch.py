"""Starting a fork server, and talking to it and to the programs that it starts."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from r1light.core.sandbox import Limits
from r1light.sandbox.jail import scratch, wire

START_SECONDS = 30.0
"""How long a fork server, or a program's supervisor, may take to be ready."""

END_SECONDS = 10.0
"""How long a fork server may take to go."""

_JAIL = Path(__file__).resolve().parent / "jail"
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "LANG": "C.UTF-8"}  # all that any program can see

LocalTier = Literal["namespaces", "landlock", "unsafe"]


class SandboxFaultError(Exception):
    """The sandbox failed, not the program."""


@dataclass(frozen=True, slots=True)
class Report:
    """How one process ended.

    Attributes:
        status: Its exit status, or minus the signal that killed it.
        cpu: CPU seconds of it and what it started.
        wall: Seconds from fork to end.
        rss_kib: Peak resident memory, in KiB.
        stopped: Why it was killed: "wall", "asked" or "scratch"; None if it was not.
        error: Why it did not begin, or None.
    """

    status: int
    cpu: float
    wall: float
    rss_kib: int
    stopped: str | None
    error: str | None


class Launcher:
    """One fork server. Safe to use from several threads."""

    def __init__(self, tier: LocalTier, executable: str) -> None:
        """Start it and wait until it is ready.

        Raises:
            SandboxFaultError: If it cannot start or cannot confine itself; says why.
        """
        self._base = tempfile.mkdtemp(prefix="r1light-sandbox-")
        self._numbers = itertools.count()
        self._owner = os.getpid()
        self._closed = threading.Lock()
        self._hung_up = False
        self.python = ""
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [executable, "-s", "-S", "-B", "-P", str(_JAIL), str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._errors,
                    env=_ENVIRONMENT,
                    cwd="/",
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # an interrupt at the terminal is for the parent to handle
                )
        except OSError as error:
            self._control.close()
            self._errors.close()
            os.rmdir(self._base)
            raise SandboxFaultError(f"cannot start {executable}: {error.strerror}") from error
        self._await_ready({"tier": tier, "base": self._base})

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def _await_ready(self, setup: dict[str, Any]) -> None:
        try:
            wire.send(self._control, setup)
            reply = _receive(self._control, time.monotonic() + START_SECONDS)
        except (SandboxFaultError, OSError) as error:
            reply = {"error": f"{error}{self._last_words()}"}
        if "error" in reply:
            self.close()
            raise SandboxFaultError(str(reply["error"]))
        self.python = reply["python"]

    def _last_words(self) -> str:
        self._errors.seek(0)
        text = self._errors.read().decode(errors="replace").strip().splitlines()
        return f" ({text[-1][:300]})" if text else ""

    def start(self, source: bytes, limits: Limits) -> Session:
        """Start the supervisor of a program and wait until it is ready.

        Raises:
            SandboxFaultError: If the fork server is gone, or the supervisor did not come up.
        """
        number = next(self._numbers)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        memory = memory_file(source)
        try:
            request = {"op": "start", "id": number, "limits": asdict(limits)}
            wire.send(self._control, request, (theirs.fileno(), memory))
        except OSError as error:
            self._hung_up = True
            ours.close()
            raise SandboxFaultError(f"the fork server is gone: {error}{self._last_words()}") from error
        finally:
            theirs.close()
            os.close(memory)
        session = Session(self, number, ours)
        try:
            reply = _receive(ours, time.monotonic() + START_SECONDS)
        except SandboxFaultError:
            session.close()
            raise
        if "error" in reply:
            session.close()
            raise SandboxFaultError(str(reply["error"]))
        return session

    def gone(self) -> bool:
        """Whether it has ended, or is about to: a killed one hangs up before its processes are gone."""
        return self._hung_up or self._process.poll() is not None

    def kill(self, number: int) -> None:
        """Kill a program's supervisor, and so the program."""
        try:
            wire.send(self._control, {"op": "kill", "id": number})
        except OSError:
            self._hung_up = True  # and its programs are gone with it

    def close(self) -> None:
        """End it, its programs and their files. May be called twice; does nothing in a forked child."""
        if self._owner != os.getpid() or not self._closed.acquire(blocking=False):
            return
        _shut(self._control)
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()
        scratch.clear(self._base)
        os.rmdir(self._base)


class Session:
    """One program in its cage: runs processes of it, one at a time."""

    def __init__(self, launcher: Launcher, number: int, sock: socket.socket) -> None:
        self._launcher, self._number, self._sock = launcher, number, sock
        self.report: Report | None = None

    def fileno(self) -> int:
        """The socket's descriptor, readable when a report is there."""
        return self._sock.fileno()

    def begin(self, request: dict[str, Any], descriptors: Sequence[int]) -> None:
        """Start a process with these descriptors, from 0 on; the caller's copies stay open.

        Raises:
            SandboxFaultError: If the supervisor is gone.
        """
        self.report = None
        try:
            wire.send(self._sock, {"op": "run", **request}, tuple(descriptors))
        except OSError as error:
            raise SandboxFaultError("a program's supervisor is gone") from error

    def stop(self) -> None:
        """Have the process killed; its report follows."""
        try:
            wire.send(self._sock, {"op": "stop"})
        except OSError:
            return  # it shows when the report is awaited

    def collect(self, deadline: float) -> Report:
        """The report on the process, waited for until a monotonic time.

        Raises:
            SandboxFaultError: If none comes.
        """
        if self.report is None:
            self.report = Report(**_receive(self._sock, deadline))
        return self.report

    def close(self) -> None:
        """End the program, whatever it is doing."""
        self._launcher.kill(self._number)
        _shut(self._sock)


def _receive(sock: socket.socket, deadline: float) -> dict[str, Any]:
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise SandboxFaultError("another process did not answer in time")
    received = wire.receive(sock)
    if received is None:
        raise SandboxFaultError("another process ended unexpectedly")
    return received[0]


def _shut(sock: socket.socket) -> None:
    """Close for the other side too, even where a forked child holds a copy."""
    with contextlib.suppress(OSError):  # it may be closed already
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def memory_file(data: bytes) -> int:
    """A descriptor of a file in memory, at its beginning, that only reads."""
    writable = os.memfd_create("r1light")
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(writable, view) :]
        return os.open(f"/proc/self/fd/{writable}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(writable)


def interpreters() -> list[str]:
    """Interpreters that can run a fork server, the one that runs this first."""
    own = getattr(sys, "_base_executable", "") or sys.executable
    others = ["/usr/bin/python3", "/usr/local/bin/python3"]
    return list(dict.fromkeys([own, *(path for path in others if os.access(path, os.X_OK))]))
