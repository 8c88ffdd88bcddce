"""The first process of one program: starts what it is told to, one at a time, and ends all of it.

In the tier of namespaces it is process 1 of its own, so nothing survives it. It holds no test and no expected
output; the program's processes cannot signal or trace it.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from r1light.sandbox.jail import cage, child, kernel, scratch, wire

_SCRATCH_EVERY = 0.1  # seconds between looks at a scratch folder without a quota
_FIRST_FREE = 64  # above any descriptor that a child is given


def supervise(
    setup: cage.Setup, outside: kernel.Outside | None, limits: Mapping[str, Any], descriptors: list[int]
) -> NoReturn:
    """Serve one program until its socket closes.

    Args:
        setup: The launcher's setup.
        outside: What the launcher's `cage.enter` returned.
        limits: The fields of `core.sandbox.Limits`.
        descriptors: The program's socket, and a file with its source.
    """
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        sock = socket.socket(fileno=descriptors[0])
        _close_others(sock.fileno(), descriptors[1], outside.proc if outside else None)
        status = _serve(setup, outside, limits, sock, descriptors[1])
    finally:
        os._exit(status)


def _close_others(*kept: int | None) -> None:
    """The launcher's own descriptors are no business of this process."""
    previous = 2
    for descriptor in sorted(one for one in kept if one is not None):
        os.closerange(previous + 1, descriptor)
        previous = descriptor
    os.closerange(previous + 1, 1 << 20)


def _serve(
    setup: cage.Setup,
    outside: kernel.Outside | None,
    limits: Mapping[str, Any],
    sock: socket.socket,
    source: int,
) -> int:
    try:
        code = _read_all(source)
        program = _Program(cage.build(setup, outside, limits, code), sock, code)
    except OSError as error:
        wire.send(sock, {"error": error.strerror or str(error)})
        return 1
    try:
        wire.send(sock, {"ready": True})
        while (message := wire.receive(sock)) is not None:
            request, descriptors = message
            if request["op"] == "run":
                wire.send(sock, program.run(request, descriptors))
    except (BrokenPipeError, ConnectionError):
        return 0
    finally:
        program.cage.remove()
    return 0


def _read_all(descriptor: int) -> bytes:
    with open(descriptor, "rb") as file:
        file.seek(0)
        return file.read()


@dataclass(slots=True)
class _Program:
    """One program in its cage."""

    cage: cage.Cage
    sock: socket.socket
    source: bytes
    binary: bytes = b""

    def run(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Run one process to its end, and report how it ended.

        Args:
            request: `kind` (see child.KINDS), `wall` and `cpu` in seconds, and what the kind needs.
            descriptors: The child's descriptors from 0 on.
        """
        scratch.clear(self.cage.scratch)
        if request["kind"] == "binary":
            self._restore_binary()
        if request["kind"] in ("python", "binary"):
            self.cage.show_input(descriptors[0])
        gate_read, gate_write = os.pipe()
        begin = time.monotonic()
        pid = os.fork()
        if pid == 0:
            self._become(request, descriptors, gate_write)
        os.close(gate_write)
        for descriptor in descriptors:
            os.close(descriptor)
        stopped = self._watch(pid, begin + request["wall"])
        usage = self._end(pid)
        wall = time.monotonic() - begin
        locked = os.read(gate_read, 200)
        os.close(gate_read)
        error = None if locked == b"locked" else locked.decode(errors="replace") or "died before it began"
        status, cpu, memory = usage
        if request["kind"] == "compile" and status == 0:
            self._keep_binary()
        return {
            "status": status, "cpu": cpu, "wall": wall, "rss_kib": memory, "stopped": stopped, "error": error,
        }  # fmt: skip

    def _keep_binary(self) -> None:
        """Take what was compiled out of reach: a program may rewrite its file, but not for its next test."""
        try:
            with open(os.path.join(self.cage.scratch, cage.BINARY), "rb") as file:
                self.binary = file.read()
        except FileNotFoundError:
            self.binary = b""

    def _restore_binary(self) -> None:
        path = os.path.join(self.cage.scratch, cage.BINARY)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o700), "wb") as file:
            file.write(self.binary)

    def _become(self, request: dict[str, Any], descriptors: list[int], gate: int) -> NoReturn:
        """In the child: take over the descriptors, lock, and run."""
        try:
            high = [fcntl.fcntl(one, fcntl.F_DUPFD, _FIRST_FREE) for one in [*descriptors, gate]]
            gate = high.pop()
            if self.cage.rules is not None:
                self.cage.rules = fcntl.fcntl(self.cage.rules, fcntl.F_DUPFD, _FIRST_FREE)
            for number, one in enumerate(high):
                os.dup2(one, number)
                os.close(one)
            os.closerange(len(high), _FIRST_FREE)
            os.setsid()
            signal.set_wakeup_fd(-1)
            self.cage.lock(child.PROFILES[request["kind"]], request["cpu"])
            os.write(gate, b"locked")
            os.close(gate)
        except BaseException as error:
            os.write(gate, f"{type(error).__name__}: {error}".encode()[:200])
            os._exit(child.EXIT_FAILED)
        child.run(request, self.source)

    def _watch(self, pid: int, deadline: float) -> str | None:
        """Wait for the end, a deadline, a word from outside or a full scratch folder; says which."""
        process = os.pidfd_open(pid)
        poll = select.poll()
        poll.register(process, select.POLLIN)
        poll.register(self.sock, select.POLLIN)
        slice_ = 3600.0 if self.cage.tier == "namespaces" else _SCRATCH_EVERY
        try:
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    return "wall"
                ready = {descriptor for descriptor, _ in poll.poll(min(left, slice_) * 1000 + 1)}
                if process in ready:
                    return None
                if ready:
                    wire.receive(self.sock)
                    return "asked"
                if self._overfull(pid):
                    return "scratch"
        finally:
            os.close(process)

    def _overfull(self, pid: int) -> bool:
        count, size = self.cage.files(pid)
        limits = self.cage.limits
        return bool(count > limits["scratch_files"] or size > limits["scratch_mib"] << 20)

    def _end(self, pid: int) -> tuple[int, float, int]:
        """Kill what is left, reap it, and return the child's status, CPU seconds and peak memory in KiB."""
        if self.cage.tier == "namespaces":
            _kill(-1)
        else:
            _kill(-pid)
            _kill(pid)
        _, status, usage = os.wait4(pid, 0)
        while _any_left():
            for orphan in _children():
                _kill(orphan)
            time.sleep(0.001)
        return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def _any_left() -> bool:
    """Reap what has ended; whether there are more children."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            continue
    except ChildProcessError:
        return False
    return True


def _children() -> list[int]:
    """Processes that a compiler or an unconfined program left behind, by now this one's children."""
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    parent = int(file.read().rpartition(b")")[2].split()[1])
            except OSError:
                continue
            if parent == os.getpid():
                found.append(int(name))
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
