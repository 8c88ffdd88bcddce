"""Steps of an earlier session that still run: they are waited for, then ended."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import suppress

from r1light.core.errors import WorkerError
from r1light.core.lock import holder, is_locked
from r1light.core.run_folder import RunFolder

WAIT_SECONDS = 120.0
"""What they may take to save and end, as they were asked when their pipeline died."""
_KILL_SECONDS = 10.0
_POLL_SECONDS = 0.2
_HOLDER = re.compile(r"process (\d+) on (.+)")

_log = logging.getLogger(__name__)


def settle(folders: Sequence[RunFolder], seconds: float = WAIT_SECONDS) -> None:
    """Wait until no other process writes in these folders; what still does after that is killed.

    Args:
        folders: Run folders of steps.
        seconds: How long to wait for all of them.

    Raises:
        WorkerError: A process on another machine has one of them.
    """
    deadline = time.monotonic() + seconds
    for folder in folders:
        if not is_locked(folder.path):
            continue
        _log.info("waiting for %s, which still writes in %s, to end", holder(folder.path), folder.path)
        if _freed(folder, deadline):
            continue
        _kill(folder)
        if not _freed(folder, time.monotonic() + _KILL_SECONDS):
            raise WorkerError(f"{folder.path} is in use by {holder(folder.path)}; end that process")


def _freed(folder: RunFolder, deadline: float) -> bool:
    while is_locked(folder.path):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _kill(folder: RunFolder) -> None:
    """End the process that holds a folder, if it runs on this machine."""
    found = _HOLDER.fullmatch(holder(folder.path))
    if found is not None and found[2] == socket.gethostname():
        _log.warning("killing process %s, which did not end in time", found[1])
        with suppress(ProcessLookupError, PermissionError):
            os.kill(int(found[1]), signal.SIGKILL)
