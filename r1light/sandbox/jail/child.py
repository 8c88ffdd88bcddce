"""What a locked process does: one of five kinds of work, on descriptors 0, 1, 2 and what the kind adds."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from typing import Any, NoReturn

from r1light.sandbox.jail import functions, judge, runner
from r1light.sandbox.jail.cage import BINARY
from r1light.sandbox.jail.seccomp import Profile

PROFILES: Mapping[str, Profile] = {
    "python": "python",
    "functions": "python",
    "judge": "python",
    "compile": "compiler",
    "binary": "binary",
}
"""The filter for each kind of work: a Python program; a Python program whose functions are called from
outside; statements that call them; compiling C++; a compiled program."""

EXIT_FAILED = 114
"""The status of a process that failed before its work began."""

SOURCE = "program.cpp"
"""The name of C++ source in the scratch folder."""


def run(request: Mapping[str, Any], source: bytes) -> NoReturn:
    """Do the work and exit.

    Args:
        request: `kind`, and for "compile" the command `argv`, for "judge" the index of the `first` test to
            run, for "functions" and "judge" the `limit` of a message in bytes.
        source: The program, or the tests.
    """
    kind = request["kind"]
    folder = os.getcwd()
    environment = {"PATH": "/usr/bin:/bin", "HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8"}
    if kind in ("compile", "binary"):
        environment["MALLOC_ARENA_MAX"] = "2"  # each reserves address space, of which a thread takes its own
        _execute(request, source, environment)
    os.environ.clear()
    os.environ.update(environment)
    if kind == "python":
        runner.run_program(source)
    elif kind == "functions":
        functions.serve(source, request["limit"])
    else:
        judge.judge(source, request["first"], request["limit"])


def _execute(request: Mapping[str, Any], source: bytes, environment: dict[str, str]) -> NoReturn:
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and what it starts would too
        signal.signal(number, signal.SIG_DFL)
    if request["kind"] == "compile":
        with open(SOURCE, "wb") as file:
            file.write(source)
        argv = request["argv"]
    else:
        argv = [os.path.join(os.getcwd(), BINARY)]
    try:
        os.execve(argv[0], argv, environment)
    except OSError as error:
        os.write(2, f"cannot run {argv[0]}: {error.strerror}".encode())
        os._exit(EXIT_FAILED)
