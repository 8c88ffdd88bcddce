"""A process that has imported what every command line imports, and forks one child a command.

It reads requests as JSON lines and answers each with the child's exit code. A child is what
`python -m r1light` would be: a process of its own, with its own arguments, environment, folder, output and
signals; only its imports were done before.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import traceback

IMPORTED = (
    "hydra",
    "hydra.core.utils",
    "pydantic",
    "yaml",
    "r1light.config.compose",
    "r1light.config.validate",
)


def main() -> None:
    """Serve requests until the end of the input."""
    for name in IMPORTED:
        importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(request)
        sys.stdout.write(f"{_wait(child, request['timeout'])}\n")
        sys.stdout.flush()


def _become(request: dict) -> None:
    """Be the command, and end with its exit code."""
    code = 1
    try:
        for number, path in ((0, os.devnull), (1, request["stdout"]), (2, request["stderr"])):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            os.dup2(os.open(path, flags), number)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        sys.path[:0] = request["env"]["PYTHONPATH"].split(os.pathsep)
        sys.argv = ["r1light", *request["arguments"]]
        if request["stage"]:
            from r1light.stages import STAGES

            STAGES["act"] = request["stage"]
        from r1light.__main__ import main as command

        code = command()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(child: int, seconds: float) -> int:
    """The exit code; that of SIGKILL where the deadline is past."""
    end = time.monotonic() + seconds
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.005)


if __name__ == "__main__":
    main()
