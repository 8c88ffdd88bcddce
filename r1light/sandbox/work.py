"""One program on its way through its tests: the limits, the time that is left, and its sessions."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from r1light.sandbox.launch import SandboxFaultError, Session
from r1light.sandbox.types import Limits, Program

TOO_LATE = "the deadline of the whole batch has passed"
"""Why a program is `infra` that was not finished in time."""


@dataclass(slots=True)
class Work:
    """What every step of judging one program is given.

    Attributes:
        program: The program.
        session: Where it runs.
        limits: Its limits.
        expires: The monotonic time after which the caller no longer waits.
        ends: The monotonic time at which its tests must be over.
    """

    program: Program
    session: Session
    limits: Limits
    expires: float
    ends: float = 0.0

    def start_clock(self) -> None:
        """Begin the time of all tests together."""
        self.ends = time.monotonic() + self.limits.program_seconds

    def wall(self, tests: int = 1) -> float:
        """Seconds that so many tests may take together; 0 when no time is left.

        Raises:
            SandboxFaultError: If the caller no longer waits.
        """
        now = time.monotonic()
        if now >= self.expires:
            raise SandboxFaultError(TOO_LATE)
        return max(0.0, min(self.limits.wall_seconds * tests, self.ends - now))


@contextmanager
def null_device() -> Iterator[int]:
    """A descriptor of /dev/null."""
    descriptor = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
