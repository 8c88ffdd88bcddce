"""Compiling C++ in the cage that will run it."""

from __future__ import annotations

import os
import shutil

from r1light.sandbox.jail import cage, child
from r1light.sandbox.pump import Capture, run_to_end
from r1light.sandbox.types import SandboxConfig, Status
from r1light.sandbox.verdict import failure
from r1light.sandbox.work import Work, null_device

SCRATCH_MIB = 128
"""The scratch folder of a C++ program, in MiB; it holds the compiler's files too."""

_VISIBLE = ("/usr/", "/bin/", "/nix/store/")
_STDERR = 64 << 10


def find_compiler(name: str) -> tuple[str | None, str]:
    """The compiler's path and "", or None and what is wrong."""
    path = shutil.which(name, path="/usr/bin:/bin:/usr/local/bin" if os.sep not in name else None)
    if path is None:
        return None, f"there is no {name} here; install one, such as Debian's g++, or set sandbox.cxx"
    real = os.path.realpath(path)
    if not all(one.startswith(_VISIBLE) for one in (path, real)):
        return None, f"{name} is {real}, which no program in the sandbox can see; it must be below /usr"
    return path, ""


def compile_program(work: Work, config: SandboxConfig) -> tuple[Status, str] | None:
    """Compile the program into its scratch folder.

    Returns:
        None when it compiled, else the status and why.

    Raises:
        SandboxFaultError: If the sandbox failed.
    """
    path, why = find_compiler(config.cxx)
    if path is None:
        return "unsupported", why
    wall, cpu = work.limits.compile_wall_seconds, work.limits.compile_cpu_seconds
    argv = [path, *config.cxx_flags, "-pipe", "-o", cage.BINARY, child.SOURCE]
    stderr = Capture(_STDERR)
    stderr.limit = _STDERR
    try:
        with null_device() as null:
            request = {"kind": "compile", "wall": wall, "cpu": cpu, "argv": argv}
            work.session.begin(request, (null, null, stderr.writer))
        stderr.hand_over()
        run_to_end(work.session, (stderr,), wall, work.expires)
        return _judge(work, bytes(stderr.data), cpu)
    finally:
        stderr.close()


def _judge(work: Work, stderr: bytes, cpu: int) -> tuple[Status, str] | None:
    report = work.session.report
    assert report is not None
    if report.status == child.EXIT_FAILED:
        return "unsupported", stderr.decode(errors="replace")[:300]
    failed = failure(report, stderr, cpu)
    if failed is None and report.stopped is None:
        return None
    if failed is not None and failed[0] == "infra":
        return failed
    lines = stderr.decode(errors="replace").splitlines()
    errors = [line for line in lines if "error" in line] or lines
    return "compile_error", (errors[0] if errors else failed[1] if failed else "too many errors")[:300]
