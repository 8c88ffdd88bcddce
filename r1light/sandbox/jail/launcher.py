"""A fork server: starts small, confines itself, and forks a supervisor for each program.

It never reads code, tests, inputs or outputs: they go past it as descriptors. Two of them serve a sandbox,
one for programs and one for the tests of functions, so that no program descends from a process that has held
a test. It ends when its socket closes or its parent is gone.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import socket
import sys
from typing import Any, NoReturn

from r1light.sandbox.jail import cage, kernel, scratch, supervisor, wire

_PRELOADED = (
    "abc", "array", "bisect", "builtins", "calendar", "cmath", "collections", "contextlib", "copy",
    "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "heapq", "inspect", "io",
    "itertools", "json", "math", "numbers", "operator", "os", "queue", "random", "re", "statistics", "string",
    "struct", "sys", "textwrap", "threading", "time", "traceback", "types", "typing", "unicodedata",
)  # fmt: skip


def main(descriptor: int) -> NoReturn:
    """Serve until the other side closes.

    Args:
        descriptor: A SEQPACKET socket. The first message is a Setup; the reply says "ready" or why not.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.umask(0o077)
    parent = os.pidfd_open(os.getppid())
    control = socket.socket(fileno=descriptor)
    control.set_inheritable(False)
    first = wire.receive(control)
    if first is None:
        os._exit(0)
    setup = cage.Setup(**first[0])
    for name in _PRELOADED:
        importlib.import_module(name)
    try:
        outside = cage.enter(setup)
    except OSError as error:
        wire.send(control, {"error": error.strerror or str(error)})
        os._exit(1)
    sys.setrecursionlimit(1000)
    kernel.share_memory_arenas()
    gc.collect()
    gc.freeze()  # forks do not touch, and so do not copy, what is here already
    wire.send(control, {"ready": True, "python": sys.version.split()[0]})
    _Server(setup, outside, control, parent).serve()


def _ignore(*_: object) -> None:
    """A handler, as an ignored SIGCHLD would wake nobody."""


class _Server:
    """The loop: starts programs, ends them when asked, and reaps them."""

    def __init__(
        self, setup: cage.Setup, outside: kernel.Outside | None, control: socket.socket, parent: int
    ) -> None:
        self.setup, self.outside, self.control, self.parent = setup, outside, control, parent
        self.programs: dict[int, int] = {}  # the caller's number of a program to its supervisor's process id

    def serve(self) -> NoReturn:
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _ignore)
        poll = select.poll()
        for descriptor in (self.control.fileno(), self.parent, wake_read):
            poll.register(descriptor, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if wake_read in ready:
                os.read(wake_read, 4096)
                self._reap()
            if self.parent in ready or (self.control.fileno() in ready and not self._obey()):
                self._end()

    def _obey(self) -> bool:
        """Carry out one message; False when there will be no more."""
        message = wire.receive(self.control)
        if message is None:
            return False
        request, descriptors = message
        if request["op"] == "start":
            self._start(request, descriptors)
        elif request["id"] in self.programs:
            os.kill(self.programs[request["id"]], signal.SIGKILL)
        return True

    def _start(self, request: dict[str, Any], descriptors: list[int]) -> None:
        try:
            pid = self._fork()
        except OSError as error:
            with socket.socket(fileno=descriptors[0]) as sock:
                wire.send(sock, {"error": error.strerror or str(error)})
            os.close(descriptors[1])
            return
        if pid == 0:
            supervisor.supervise(self.setup, self.outside, request["limits"], descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        self.programs[request["id"]] = pid

    def _fork(self) -> int:
        if self.setup.tier != "namespaces":
            return os.fork()
        return kernel.clone(kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID | kernel.CLONE_NEWNS)

    def _reap(self) -> None:
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._clear(str(pid))
            self.programs = {number: one for number, one in self.programs.items() if one != pid}

    def _clear(self, name: str) -> None:
        """Delete a scratch folder that a killed supervisor left."""
        folder = os.path.join(self.setup.base, name)
        if self.setup.tier != "namespaces" and os.path.isdir(folder):
            scratch.clear(folder)
            os.rmdir(folder)

    def _end(self) -> NoReturn:
        """Wait for what is closing by itself, kill the rest, and go."""
        signal.signal(signal.SIGALRM, self._kill_all)
        signal.setitimer(signal.ITIMER_REAL, 2.0, 0.2)
        while True:
            try:
                self._clear(str(os.wait()[0]))
            except ChildProcessError:
                os._exit(0)

    def _kill_all(self, *_: object) -> None:
        for pid in self.programs.values():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
