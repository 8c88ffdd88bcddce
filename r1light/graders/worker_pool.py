"""Processes that answer one request at a time and are killed when they miss its deadline.

For code that may hang, eat memory or crash on hostile input, where neither a thread nor an alarm can stop
it. A worker is any program that writes the line `ready` when it can start, then reads one line a request and
writes one line a reply; lines that begin with `~` before the reply are notes on how far it got.
"""

from __future__ import annotations

import os
import selectors
import threading
import time
import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from r1light.graders.worker_process import WorkerProcess

MAX_FAILED_STARTS = 3
"""In a row; after that the requests that are left come back as unavailable."""

ATTEMPTS = 2
"""How often a request is tried whose worker dies."""


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """How a pool runs its workers.

    Attributes:
        command: The worker program and its arguments.
        workers: How many run at once.
        deadline_seconds: Wall clock from handing over a request to its reply.
        startup_seconds: Wall clock from starting a worker to its `ready`.
        requests_per_worker: After so many a worker is replaced, so that leaks stay bounded.
    """

    command: tuple[str, ...]
    workers: int
    deadline_seconds: float
    startup_seconds: float
    requests_per_worker: int = 5000


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a request.

    Attributes:
        status: "ok"; "deadline" (killed); "crash" (died on every attempt); "unavailable" (no worker starts).
        text: The reply, or how far the worker got, or why none starts.
    """

    status: Literal["ok", "deadline", "crash", "unavailable"]
    text: str


@dataclass(slots=True)
class _Batch:
    """The requests of one call: which wait, how often each was tried, and the replies so far."""

    requests: Sequence[str]
    waiting: deque[int] = field(init=False)
    tried: list[int] = field(init=False)
    replies: dict[int, Reply] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.waiting = deque(range(len(self.requests)))
        self.tried = [0] * len(self.requests)


class WorkerPool:
    """Runs requests on workers, started when first needed and kept for the next call.

    Calls from several threads take turns. A forked child starts workers of its own.
    """

    def __init__(self, spec: PoolSpec) -> None:
        self.spec = spec
        self._workers: list[WorkerProcess] = []
        self._failed_starts = 0
        self._start_error = ""
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._finalizer = weakref.finalize(self, _kill_all, self._workers, self._owner)

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers that are running."""
        return [worker.pid for worker in self._workers]

    def run(self, requests: Sequence[str]) -> list[Reply]:
        """Answer all requests, each a line without its newline, in their order.

        A request that hangs or crashes its worker costs only its own reply.
        """
        self._leave_parents_workers()
        with self._lock:
            self._failed_starts = 0
            batch = _Batch(requests)
            try:
                while len(batch.replies) < len(requests):
                    self._hand_out(batch)
                    self._wait(batch)
            finally:
                for worker in [worker for worker in self._workers if worker.job is not None]:
                    self._dismiss(
                        worker
                    )  # an exception passes: its reply would be taken for the next request's
            return [batch.replies[index] for index in range(len(requests))]

    def close(self) -> None:
        """Kill the workers; the pool can be used again."""
        self._leave_parents_workers()
        with self._lock:
            _kill_all(self._workers, self._owner)

    def _hand_out(self, batch: _Batch) -> None:
        """Give waiting requests to idle workers, and start workers for the rest."""
        for worker in self._workers:
            if batch.waiting and worker.ready and worker.job is None:
                index = batch.waiting.popleft()
                batch.tried[index] += 1
                worker.hand(index, batch.requests[index], self.spec.deadline_seconds)
        starting = sum(not worker.ready for worker in self._workers)
        while len(self._workers) < self.spec.workers and starting < len(batch.waiting):
            if self._failed_starts >= MAX_FAILED_STARTS:
                break
            starting += self._start()
        if not self._workers:
            while batch.waiting:
                batch.replies[batch.waiting.popleft()] = Reply("unavailable", self._start_error)

    def _start(self) -> bool:
        try:
            self._workers.append(WorkerProcess(self.spec.command, self.spec.startup_seconds))
        except OSError as error:
            self._failed_starts += 1
            self._start_error = f"cannot start {self.spec.command[0]}: {error.strerror or error}"
            return False
        return True

    def _wait(self, batch: _Batch) -> None:
        """Wait for a line, an end or the nearest deadline, and act on it."""
        pending = [worker for worker in self._workers if worker.due is not None]
        if not pending:
            return
        with selectors.DefaultSelector() as selector:
            for worker in pending:
                worker.register(selector)
            nearest = min(worker.due for worker in pending if worker.due is not None)
            events = selector.select(max(0.0, nearest - time.monotonic()))
        for worker in {id(key.data): key.data for key, _ in events}.values():
            self._listen(worker, batch)
        now = time.monotonic()
        for worker in [worker for worker in self._workers if worker.due is not None and worker.due <= now]:
            self._lose(worker, batch, "deadline")

    def _listen(self, worker: WorkerProcess, batch: _Batch) -> None:
        """Take what a worker wrote."""
        worker.send()
        lines = worker.receive()
        if lines is None:
            self._lose(worker, batch, "crash")
            return
        for line in lines:
            if not worker.ready:
                worker.ready, worker.due, self._failed_starts = True, None, 0
            elif line.startswith("~"):
                worker.note = line[1:]
            elif worker.job is not None:
                batch.replies[worker.finish()] = Reply("ok", line)
        if worker.job is None and worker.served >= self.spec.requests_per_worker:
            self._dismiss(worker)

    def _lose(self, worker: WorkerProcess, batch: _Batch, status: Literal["deadline", "crash"]) -> None:
        """Kill a worker that is late or dead; its request is tried again after a crash, once."""
        job, note = worker.job, worker.note
        error = self._dismiss(worker)
        if not worker.ready:
            self._failed_starts += 1
            late = f"a worker was not ready after {self.spec.startup_seconds:g} s"
            self._start_error = late if status == "deadline" else f"a worker died while starting: {error}"
        elif job is not None and status == "crash" and batch.tried[job] < ATTEMPTS:
            batch.waiting.appendleft(job)
        elif job is not None:
            batch.replies[job] = Reply(status, note)

    def _dismiss(self, worker: WorkerProcess) -> str:
        self._workers.remove(worker)
        return worker.kill()

    def _leave_parents_workers(self) -> None:
        if self._owner != os.getpid():
            self._workers = []
            self._lock = threading.Lock()  # a thread of the parent may have held it when the child was forked
            self._owner = os.getpid()
            self._finalizer.detach()
            self._finalizer = weakref.finalize(self, _kill_all, self._workers, self._owner)


def _kill_all(workers: list[WorkerProcess], owner: int) -> None:
    """Kill and reap; a forked child leaves its parent's workers alone."""
    while workers and owner == os.getpid():
        workers.pop().kill()
