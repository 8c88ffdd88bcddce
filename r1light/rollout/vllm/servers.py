"""`rollout.mode=server`: vLLM servers that share the requests and all have the policy's weights."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from r1light.core.errors import ConfigError, StorageError, WorkerError
from r1light.rollout.vllm.backend import Ask, Check, Drawn
from r1light.rollout.vllm.client import Client, Unanswered
from r1light.rollout.vllm.server import Launch, Patience, Server, server_arguments

if TYPE_CHECKING:
    from torch import Tensor

    from r1light.rollout.vllm import Vllm

MEMORY = Path("/dev/shm")
"""Files in this machine's memory."""
REQUESTS_AT_ONCE = 256
PAUSE_SECONDS = 0.5
"""Between two attempts."""
LOOPBACK = frozenset(["127.0.0.1", "localhost", "::1"])


class Servers:
    """Requests go to the servers in turn; one that a server leaves unanswered is drawn again."""

    def __init__(self, servers: Sequence[Server], weights_dir: Path, patience: Patience) -> None:
        """Take servers that answer.

        Args:
            servers: At least one.
            weights_dir: A folder that they read too; it is removed in the end.
            patience: How long an answer may fail to come.
        """
        self._servers = servers
        self._folder = weights_dir
        self._patience = patience
        self._weights: Path | None = None
        self._check: Check | None = None
        self._loads = 0
        self._redrawn = 0
        self._counting = threading.Lock()
        self._closed = threading.Event()

    @classmethod
    def start(cls, config: Vllm.Config, model_config: Any, options: Mapping[str, Any]) -> Servers:
        """Find the servers that are given, or start some.

        Args:
            config: Where and how.
            model_config: The model's transformers configuration.
            options: Engine arguments of those that are started.

        Raises:
            ConfigError: A server elsewhere is given, and no folder that it can read.
            WorkerError: One does not answer in time.
        """
        remote = [url for url in config.urls if urlsplit(url).hostname not in LOOPBACK]
        if remote and config.weights_dir is None:
            raise ConfigError(
                f"rollout.urls: {remote[0]} is on another machine; rollout.weights_dir must name a folder "
                "that both read, where weights are left for it"
            )
        memory = str(MEMORY) if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None
        folder = Path(tempfile.mkdtemp(prefix="r1light-vllm-", dir=config.weights_dir or memory))
        patience = Patience(
            config.start_seconds, config.request_seconds, config.retry_seconds, config.max_restarts
        )
        if config.urls:
            key = os.environ.get(config.api_key_env) or None
            given = [Client(url, key, config.api_key_env) for url in config.urls]
            servers = [Server(patience, client=client) for client in given]
        else:
            model_config.save_pretrained(folder)
            arguments = server_arguments(options, config.server_args)
            servers = [
                Server(patience, launch=Launch(folder, f"server-{number}", arguments))
                for number in range(config.servers)
            ]
        self = cls(servers, folder, patience)
        try:
            for server in servers:
                server.launch()
            for server in servers:
                server.wait()
        except BaseException:
            self.close()
            raise
        return self

    def draw(self, asks: Sequence[Ask]) -> Iterator[tuple[int, Sequence[Drawn]]]:
        """See `Backend.draw`.

        Raises:
            WorkerError: A server does not come back in time.
        """
        over = threading.Event()
        pool = ThreadPoolExecutor(max_workers=REQUESTS_AT_ONCE * len(self._servers))
        try:
            futures = {
                pool.submit(self._answer, self._servers[place % len(self._servers)], ask, over): place
                for place, ask in enumerate(asks)
            }
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            over.set()
            pool.shutdown(wait=False, cancel_futures=True)
            for server in self._servers:
                server.client.cut()
            pool.shutdown()

    def load(self, weights: Iterable[tuple[str, Tensor]], check: Check) -> None:
        """See `Backend.load`: the weights go through a file."""
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        old, self._loads = self._weights, self._loads + 1
        self._weights, self._check = self._folder / f"weights-{self._loads}.safetensors", check
        tensors = {name: each.detach().cpu().contiguous() for name, each in weights}
        try:
            save_file(tensors, self._weights)
        except (OSError, SafetensorError) as error:
            raise StorageError(
                f"cannot leave weights for vLLM's servers in {self._folder}: {error}; rollout.weights_dir "
                "names another place"
            ) from error
        with ThreadPoolExecutor(max_workers=len(self._servers)) as pool:
            list(pool.map(self._renew, self._servers))
        if old is not None:
            old.unlink(missing_ok=True)

    def sleep(self) -> None:
        """Servers have memory of their own."""

    def figures(self) -> Mapping[str, float]:
        """Servers that were started again, and requests that were drawn again."""
        restarts = sum(server.restarts for server in self._servers)
        return {"rollout/restarts": float(restarts), "rollout/redrawn": float(self._redrawn)}

    def close(self) -> None:
        """See `Backend.close`."""
        self._closed.set()
        for server in self._servers:
            server.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _renew(self, server: Server) -> None:
        """Give a server the new weights, and look whether it has them."""
        generation = server.generation
        try:
            self._give(server)
        except Unanswered as failure:
            self._bring_back(server, generation, failure)

    def _give(self, server: Server) -> None:
        assert self._weights is not None
        assert self._check is not None  # both since the first load
        server.load(self._weights)
        self._check([server.draw(ask) for ask in self._check.asks])

    def _answer(self, server: Server, ask: Ask, over: threading.Event) -> list[Drawn]:
        """Ask until there is an answer."""
        due = None
        while True:
            generation = server.generation
            try:
                return server.draw(ask)
            except Unanswered as failure:
                if over.is_set() or self._closed.is_set():
                    raise
                now = time.monotonic()
                due = now + self._patience.retry if due is None else due
                if now > due and not server.ours:
                    raise WorkerError(
                        f"no answer for {self._patience.retry:g} seconds, rollout.retry_seconds: {failure}"
                    ) from None
                with self._counting:
                    self._redrawn += 1
                self._bring_back(server, generation, failure)
            over.wait(PAUSE_SECONDS)

    def _bring_back(self, server: Server, generation: int, failure: Unanswered) -> None:
        """Have a server that failed back with the weights, unless another thread had it back meanwhile.

        Raises:
            WorkerError: It does not come back, or fails again at once.
        """
        with server.lock:
            if server.generation != generation:
                return
            if self._closed.is_set():
                raise failure
            if server.lost is not None:  # one thread has waited for it, and that is enough
                raise server.lost
            try:
                server.bring_back(failure)
                self._give(server)
            except Unanswered as again:
                server.lost = WorkerError(f"a server of vLLM came back and fails again: {again}")
                raise server.lost from None
            except WorkerError as error:
                server.lost = error
                raise
