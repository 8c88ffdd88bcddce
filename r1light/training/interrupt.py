"""Ending a run on SIGINT, SIGTERM or SIGUSR1 without losing what it has done.

The first signal asks; training looks at safe points, saves, and ends. A second one is taken as it always is.
SIGUSR1 is what SLURM sends ahead of a time limit where `sbatch --signal=USR1@300` asks for it.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class Halt(Exception):  # noqa: N818 - no error: the way out of Lightning's loop, which would exit on its own
    """A signal was obeyed; the run is saved."""


class Interrupt:
    """Whether a signal has come, and which."""

    def __init__(self) -> None:
        self.signum: int | None = None

    @property
    def requested(self) -> bool:
        """Whether the run is to end."""
        return self.signum is not None

    def agreed(self) -> bool:
        """Whether a signal has come to any rank; all ranks have to ask, at the same point, and hear the same.

        One that comes while they ask is for the next time.
        """
        from r1light.training import ranks  # it brings torch

        if ranks.world_size() == 1:
            return self.requested
        signum = next((each for each in ranks.gather([self.signum]) if each is not None), None)
        if self.signum is None:  # in itself: it may have come meanwhile
            self.signum = signum
        return signum is not None

    @contextmanager
    def together(self) -> Iterator[None]:
        """What each rank does in a time of its own: one that is broken off has all broken off at the end."""
        from r1light.training import ranks

        halted = False
        try:
            yield
        except Halt:
            halted = True
        if ranks.any_of(halted):
            self.agreed()
            raise Halt

    def check(self) -> None:
        """Raise Halt if a signal has come."""
        if self.requested:
            raise Halt


@contextmanager
def catch_signals(interrupt: Interrupt) -> Iterator[None]:
    """Note the first of `SIGNALS` in `interrupt`; earlier handlers are back after it, and at exit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signum: signal.getsignal(signum) for signum in SIGNALS}

    def note(signum: int, _frame: FrameType | None) -> None:
        interrupt.signum = signum
        for each, handler in before.items():
            signal.signal(each, handler)

    for signum in SIGNALS:
        signal.signal(signum, note)
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
