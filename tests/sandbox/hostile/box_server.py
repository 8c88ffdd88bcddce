"""A sandbox behind a pipe: opens it as another user or with namespaces forbidden, and runs what is asked.

    python box_server.py '{"isolation": "auto", "workers": 2, "limits": {...}, "forbid_namespaces": false}'

A line of input is {"id", "programs": [program, ...], "tests": [...], "patient": bool}; all but the last
program run before it in the same sandbox and are not judged. The first line of output is {"tier"}, then one
{"id", "outcome", "seconds"} a request, and after the end of input {"left": processes that are still there}.
"""

import ctypes
import dataclasses
import json
import os
import struct
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from r1light.sandbox.box import open_sandbox
from r1light.sandbox.types import AssertTest, Limits, Program, SandboxConfig, StdioTest

PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 36, 38, 22
REFUSED = {
    272: 1,
    308: 1,
    165: 1,
    155: 1,
    435: 38,
}  # unshare, setns, mount, pivot_root: EPERM; clone3: ENOSYS
CLONE, NAMESPACE_FLAGS = 56, 0x7E020000
_writing = threading.Lock()


def say(**message):
    with _writing:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def forbid_namespaces():
    """What a container without privileges does, by a filter of seccomp (x86-64 only)."""

    def instruction(code, yes, no, k):
        return struct.pack("HBBI", code, yes, no, k)

    load, equal, any_bit, give = 0x20, 0x15, 0x45, 0x06
    program = [instruction(load, 0, 0, 0)]
    for number, errno in REFUSED.items():
        program += [instruction(equal, 0, 1, number), instruction(give, 0, 0, 0x00050000 | errno)]
    program += [
        instruction(equal, 0, 3, CLONE),
        instruction(load, 0, 0, 16),  # the low half of clone's first argument
        instruction(any_bit, 0, 1, NAMESPACE_FLAGS),
        instruction(give, 0, 0, 0x00050000 | 1),
        instruction(give, 0, 0, 0x7FFF0000),
    ]
    code = ctypes.create_string_buffer(b"".join(program))
    filtered = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, 2, filtered, 0, 0):
        raise OSError(ctypes.get_errno(), "the filter was not installed")
    if libc.unshare(0x10000000) == 0:
        raise RuntimeError("namespaces are not forbidden")


def children():
    """Processes whose parent is this one: what the sandbox started, and orphans of it."""
    found = []
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/children") as file:
            for pid in file.read().split():
                with open(f"/proc/{pid}/cmdline") as command:
                    found.append(f"{pid} {command.read()[:200]!r}")
    return found


def answer(boxes, request):
    box = boxes[request["patient"]]
    tests = [AssertTest(test) if isinstance(test, str) else StdioTest(**test) for test in request["tests"]]
    *before, program = (Program(**program) for program in request["programs"])
    started = time.monotonic()
    try:
        for earlier in before:
            box.run(earlier, [StdioTest("", "")])
        outcome = dataclasses.asdict(box.run(program, tests))
    except Exception as error:  # told to the test, which fails by it
        outcome = {"status": f"raised {type(error).__name__}: {error}"}
    say(id=request["id"], outcome=outcome, seconds=time.monotonic() - started)


def main(settings):
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if settings["forbid_namespaces"]:
        forbid_namespaces()
    strict = SandboxConfig(isolation=settings["isolation"], limits=Limits(**settings["limits"]))
    patient = SandboxConfig(isolation=settings["isolation"])
    workers = settings["workers"]
    with open_sandbox(strict, workers) as box, open_sandbox(patient, workers) as patient_box:
        say(tier=box.tier)
        with ThreadPoolExecutor(workers) as pool:
            for line in sys.stdin:
                pool.submit(answer, {False: box, True: patient_box}, json.loads(line))
    until = time.monotonic() + 2  # the kernel takes a moment to end what was killed
    while children() and time.monotonic() < until:
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        time.sleep(0.01)
    say(left=children())


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
