"""What a run shows while it works: log lines, and a bar on a terminal or plain lines without one."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TextIO

from r1light.core.errors import StorageError

LINE_SECONDS = 10.0
"""Without a terminal, a line at most this often."""

HEARTBEAT_SECONDS = 60.0
"""Without a terminal, a line at least this often: that a step is still under way."""

_log = logging.getLogger(__name__)


class Progress(Protocol):
    """How far a piece of work has come."""

    def advance(self, n: int = 1, **metrics: float) -> None:
        """Count `n` more as done, and show these numbers beside the count."""
        ...


@contextmanager
def progress(total: int, label: str, done: int = 0) -> Iterator[Progress]:
    """Show the progress of `total` steps: a bar on a terminal, else a log line every ten seconds or 5%.

    A step that takes longer than a minute has a line every minute.

    Args:
        total: Steps in all.
        done: Those that an earlier session has done.
        label: What is counted, such as "iterations".

    Example:
        >>> with progress(3, "iterations") as bar:
        ...     for _ in range(3):
        ...         bar.advance(reward=0.5)
    """
    if sys.stderr.isatty():
        with _bar(total, label, done) as bar:
            yield bar
    else:
        with _Lines(total, label, done) as lines:
            yield lines


class _Lines:
    """Progress as log lines; the first and the last step always have theirs."""

    def __init__(self, total: int, label: str, done: int) -> None:
        self._total = total
        self._label = label
        self._done = done
        self._start = self._shown_at = time.monotonic()
        self._shown = self._begun = done
        self._marks: deque[tuple[int, float]] = deque()  # how many were done, and after how long
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> _Lines:
        self._heart.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._heart.join()

    def _beat(self) -> None:
        """Say that work goes on, where nothing has been said for long."""
        while not self._ended.wait(HEARTBEAT_SECONDS):
            now = time.monotonic()
            if now - self._shown_at >= HEARTBEAT_SECONDS:
                self._shown_at = now
                step = f"{self._label} {self._done}/{self._total}"
                _log.info("%s done, %s since the start: still at work", step, _clock(now - self._start))

    def advance(self, n: int = 1, **metrics: float) -> None:
        first = self._done == self._begun
        self._done += n
        now = time.monotonic()
        due = now - self._shown_at >= LINE_SECONDS or self._done - self._shown >= 0.05 * self._total
        last = self._done >= self._total
        if first or last or (due and now - self._shown_at >= 1.0):
            self._shown, self._shown_at = self._done, now
            _log.info("%s", self._line(now - self._start, metrics))

    def _line(self, elapsed: float, metrics: dict[str, float]) -> str:
        line = f"{self._label} {self._done}/{self._total}{_numbers(metrics)}  {_clock(elapsed)}"
        self._marks.append((self._done, elapsed))
        if len(self._marks) == 1:  # what came first took what starting takes as well: no measure of the rest
            return line
        # Nor is what was done long ago: completions grow.
        middle = (self._begun + self._done) // 2
        while self._marks[1][0] <= middle:
            self._marks.popleft()
        done, after = self._marks[0]
        left = (elapsed - after) / (self._done - done) * max(self._total - self._done, 0)
        return f"{line}, {_clock(left)} left"


@contextmanager
def _bar(total: int, label: str, done: int) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        Task,
        TextColumn,
    )
    from rich.progress import Progress as RichProgress
    from rich.table import Column
    from rich.text import Text

    class Times(ProgressColumn):
        """Since the start, and what is left of it where that is known: narrower than Rich's own columns."""

        max_refresh = 0.5

        def get_table_column(self) -> Column:
            return Column(no_wrap=True)

        def render(self, task: Task) -> Text:
            left = f" -{_clock(task.time_remaining)}" if task.time_remaining else ""
            return Text(f"{_clock(task.finished_time or task.elapsed or 0)}{left}")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[numbers]}"),
        Times(),
    )
    with RichProgress(*columns, console=Console(stderr=True, soft_wrap=True)) as rich_progress:
        task = rich_progress.add_task(label, total=total, completed=done, numbers="")

        class Bar:
            def advance(self, n: int = 1, **metrics: float) -> None:
                rich_progress.update(task, advance=n, numbers=_numbers(metrics).strip())

        yield Bar()


def _numbers(metrics: dict[str, float]) -> str:
    return "".join(f"  {name} {value:.4g}" for name, value in metrics.items())


def _clock(seconds: float) -> str:
    """Seconds as h:mm:ss, or m:ss below an hour.

    Example:
        >>> _clock(75), _clock(3600)
        ('1:15', '1:00:00')
    """
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


@contextmanager
def logging_to(path: Path | None, *, debug: bool = False, quiet: bool = False) -> Iterator[None]:
    """Send r1light's log to stderr and to a file, and other libraries' warnings to the file.

    Args:
        path: The log file, appended to; None for no file.
        debug: Show debug messages too.
        quiet: Warnings only on stderr, as on all ranks but the first.

    Raises:
        StorageError: If the file cannot be opened.
    """
    ours, root = logging.getLogger("r1light"), logging.getLogger()
    level, propagate = ours.level, ours.propagate
    console = _Stderr()
    console.setFormatter(logging.Formatter("%(message)s"))
    console.setLevel(logging.WARNING if quiet else logging.NOTSET)
    handlers: list[tuple[logging.Logger, logging.Handler]] = [(ours, console)]
    if path is not None:
        handlers += [(ours, _file_handler(path, logging.DEBUG)), (root, _file_handler(path, logging.WARNING))]
    for logger, handler in handlers:
        logger.addHandler(handler)
    ours.setLevel(logging.DEBUG if debug else logging.INFO)
    ours.propagate = False  # the root's file handler would write every warning twice
    try:
        yield
    finally:
        ours.setLevel(level)
        ours.propagate = propagate
        for logger, handler in handlers:
            logger.removeHandler(handler)
            handler.close()


class _Stderr(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to whatever is stderr at the time: a bar on the terminal replaces it while it is shown."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr


def _file_handler(path: Path, level: int) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return handler
