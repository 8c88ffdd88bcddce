"""Processes that must not outlive the one that started them, even where that is killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

PARENT_VARIABLE = "R1LIGHT_PARENT"
"""The process id of whoever started this process."""
POLL_SECONDS = 0.5


def end_with_parent(before: Callable[[], object] = lambda: None) -> None:
    """Have a thread end this process, and all of its process group, once its parent is gone.

    Nothing happens where the environment names no parent.

    Args:
        before: What is to be done first.
    """
    if PARENT_VARIABLE in os.environ:
        parent = int(os.environ[PARENT_VARIABLE])
        threading.Thread(target=_end_with, args=(parent, before), name="lifeline", daemon=True).start()


def _end_with(parent: int, before: Callable[[], object]) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    try:
        before()
    finally:
        os.killpg(0, signal.SIGKILL)
