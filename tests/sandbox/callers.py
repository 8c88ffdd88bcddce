"""Run in a process of its own: opens a sandbox as whoever runs it, and prints what became of a few programs.

Arguments, as JSON: `isolation`; `forbid`: whether namespaces are to be refused, as containers do; `wait`:
whether to print a line and sleep, with a program running, until killed.
"""
# ruff: noqa: T201 - it reports by printing

import json
import os
import shutil
import struct
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from r1light.core.errors import SandboxError
from r1light.core.sandbox import Limits
from r1light.sandbox.box import open_sandbox
from r1light.sandbox.jail import kernel
from r1light.sandbox.types import AssertTest, Program, SandboxConfig, StdioTest

UNSHARE, SETNS, MOUNT, CLONE, CLONE3 = 272, 308, 165, 56, 435  # x86_64
NAMESPACES = 0x7E020080


def forbid_namespaces():
    """Refuse what the default profile of a container refuses a process without privileges."""

    def op(code, value, then=0, otherwise=0):
        return struct.pack("<HBBI", code, then, otherwise, value)

    def refuse(number, error):
        return op(0x15, number, 0, 1) + op(0x06, 0x50000 | error)

    program = op(0x20, 0)
    for number in (UNSHARE, SETNS, MOUNT):
        program += refuse(number, 1)
    program += refuse(CLONE3, 38)
    program += op(0x15, CLONE, 0, 3) + op(0x20, 16) + op(0x45, NAMESPACES, 0, 1) + op(0x06, 0x50001)
    kernel.renounce_privileges()
    kernel.filter_calls(program + op(0x06, 0x7FFF0000))


def outcomes(box):
    limits = Limits(wall_seconds=1.0)
    stdio, double = [StdioTest("2", "4")], "def double(x):\n    return 2 * x"
    cpp = "#include <iostream>\nint main() { int a; std::cin >> a; std::cout << 2 * a; }"
    runs = {
        "right": (Program("print(2 * int(input()))"), stdio),
        "wrong": (Program("print(3 * int(input()))"), stdio),
        "hangs": (Program("while True:\n    pass"), stdio),
        "function": (Program(double), [AssertTest("assert double(2) == 4")]),
        "wrong function": (Program(double), [AssertTest("assert double(2) == 5")]),
    }
    if shutil.which("g++"):
        runs["cpp"] = (Program(cpp, "cpp"), stdio)
    with ThreadPoolExecutor(2) as pool:
        done = {name: pool.submit(box.run, *run, limits=limits) for name, run in runs.items()}
        return {name: future.result().status for name, future in done.items()}


def main(isolation="auto", forbid=False, wait=False):
    if forbid:
        forbid_namespaces()
    try:
        box = open_sandbox(SandboxConfig(isolation=isolation), 2)
    except SandboxError as error:
        print(json.dumps({"error": str(error)}))
        return
    with box:
        if wait:
            hang = Program("import threading\nthreading.Thread(target=input).start()\nwhile True:\n    pass")
            threading.Thread(target=box.run, args=(hang, [StdioTest("", "")]), daemon=True).start()
            time.sleep(0.3)
            print(
                json.dumps({"pids": box.pids, "bases": [one._base for one in box._launchers.values()]}),
                flush=True,
            )
            time.sleep(60)
        print(json.dumps({"tier": box.tier, "uid": os.getuid(), "outcomes": outcomes(box)}))


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
