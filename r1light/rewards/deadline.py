"""A bound on how long a reward in this process may take.

A thread cannot be killed, and a reward that hangs in this process cannot be left behind either: it holds the
samples that the iteration waits for. So the run ends, and says which reward it was and where it hung. Two
guards, as the first cannot reach everything:

1. At the deadline an alarm raises in the main thread, wherever Python code, a regular expression or a system
   call is at work. The run ends like any other failed run.
2. A few seconds later faulthandler's watchdog, which needs neither the interpreter nor its lock, writes the
   stack to stderr and ends the process: for a hang in foreign code, in a thread that is not the main one, or
   in a reward that catches the alarm. The stack names the reward as a file: `<reward 'mine', deadline 60 s>`.
"""

from __future__ import annotations

import faulthandler
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import FrameType
from typing import Any

from r1light.core.errors import RewardError
from r1light.core.types import Sample, Score

GRACE_SECONDS = 5.0
"""From the alarm to the end of the process, if the alarm did not end the reward."""

_SHOWN_FRAMES = 4

_DUES: dict[object, float] = {}
"""Calls under way, and the monotonic times at which each ends the process."""
_DUES_LOCK = threading.Lock()


class _Late(BaseException):
    """Passes through the `except Exception` of a reward."""

    def __init__(self, frame: FrameType | None) -> None:
        super().__init__()
        self.stack = traceback.extract_stack(frame)


def call_in_time(
    reward: Callable[[Sequence[Sample]], Sequence[Score]],
    samples: Sequence[Sample],
    name: str,
    seconds: float | None,
) -> Sequence[Score]:
    """Call a reward, and end the run if it is not back in time.

    Args:
        reward: The reward.
        samples: What it scores.
        name: Its name in the configuration.
        seconds: Wall-clock seconds the call may take; None for no bound.

    Raises:
        RewardError: If it took longer; one line, with the stack as a note. Whatever the reward raises passes.
    """
    if seconds is None:
        return reward(samples)
    call = _named_call(f"<reward {name!r}, deadline {seconds:g} s>")
    try:
        with _watchdog(seconds + GRACE_SECONDS), _alarm(seconds):
            found: Sequence[Score] = call(reward, samples)
            return found
    except _Late as late:
        raise late_error(samples, name, seconds, late.stack) from None


def late_error(
    samples: Sequence[Sample], name: str, seconds: float, stack: traceback.StackSummary
) -> RewardError:
    """What a reward is told to have done that was not back in time: one line, with the stack as a note."""
    error = RewardError(
        f"reward {name!r} was not done with {len(samples)} samples at its deadline of {seconds:g} s; it "
        f"was in {_places(stack)}; give it longer by reward.components.{name}.deadline=<seconds>"
    )
    error.add_note("where it hung:\n" + "".join(stack.format()))
    return error


def _places(stack: traceback.StackSummary) -> str:
    """The innermost frames, innermost first."""
    return " < ".join(
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(stack[-_SHOWN_FRAMES:])
    )


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise _Late in the main thread after so many seconds; whoever had the alarm has it back afterwards."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(signum: int, frame: FrameType | None) -> None:
        del signum
        raise _Late(frame)

    started = time.monotonic()
    handler = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            left = max(1e-6, left - (time.monotonic() - started))
            signal.setitimer(signal.ITIMER_REAL, left, interval)


@contextmanager
def _watchdog(seconds: float) -> Iterator[None]:
    """End the process after so many seconds, with all stacks on stderr; several threads may each have one."""
    call = object()
    with _DUES_LOCK:
        _DUES[call] = time.monotonic() + seconds
        _watch()
    try:
        yield
    finally:
        with _DUES_LOCK:
            del _DUES[call]
            _watch()


def _watch() -> None:
    """Set the one timer that there is to what is due first."""
    stream = sys.__stderr__
    if stream is None:
        return
    if _DUES:
        left = max(1e-3, min(_DUES.values()) - time.monotonic())
        faulthandler.dump_traceback_later(left, exit=True, file=stream)
    else:
        faulthandler.cancel_dump_traceback_later()


@lru_cache(maxsize=256)
def _named_call(filename: str) -> Any:
    """A function that calls its first argument with its second, and stands in stacks under this file name."""
    scope: dict[str, Any] = {}
    exec(compile("def score(reward, samples): return reward(samples)", filename, "exec"), scope)
    return scope["score"]
