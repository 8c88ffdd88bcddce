"""One step's process: started, watched, and ended so that it saves; it does not outlive the pipeline."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from r1light.core.errors import WorkerError

END_SECONDS = 120.0
"""What a process may take to save and end when it is asked to; then it is killed."""

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


class StepProcess:
    """A command in a process group of its own, whose output goes to a file."""

    def __init__(self, command: Sequence[str], output: Path, env: Mapping[str, str], seconds: float) -> None:
        """Start it.

        Args:
            command: The program and its arguments.
            output: The file that its stdout and stderr are appended to.
            env: Its environment.
            seconds: After so long `poll` ends it.

        Raises:
            WorkerError: It cannot be started.
        """
        self.output = output
        self._name = " ".join(command[:3])
        self._seconds = seconds
        self._start = time.monotonic()
        try:
            with output.open("ab") as file:
                self._process = subprocess.Popen(
                    list(command),
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    env=dict(env),
                    start_new_session=True,  # a Ctrl-C of the terminal comes once, from us, as SIGTERM
                    preexec_fn=_ending_with(os.getpid()),
                )
        except (OSError, subprocess.SubprocessError) as error:
            raise WorkerError(f"cannot start {self._name}: {error}") from error

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self._start

    def poll(self) -> int | None:
        """Its exit code, a negative signal number where one ended it; None while it runs.

        Raises:
            WorkerError: It ran past its deadline, and was ended.
        """
        code = self._process.poll()
        if code is None and self.seconds > self._seconds:
            self.terminate()
            self.wait(END_SECONDS)
            raise WorkerError(
                f"it ran for more than {self._seconds / 3600:g} hours, its deadline, and was ended"
            )
        return code

    def terminate(self) -> None:
        """Ask it to save and end."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> None:
        """Wait for its end; kill it, and those it started, if that takes longer than `seconds`."""
        try:
            self._process.wait(max(seconds, 0.0))
        except BaseException as error:
            self.kill()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise

    def kill(self) -> None:
        """End it at once, and those it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def end_all(processes: Sequence[StepProcess], seconds: float = END_SECONDS) -> None:
    """Ask several to save and end, all at once, and wait for them; a second signal kills them."""
    deadline = time.monotonic() + seconds
    for process in processes:
        process.terminate()
    try:
        for process in processes:
            process.wait(deadline - time.monotonic())
    except BaseException:
        for process in processes:
            process.kill()
        raise


def _ending_with(parent: int) -> Callable[[], None] | None:
    """What makes a child be told to end when its parent dies, however that dies; None off Linux."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:  # it died before that
            os._exit(1)

    return tie
