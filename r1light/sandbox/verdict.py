"""What the end of a process says of the program."""

from __future__ import annotations

import signal

from r1light.sandbox.jail import runner
from r1light.sandbox.launch import Report
from r1light.sandbox.types import Status

_CPU_SLACK = 0.5  # seconds by which the kernel's accounting may lag


def failure(report: Report, stderr: bytes, cpu_seconds: int) -> tuple[Status, str] | None:
    """The status and reason of a process that did not end well, or None for one that exited with status 0.

    Args:
        report: How it ended.
        stderr: The end of what it wrote to standard error.
        cpu_seconds: The CPU limit that it ran under.
    """
    if report.error is not None:
        return "infra", f"the cage did not close: {report.error}"
    if report.stopped == "wall":
        return "timeout", f"stopped after {report.wall:.1f} s"
    if report.stopped == "scratch":
        return "output_limit", "it filled its folder"
    if report.stopped == "asked" or report.status == 0:
        return None
    if report.status < 0:
        return _signalled(-report.status, report, stderr, cpu_seconds)
    if report.status == runner.EXIT_MEMORY:
        return "memory", _last_line(stderr) or "out of memory"
    if report.status == runner.EXIT_SYNTAX:
        return "compile_error", _last_line(stderr)
    return "runtime_error", _last_line(stderr) or f"exit status {report.status}"


def _signalled(number: int, report: Report, stderr: bytes, cpu_seconds: int) -> tuple[Status, str]:
    if number == signal.SIGXCPU or (number == signal.SIGKILL and report.cpu >= cpu_seconds - _CPU_SLACK):
        return "timeout", f"stopped after {report.cpu:.1f} s of CPU"
    if number == signal.SIGKILL:
        return "memory", "killed, probably for want of memory"
    if number == signal.SIGXFSZ:
        return "output_limit", "it wrote too large a file"
    if b"bad_alloc" in stderr:
        return "memory", "std::bad_alloc"
    return "runtime_error", f"killed by {signal.strsignal(number) or number}"


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1].strip()[:300] if lines else ""
