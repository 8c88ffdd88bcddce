"""Tests by calling functions: the program in one cage, the statements that test it in another.

The two come from different fork servers and share two pipes. The verdicts come over a third that only the
statements' side has, a line a test, each with the number of its test and a seal that nobody else knows.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

from r1light.sandbox.launch import Session
from r1light.sandbox.pump import Capture, finish, pump
from r1light.sandbox.types import STATUSES, Status, TestOutcome
from r1light.sandbox.verdict import failure
from r1light.sandbox.work import Work, null_device

_AFTER_END = 1.0  # seconds for one side to end of itself after the other has
_VERDICT_BYTES = 1 << 12  # at most, for one test


@dataclass(frozen=True, slots=True)
class FunctionTests:
    """The tests that one judge is started with.

    Attributes:
        sources: Their texts.
        entry_point: The function under test, or None.
        seal: What every verdict must carry.
    """

    sources: list[str]
    entry_point: str | None
    seal: str = field(default_factory=lambda: secrets.token_hex(16))

    def encode(self) -> bytes:
        """What the statements' side is started with."""
        document = {"tests": self.sources, "entry_point": self.entry_point, "seal": self.seal}
        return json.dumps(document).encode()


@dataclass(slots=True)
class _Round:
    """One pair of processes, and the verdicts so far."""

    work: Work
    judge: Session
    verdicts: Capture
    stderr: Capture
    tests: FunctionTests
    first: int
    in_time: bool = True
    gone: bool = False
    outcomes: list[TestOutcome] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)
    seen: int = 0

    @property
    def left(self) -> int:
        """How many tests there are to run."""
        return len(self.tests.sources) - self.first

    def unseen(self) -> list[tuple[str, str]]:
        """Verdicts that are there and were not taken: statuses and reasons."""
        lines = bytes(self.verdicts.data).split(b"\n")[self.seen : -1]
        return [
            self._verdict(line, self.first + number) for number, line in enumerate(lines, start=self.seen)
        ]

    def _verdict(self, line: bytes, number: int) -> tuple[str, str]:
        """One verdict; what is no verdict of this test, or not under its seal, is a forged one."""
        try:
            found = json.loads(line)
            genuine = found["seal"] == self.tests.seal and found["test"] == number
            verdict = found["status"], found["detail"]
        except (ValueError, KeyError, TypeError, RecursionError):
            genuine = False
        return verdict if genuine else ("wrong", "a verdict that is none")

    def over(self) -> bool:
        """Whether there is something to act on: a verdict, or an end."""
        return self.ended() or bytes(self.verdicts.data).count(b"\n") > self.seen

    def ended(self, *, both: bool = False) -> bool:
        """Whether one of the processes has ended, or both have."""
        ends = [one.report is not None for one in (self.work.session, self.judge)]
        return all(ends) if both else any(ends)


def run_function_tests(work: Work, judge: Session, tests: FunctionTests, first: int) -> list[TestOutcome]:
    """Run tests from `first` on, in one pair of processes, until one fails.

    Args:
        work: The program.
        judge: The session that holds the statements.
        tests: The tests that it was started with.
        first: The index of the first test to run.

    Returns:
        At least one outcome; all but the last are passes.

    Raises:
        SandboxFaultError: If the sandbox failed.
    """
    left = len(tests.sources) - first
    wall = work.wall(left)
    if wall <= 0:
        return [TestOutcome("timeout", f"its tests took longer than {work.limits.program_seconds:g} s")]
    with _pair(work, judge, tests, first, wall) as round_:
        _follow(round_)
        return round_.outcomes


@contextmanager
def _pair(work: Work, judge: Session, tests: FunctionTests, first: int, wall: float) -> Iterator[_Round]:
    """Start both processes with their pipes."""
    left = len(tests.sources) - first
    verdicts, stderr = Capture(_VERDICT_BYTES * left), Capture(work.limits.stderr_kib << 10, tail=True)
    pipes = [*os.pipe2(os.O_CLOEXEC), *os.pipe2(os.O_CLOEXEC)]
    asked, ask, answered, answer = pipes
    common = {"wall": wall, "cpu": _cpu(work, left), "limit": work.limits.message_mib << 20}
    try:
        with null_device() as null:
            work.session.begin({"kind": "functions", **common}, (null, null, stderr.writer, asked, answer))
            judge.begin(
                {"kind": "judge", "first": first, **common},
                (null, null, null, answered, ask, verdicts.writer),
            )
        for descriptor in pipes:
            os.close(descriptor)
        pipes.clear()
        verdicts.hand_over()
        stderr.hand_over()
        yield _Round(work, judge, verdicts, stderr, tests, first)
    finally:
        for descriptor in pipes:
            os.close(descriptor)
        verdicts.close()
        stderr.close()


def _cpu(work: Work, tests: int) -> int:
    """CPU seconds of a process that runs so many tests."""
    return max(1, min(work.limits.cpu_seconds * tests, int(work.limits.program_seconds)))


def _follow(round_: _Round) -> None:
    """Collect verdicts until a test fails, all have passed, or something ends."""
    sessions, captures = (round_.work.session, round_.judge), (round_.verdicts, round_.stderr)
    going = True
    while going and len(round_.outcomes) < round_.left:
        before = time.monotonic()
        deadline = min(before + round_.work.wall(), round_.work.expires)
        round_.in_time = pump(sessions, captures, deadline, round_.over)
        going = _take(round_, time.monotonic() - before) and round_.in_time and not round_.ended()
    if round_.in_time and (round_.gone or len(round_.outcomes) < round_.left):
        pump(sessions, captures, time.monotonic() + _AFTER_END, lambda: round_.ended(both=True))
    for session in sessions:
        if session.report is None:
            session.stop()
    finish(round_.work.session, (round_.stderr,))
    finish(round_.judge, (round_.verdicts,))
    _take(round_, 0.0)
    if all(outcome.status == "pass" for outcome in round_.outcomes) and len(round_.outcomes) < round_.left:
        round_.outcomes.append(TestOutcome(*_without_verdict(round_), time.monotonic() - round_.begun))
    last = round_.outcomes[-1]
    report = round_.work.session.collect(0.0)
    round_.outcomes[-1] = TestOutcome(last.status, last.detail, last.wall_seconds, report.cpu)


def _take(round_: _Round, wall: float) -> bool:
    """Turn verdicts into outcomes; False once a test has failed."""
    for word, detail in round_.unseen():
        round_.seen += 1
        if word == "gone":
            round_.gone = True
            return False
        status = cast("Status", word)
        assert status in STATUSES
        round_.outcomes.append(TestOutcome(status, detail, wall))
        if status != "pass":
            return False
    return True


def _without_verdict(round_: _Round) -> tuple[Status, str]:
    """The outcome of a test without a verdict: how the program ended tells, or else the other side."""
    report, judge = round_.work.session.collect(0.0), round_.judge.collect(0.0)
    for one in (report, judge):
        if one.error is not None:
            return "infra", f"the cage did not close: {one.error}"
    cpu = _cpu(round_.work, round_.left)
    failed = failure(report, bytes(round_.stderr.data), cpu)
    if failed is not None:
        return failed
    if not round_.in_time or judge.stopped == "wall":
        return "timeout", f"stopped after {time.monotonic() - round_.begun:.1f} s"
    if round_.gone:
        alive = report.stopped == "asked"
        return "runtime_error", "a malformed reply" if alive else "the program ended before the test did"
    if (failed := failure(judge, b"", cpu)) is not None and failed[0] == "timeout":
        return failed
    return "wrong", "what the program returned could not be judged"
