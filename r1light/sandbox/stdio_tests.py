"""Tests by standard input and output: the program gets the input, and the output is compared here."""

from __future__ import annotations

import os

from r1light.sandbox.compare import difference
from r1light.sandbox.launch import memory_file
from r1light.sandbox.pump import Capture, run_to_end
from r1light.sandbox.types import Status, StdioTest, TestOutcome
from r1light.sandbox.verdict import failure
from r1light.sandbox.work import Work

_KIND = {"python": "python", "cpp": "binary"}


def run_stdio_test(work: Work, test: StdioTest) -> TestOutcome:
    """Run the program once.

    Raises:
        SandboxFaultError: If the sandbox failed.
    """
    wall = work.wall()
    if wall <= 0:
        return TestOutcome("timeout", f"its tests took longer than {work.limits.program_seconds:g} s")
    expected = len(test.stdout.encode(errors="replace"))
    stdout = Capture(max(work.limits.stdout_kib << 10, 4 * expected + (64 << 10)))
    stderr = Capture(work.limits.stderr_kib << 10, tail=True)
    stdin = memory_file(test.stdin.encode(errors="surrogateescape"))
    try:
        request = {"kind": _KIND[work.program.language], "wall": wall, "cpu": work.limits.cpu_seconds}
        work.session.begin(request, (stdin, stdout.writer, stderr.writer))
        stdout.hand_over()
        stderr.hand_over()
        run_to_end(work.session, (stdout, stderr), wall, work.expires)
        return _judge(work, test, stdout, bytes(stderr.data))
    finally:
        os.close(stdin)
        stdout.close()
        stderr.close()


def _judge(work: Work, test: StdioTest, stdout: Capture, stderr: bytes) -> TestOutcome:
    report = work.session.report
    assert report is not None
    status: Status = "pass"
    reason = ""
    failed = failure(report, stderr, work.limits.cpu_seconds)
    if failed is not None and failed[0] == "infra":
        status, reason = failed
    elif stdout.overflow:
        status, reason = "output_limit", f"it wrote more than {stdout.limit >> 10} KiB"
    elif failed is not None:
        status, reason = failed
    elif (reason := difference(test.stdout, stdout.data.decode(errors="replace")) or "") != "":
        status = "wrong"
    return TestOutcome(status, reason, report.wall, report.cpu)
