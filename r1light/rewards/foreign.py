"""A reward function written for another trainer, called in a process of its own that can be killed."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import selectors
import signal
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r1light.core.errors import ConfigError, RewardError, WorkerError
from r1light.core.types import Score
from r1light.graders.worker_process import WorkerProcess
from r1light.rewards.foreign_worker import descendants

MAX_LATE = 3
"""Calls in a row that may run into the deadline before the run is ended."""

_STACK_SECONDS = 1.0
_STACK_LINES = 12
_SHOWN_FRAMES = 3

_log = logging.getLogger(__name__)


class FunctionError(RuntimeError):
    """A reward function raised; the traceback of its process is a note."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one call returned: a value (None for an abstention) and a detail a completion."""

    values: tuple[float | None, ...]
    details: tuple[str, ...]

    def scores(self) -> list[Score]:
        """As scores; numbers that are not finite are left for the mix to refuse."""
        return [
            Score.abstain(detail) if value is None else Score.ok(value, detail)
            for value, detail in zip(self.values, self.details, strict=True)
        ]


def check_reference(function: str) -> None:
    """Refuse what is not `module:function` or `file.py:function`.

    Raises:
        ValueError: If it is neither.
    """
    place, colon, name = function.rpartition(":")
    if not (place and colon and all(part.isidentifier() for part in name.split("."))):
        raise ValueError(f"function={function!r} must be module:function or file.py:function")


class _DiedError(WorkerError):
    """The function's process is gone."""


class ForeignFunction:
    """One function in one process, started when it is built and again after it was killed.

    The process is killed, with all that it started, when a call is not answered in time; the stack where it
    hung is in the error. After MAX_LATE such calls in a row the run is ended.
    """

    def __init__(self, function: str, deadline_seconds: float, startup_seconds: float) -> None:
        """Start the process and load the function.

        Raises:
            ConfigError: If there is no such file, or the function does not load, or not in time; one line.
        """
        self.function = function
        self.deadline_seconds = deadline_seconds
        self.startup_seconds = startup_seconds
        self._late = 0
        self._workers: list[WorkerProcess] = []
        self._stack = tempfile.NamedTemporaryFile("r", suffix=".stack")  # noqa: SIM115 - closed by close()
        self._finalizer = weakref.finalize(self, _kill_all, self._workers, os.getpid())
        place = function.rpartition(":")[0]
        if place.endswith(".py") and not Path(place).is_file():
            raise ConfigError(f"function={function!r}: there is no file {Path(place).absolute()}")
        self._start()

    @property
    def pid(self) -> int | None:
        """The process's id, or None when it does not run."""
        return self._workers[0].pid if self._workers else None

    def call(self, request: Mapping[str, Any]) -> Result:
        """Call the function once; once more in a new process where the first one died.

        Raises:
            FunctionError: If it raised.
            WorkerError: If it was killed at its deadline, or its process died twice.
            RewardError: If it has run into the deadline MAX_LATE times in a row.
        """
        try:
            return self._call(request)
        except _DiedError as error:
            _log.warning("%s; asked again in a new one", error)
            return self._call(request)

    def _call(self, request: Mapping[str, Any]) -> Result:
        worker = self._workers[0] if self._workers else self._start()
        try:
            worker.hand(0, json.dumps(request), self.deadline_seconds)
            reply = self._reply(worker)
        except BaseException:  # an interrupt too: a late reply would be taken for the next call's
            if worker in self._workers:
                self._kill(worker)
            raise
        worker.finish()
        self._late = 0
        if reply.get("printed"):
            _log.debug("%s printed: %s", self.function, reply["printed"])
        if "error" in reply:
            error = FunctionError(f"{self.function} raised {reply['error']}")
            error.add_note(reply["traceback"])
            raise error
        return Result(tuple(reply["values"]), tuple(reply["details"]))

    def close(self) -> None:
        """Kill the process."""
        _kill_all(self._workers, os.getpid())
        self._stack.close()

    def _start(self) -> WorkerProcess:
        script = str(Path(__file__).with_name("foreign_worker.py"))
        backstop = str(2 * self.deadline_seconds + 60)
        # -P: the script's own folder has modules whose names are those of other packages, such as trl
        command = (sys.executable, "-P", script, self.function, self._stack.name, backstop)
        worker = WorkerProcess(command, self.startup_seconds)
        self._workers.append(worker)
        try:
            reply = self._reply(worker)
        except WorkerError as error:
            self.close()
            raise ConfigError(f"function={self.function!r} does not load: {error}") from error
        if "error" in reply:
            self.close()
            raise ConfigError(f"function={self.function!r} does not load: {reply['error']}")
        worker.due = None
        return worker

    def _reply(self, worker: WorkerProcess) -> dict[str, Any]:
        """Wait for the next line."""
        while True:
            left = (worker.due or 0.0) - time.monotonic()
            if left <= 0:
                raise self._too_late(worker)
            with selectors.DefaultSelector() as selector:
                worker.register(selector)
                selector.select(left)
            worker.send()
            lines = worker.receive()
            if lines is None:
                raise _DiedError(f"the process of {self.function} died: {self._kill(worker)}")
            if lines:
                reply: dict[str, Any] = json.loads(lines[0])
                return reply

    def _too_late(self, worker: WorkerProcess) -> Exception:
        """Kill a worker that is late, and say where it was."""
        stack = self._where(worker)
        self._kill(worker)
        if worker.job is None:
            return WorkerError(
                f"it was not loaded after {self.startup_seconds:g} s, the most that startup_seconds allows; "
                f"it hung in {_shown(stack)}"
            )
        self._late += 1
        line = f"{self.function} was killed at its deadline of {self.deadline_seconds:g} s"
        if self._late < MAX_LATE:
            error: Exception = WorkerError(line)
        else:
            error = RewardError(f"{line}, {self._late} times in a row; it hung in {_shown(stack)}")
        error.add_note(f"where it hung:\n{stack}")
        return error

    def _where(self, worker: WorkerProcess) -> str:
        """The worker's stack, innermost frame first; faulthandler writes it without the interpreter."""
        os.truncate(self._stack.name, 0)
        os.kill(worker.pid, signal.SIGUSR1)
        until = time.monotonic() + _STACK_SECONDS
        text = ""
        while time.monotonic() < until and "in <module>" not in text:
            time.sleep(0.02)
            text = Path(self._stack.name).read_text(errors="replace").replace("\0", "")
        return "\n".join(text.splitlines()[1 : _STACK_LINES + 1]) or "an unknown place"

    def _kill(self, worker: WorkerProcess) -> str:
        self._workers.remove(worker)
        return _kill(worker)


def _shown(stack: str) -> str:
    """The innermost frames of a stack, on one line."""
    return " < ".join(line.strip() for line in stack.splitlines()[:_SHOWN_FRAMES])


def _kill(worker: WorkerProcess) -> str:
    """Kill a worker and all below it, whatever sessions they have; returns its last words."""
    below = descendants(worker.pid)
    with contextlib.suppress(ProcessLookupError):  # it is gone already, and was alone
        os.killpg(worker.pid, signal.SIGKILL)
    for pid in below:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return worker.kill()


def _kill_all(workers: list[WorkerProcess], owner: int) -> None:
    """Kill and reap; a forked child leaves its parent's workers alone."""
    while workers and owner == os.getpid():
        _kill(workers.pop())
