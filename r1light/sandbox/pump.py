"""Reading what processes write, bounded, until they end or a deadline passes."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from r1light.sandbox.launch import SandboxFaultError, Session

_CHUNK = 1 << 16
_GRACE = 20.0  # seconds beyond a process's own deadline for its supervisor to report


@dataclass(slots=True)
class Capture:
    """The reading end of a pipe, and the first bytes that came out of it.

    Attributes:
        limit: Bytes that are kept; the rest is dropped.
        tail: Whether the last bytes are kept rather than the first.
        overflow: Whether there were more.
    """

    limit: int
    tail: bool = False
    overflow: bool = False
    data: bytearray = field(default_factory=bytearray)
    reader: int = -1
    writer: int = -1

    def __post_init__(self) -> None:
        self.reader, self.writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.reader, False)

    def read(self) -> bool:
        """Take what is there; False at the end."""
        try:
            chunk = os.read(self.reader, _CHUNK)
        except BlockingIOError:
            return True
        self.data += chunk
        if len(self.data) > self.limit:
            self.overflow = True
            if self.tail:
                del self.data[: len(self.data) - self.limit]
            else:
                del self.data[self.limit :]
        return bool(chunk)

    def drain(self) -> None:
        """Take what is left after all writers have ended."""
        before = -1
        while before != len(self.data) and not self.overflow:
            before = len(self.data)
            self.read()

    def hand_over(self) -> None:
        """Close the writing end, which a process has by now."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def close(self) -> None:
        """Close what is open."""
        self.hand_over()
        os.close(self.reader)


def pump(
    sessions: Sequence[Session], captures: Sequence[Capture], deadline: float, done: Callable[[], bool]
) -> bool:
    """Read until `done`, which is asked after every event, or until a monotonic deadline; False if it passed.

    Reports that arrive are left in their sessions.

    Raises:
        SandboxFaultError: If a supervisor is gone.
    """
    poll = select.poll()
    pending: dict[int, Session | Capture] = {one.fileno(): one for one in sessions if one.report is None}
    pending |= {one.reader: one for one in captures}
    for descriptor in pending:
        poll.register(descriptor, select.POLLIN)
    while not done():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        for descriptor, _ in poll.poll(left * 1000 + 1):
            source = pending[descriptor]
            if isinstance(source, Session):
                source.collect(deadline)
                poll.unregister(descriptor)
            elif not source.read():
                poll.unregister(descriptor)
    return True


def finish(session: Session, captures: Sequence[Capture]) -> None:
    """Wait for a stopped process's report, and read what is left.

    Raises:
        SandboxFaultError: If no report comes.
    """
    session.collect(time.monotonic() + _GRACE)
    for capture in captures:
        capture.drain()


def run_to_end(session: Session, captures: Sequence[Capture], wall: float, expires: float) -> None:
    """Read until the process has ended; a capture of the first bytes that overflows ends it.

    Args:
        session: Where the process runs.
        captures: Its pipes.
        wall: The process's own deadline, in seconds.
        expires: The monotonic time after which nothing counts any more.

    Raises:
        SandboxFaultError: If the supervisor is gone, or the time has expired.
    """

    def over() -> bool:
        return session.report is not None or any(one.overflow and not one.tail for one in captures)

    deadline = min(time.monotonic() + wall + _GRACE, expires)
    if not pump([session], captures, deadline, over):
        raise SandboxFaultError("a program did not end before its deadline")
    if session.report is None:
        session.stop()
    finish(session, captures)
