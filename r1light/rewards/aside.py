"""One thread beside the one that writes completions, for rewards that wait for other processes.

Its tasks are done one after another, in the order in which they came: what a reward keeps from call to call
is what it would be without the thread, however the two threads' times fall.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from r1light.core.errors import WorkerError

T = TypeVar("T")


class Task(Generic[T]):
    """A call, done or to be done."""

    def __init__(self, call: Callable[[], T], seconds: float | None = None) -> None:
        """Take a call.

        Args:
            call: What is to be done.
            seconds: From its beginning to its end at most; None for no bound.
        """
        self._call = call
        self._seconds = seconds
        self._over = threading.Event()
        self._started: float | None = None
        self._thread: int | None = None
        self._result: T | None = None
        self._error: BaseException | None = None

    @property
    def done(self) -> bool:
        """Whether `result` does not wait."""
        return self._over.is_set() or self.late

    @property
    def late(self) -> bool:
        """Whether it has been at work for longer than it may."""
        started, over = self._started, self._over.is_set()
        return not over and None not in (started, self._seconds) and self._left(started or 0.0) <= 0

    def run(self) -> None:
        """Do it, in the thread that calls."""
        self._thread, self._started = threading.get_ident(), time.monotonic()
        try:
            self._result = self._call()
        except BaseException as error:  # whoever asks for the result is to have it
            self._error = error
        self._over.set()

    def give_up(self) -> None:
        """Have `result` raise, of a task that has not begun."""
        self._error = WorkerError("a reward was given up before it began")
        self._over.set()

    def result(self, late: Callable[[traceback.StackSummary], Exception]) -> T:
        """Wait for the end.

        Args:
            late: Makes the exception to raise at the deadline, from where the task hangs.
        """
        while not self._over.wait(0.05 if self._started is None else self._left(self._started)):
            if self.late:
                frame = sys._current_frames().get(self._thread or 0)
                raise late(traceback.extract_stack(frame))
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]

    def _left(self, started: float) -> float:
        return max(0.0, min(started + (self._seconds or 3600.0) - time.monotonic(), 3600.0))


class Aside:
    """The thread. It lives while there is something to do, and does not keep the process from ending."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Task[Any]] = deque()
        self._at_work = False

    def add(self, task: Task[Any]) -> None:
        """Have a task done after those that came before."""
        with self._lock:
            self._waiting.append(task)
            if not self._at_work:
                self._at_work = True
                threading.Thread(target=self._work, name="r1light-rewards", daemon=True).start()

    def drop(self) -> None:
        """Forget what has not begun; what has ends by its own deadline, or as its processes are killed."""
        with self._lock:
            while self._waiting:
                self._waiting.popleft().give_up()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._at_work = False
                    return
                task = self._waiting.popleft()
            task.run()
