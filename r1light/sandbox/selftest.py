"""Probes: what must not be possible in a sandbox, tried from within, and what must."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from r1light.sandbox.local import LocalSandbox
from r1light.sandbox.types import AssertTest, Limits, Probe, Program, Status, StdioTest, Test

_CONTAINED = """
import os, socket, sys, threading
secret_path, secret_name, parent = {secret!r}, {name!r}, {parent}
leaks = []

def attempt(what, action):
    try:
        result = action()
    except (OSError, ValueError, OverflowError):
        return
    leaks.append(f"{{what}} ({{result!r}})"[:80])

def network():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        return sock.sendto(b"x", ("127.0.0.1", 9))

def fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return pid

attempt("it read a file of the user's", lambda: open(secret_path).read())
attempt("it read /etc/passwd", lambda: open("/etc/passwd").readline())
attempt("it read the caller's environment", lambda: open(f"/proc/{{parent}}/environ", "rb").read(20))
attempt("it changed a file's mode", lambda: os.chmod(secret_path, 0o600))
attempt("it wrote beside its folder", lambda: open(secret_path + ".written", "w").close())
attempt("it used the network", network)
attempt("it can signal its parent", lambda: os.kill(os.getppid(), 0))
attempt("it can signal the caller", lambda: os.kill(parent, 0))
attempt("it started a process", fork)
attempt("it ran another program", lambda: os.execv("/bin/true", ["true"]))
if secret_name in os.environ or len(os.environ) > 8:
    leaks.append("it sees the caller's environment")
print("; ".join(leaks) or "contained")
"""

_WORKS = """
import difflib, hashlib, threading
words = []
thread = threading.Thread(target=lambda: words.append(input()[::-1]))
thread.start()
thread.join()
open("note", "w").write(words[0])
print(open("note").read())
"""

_HANGS = "while True:\n    pass\n"


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    program: Program
    tests: tuple[Test, ...]
    expected: Status = "pass"


def run_probes(box: LocalSandbox, *, thorough: bool) -> tuple[Probe, ...]:
    """Run the probes; all must be ok.

    Args:
        box: The sandbox.
        thorough: Also wait for the CPU limit to strike, which takes a second.
    """
    with _secret() as (path, name), ThreadPoolExecutor(4) as pool:
        cases = _cases(path, name)
        if box.tier == "unsafe":
            cases = [case for case in cases if case.name != "contained"]
        hanging = pool.submit(_stopped_in_time, box, thorough)
        probes = list(pool.map(lambda case: _try(box, case), cases))
        probes.append(hanging.result())
        return tuple(probes)


def _cases(path: str, name: str) -> list[_Case]:
    contained = Program(_CONTAINED.format(secret=path, name=name, parent=os.getpid()))
    double = Program("def double(x):\n    return 2 * x\n")
    return [
        _Case("contained", contained, (StdioTest("", "contained\n"),)),
        _Case("a right program passes", Program(_WORKS), (StdioTest("abc\n", "cba\n"),)),
        _Case("a right function passes", double, (AssertTest("assert double([1]) == [1, 1]"),)),
        _Case("a wrong function does not", double, (AssertTest("assert double(1) == 3"),), "wrong"),
    ]


def _try(box: LocalSandbox, case: _Case) -> Probe:
    outcome = box.run(case.program, case.tests)
    return Probe(case.name, outcome.status == case.expected, f"{outcome.status}: {outcome.detail}")


def _stopped_in_time(box: LocalSandbox, thorough: bool) -> Probe:
    """A program that hangs is stopped: by the clock, or by the limit on its CPU."""
    name = "a hanging program is stopped"
    begin = time.monotonic()
    limits = Limits(wall_seconds=10.0, cpu_seconds=1) if thorough else Limits(wall_seconds=0.3)
    outcome = box.run(Program(_HANGS), [StdioTest("", "")], limits=limits)
    took = time.monotonic() - begin
    return Probe(name, outcome.status == "timeout" and took < 30, f"{outcome.status} after {took:.1f} s")


@contextmanager
def _secret() -> Iterator[tuple[str, str]]:
    """A file that anyone may read, and a variable of the environment, as a program must not see them."""
    name = f"R1LIGHT_PROBE_{secrets.token_hex(4)}"
    folder = tempfile.mkdtemp(prefix="r1light-probe-")
    path = os.path.join(folder, "secret")
    os.chmod(folder, 0o777)
    os.environ[name] = "secret"
    try:
        with open(path, "w") as file:
            file.write("secret")
        os.chmod(path, 0o644)
        yield path, name
    finally:
        os.environ.pop(name, None)
        for left in os.listdir(folder):
            os.unlink(os.path.join(folder, left))
        os.rmdir(folder)
