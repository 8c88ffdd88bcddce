"""One vLLM server: asked, given weights, and started again where this run started it."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import r1light
from r1light.core.errors import EngineError, WorkerError
from r1light.core.lifeline import PARENT_VARIABLE
from r1light.rollout.vllm.backend import Ask, Drawn
from r1light.rollout.vllm.client import Client, Unanswered
from r1light.rollout.vllm.guard import MIDDLEWARE, WEIGHTS_VARIABLE
from r1light.rollout.vllm.process import VllmServer, command
from r1light.rollout.vllm.worker_extension import EXTENSION

HOST = "127.0.0.1"
QUIET = ("--disable-uvicorn-access-log", "--disable-log-stats")
"""A run of a week must not fill its log."""
POLL_SECONDS = 0.2
CLOSE_SECONDS = 10.0
"""What a server may take to end by itself."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for what, in wall-clock seconds; see `Vllm.Config`."""

    start: float
    request: float
    retry: float
    max_restarts: int


class Launch:
    """Starts a server on the loopback, with a key that only this process and the server know."""

    def __init__(self, directory: Path, name: str, arguments: Sequence[str]) -> None:
        """Take what to run.

        Args:
            directory: Holds the model's config.json; the server's log goes there.
            name: The log's.
            arguments: Options of vLLM's server.
        """
        self._directory, self._name, self._arguments = directory, name, arguments

    def __call__(self) -> tuple[VllmServer, Client, int]:
        """A new process, where to ask it, and its port; it takes a while until it answers."""
        with socket.create_server((HOST, 0)) as free:
            port: int = free.getsockname()[1]
        key = secrets.token_urlsafe(32)
        folder = str(Path(r1light.__file__).parents[1])
        paths = [folder, *filter(None, [os.environ.get("PYTHONPATH")])]
        env = {
            "VLLM_SERVER_DEV_MODE": "1",  # has the paths by which weights come
            "VLLM_CPU_OMP_THREADS_BIND": os.environ.get("VLLM_CPU_OMP_THREADS_BIND", "nobind"),
            "PYTHONPATH": os.pathsep.join(paths),
            PARENT_VARIABLE: str(os.getpid()),
            WEIGHTS_VARIABLE: str(self._directory),
        }
        words = command(str(self._directory), "policy", HOST, port, self._arguments)
        process = VllmServer(words, key, env=env, log=self._directory / f"{self._name}.log")
        return process, Client(f"http://{HOST}:{port}", key), port


def server_arguments(options: Mapping[str, Any], more: Sequence[str]) -> list[str]:
    """Engine arguments as vLLM's command line has them, with what we need besides.

    Example:
        >>> server_arguments({"dtype": "float32", "enforce_eager": True, "chunks": False}, [])[:3]
        ['--dtype=float32', '--enforce-eager', '--no-chunks']
    """
    words = []
    for name, value in options.items():
        flag = name.replace("_", "-")
        switch = {True: f"--{flag}", False: f"--no-{flag}"}
        words.append(switch[value] if isinstance(value, bool) else f"--{flag}={value}")
    return [*words, f"--worker-extension-cls={EXTENSION}", f"--middleware={MIDDLEWARE}", *QUIET, *more]


class Server:
    """A server and what became of it.

    Attributes:
        restarts: How often it was started again.
        generation: Counts its comebacks; what failed in an earlier one has to be asked again.
        lock: Held while it is brought back.
        lost: Why it could not be; None where it could.
    """

    def __init__(
        self, patience: Patience, *, launch: Launch | None = None, client: Client | None = None
    ) -> None:
        """Take a way to start it, or a client of one that is there."""
        self.restarts = self.generation = 0
        self.lock = threading.Lock()
        self.lost: WorkerError | None = None
        self._patience = patience
        self._launch = launch
        self._process: VllmServer | None = None
        self._client = client

    @property
    def ours(self) -> bool:
        """Whether this run started it."""
        return self._launch is not None

    def launch(self) -> None:
        """Start the process, where it is ours, and do not wait."""
        if self._launch is not None:
            self._process, self._client, self._port = self._launch()

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            WorkerError: It does not, in time.
        """
        if self._process is not None:
            self._process.wait_until_ready(HOST, self._port, self._patience.start, "rollout.start_seconds")
            return
        due = time.monotonic() + self._patience.retry
        while not self.client.healthy():
            if time.monotonic() > due:
                raise WorkerError(
                    f"{self.client.url} has not answered for {self._patience.retry:g} seconds, "
                    "rollout.retry_seconds"
                )
            time.sleep(POLL_SECONDS)

    @property
    def client(self) -> Client:
        """Asks it."""
        assert self._client is not None  # given, or made when the process began
        return self._client

    def draw(self, ask: Ask) -> list[Drawn]:
        """The completions of one prompt.

        Raises:
            Unanswered: It is away, or too slow.
        """
        found = self.client.post("/v1/completions", _body(ask), self._patience.request)
        try:
            choices = sorted(found["choices"], key=lambda choice: int(choice["index"]))
            drawn = [Drawn(each["token_ids"], each["logprobs"]["token_logprobs"]) for each in choices]
            whole = len(drawn) == ask.n and all(len(each.token_ids) == len(each.logprobs) for each in drawn)
        except (KeyError, TypeError, ValueError):
            whole = False
        if not whole:
            raise EngineError(
                f"{self.client.url} does not answer as vLLM does, with {ask.n} choices of ids and logprobs"
            )
        return drawn

    def load(self, path: Path) -> None:
        """Have it read new weights, and forget what it cached with the old ones.

        Raises:
            Unanswered: It is away, or too slow.
        """
        call = {"method": "r1light_load_file", "args": [str(path)]}
        self.client.post("/collective_rpc", call, self._patience.request)
        due = time.monotonic() + self._patience.retry
        while not (self.client.post("/reset_prefix_cache", {}, self._patience.request) or {}).get(
            "success", True
        ):
            if time.monotonic() > due:
                raise EngineError(
                    f"{self.client.url} keeps prefixes of the old weights: it has requests of somebody else"
                )
            time.sleep(POLL_SECONDS)

    def bring_back(self, why: Unanswered) -> None:
        """Start it again where it is ours, else wait for it.

        Raises:
            WorkerError: It was started too often, or does not come.
        """
        if self._process is None:
            self.wait()
        else:
            # a connection that breaks comes a moment before the end of its process
            code, last_lines = self._process.ended(POLL_SECONDS), self._process.last_lines()
            self._process.close(0)
            state = "was too slow or failed" if code is None else f"ended with exit code {code}"
            if self.restarts >= self._patience.max_restarts:
                raise WorkerError(
                    f"vLLM's server {state} ({why}) and was started again {self.restarts} times already, "
                    f"rollout.max_restarts{last_lines}"
                )
            self.restarts += 1
            _log.warning("vLLM's server %s (%s); it is started again", state, why)
            self.launch()
            self.wait()
        self.generation += 1

    def close(self) -> None:
        """End it where it is ours; break off what it is asked in any case."""
        if self._client is not None:
            self._client.cut()
        if self._process is not None:
            self._process.close(CLOSE_SECONDS)
            self._process = None


def _body(ask: Ask) -> dict[str, Any]:
    return {
        "prompt": list(ask.prompt_ids),
        "n": ask.n,
        "max_tokens": ask.max_tokens,
        "temperature": ask.temperature,
        "top_p": ask.top_p,
        "top_k": ask.top_k,
        "seed": ask.seed,
        "stop_token_ids": list(ask.stop_ids),
        "ignore_eos": True,  # the ids that end a completion are ours to say
        "logprobs": 0,
        "return_token_ids": True,
        "return_tokens_as_token_ids": True,  # a server without a tokenizer has no other name for them
    }
