"""Real programs in real sandboxes, in each tier that this machine has."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from r1light.sandbox.types import AssertTest, Limits, Program, StdioTest

pytestmark = pytest.mark.sandbox

SHORT = Limits(wall_seconds=1.0, cpu_seconds=1, memory_mib=256)
ECHO = "print(input())"


def judge(box, code, *tests, limits=None, **options):
    return box.run(Program(code), tests or (StdioTest("a\n", "a\n"),), limits=limits, **options)


@pytest.mark.parametrize(
    ("code", "status", "detail"),
    [
        (ECHO, "pass", ""),
        ("import sys\nprint(input())\nsys.exit(0)", "pass", ""),
        ("if __name__ == '__main__':\n    print(open(0).read())", "pass", ""),
        ("import atexit\natexit.register(lambda: print(input()))", "pass", ""),
        ("import threading\nthreading.Thread(target=lambda: print(input())).start()", "pass", ""),
        ("print(input() + 'b')", "wrong", "'ab' where 'a' is expected"),
        ("", "wrong", "'' where 'a' is expected"),
        ("print(input())\nraise SystemExit(3)", "runtime_error", "exit status 3"),
        ("print(input())\n1 / 0", "runtime_error", "ZeroDivisionError: division by zero"),
        ("import os\nprint(input(), flush=True)\nos.abort()", "runtime_error", "Aborted"),
        ("print(input()", "compile_error", "'(' was never closed"),
        ("x = '\0'", "compile_error", "null bytes"),
        ("print('\ud800')", "compile_error", "no text"),
        ("#" * (257 << 10), "compile_error", "above the limit of 256"),
        ("(" * 5000, "compile_error", "too many nested parentheses"),
        ("while True:\n    print('a' * 1000)", "output_limit", "more than 1024 KiB"),
        ("a = [0] * 10**9", "memory", "MemoryError"),
        ("import time\ntime.sleep(60)", "timeout", "stopped after 1."),
        ("while True:\n    pass", "timeout", "stopped after"),
        (
            "import signal\nsignal.signal(signal.SIGXCPU, lambda *_: None)\nwhile True:\n    pass",
            "timeout",
            "",
        ),
        ("def f():\n    f()\nf()", "runtime_error", "RecursionError"),
        ("import sys\nsys.stderr.write('x' * 10**6)\nprint(input())", "pass", ""),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_how_programs_end(box, code, status, detail):
    outcome = judge(box, code, limits=SHORT)
    assert (outcome.status, outcome.passed, outcome.total) == (status, int(status == "pass"), 1)
    assert detail in outcome.detail


def test_it_stops_at_the_first_failure_unless_asked_otherwise(box):
    tests = [StdioTest("a", "a"), StdioTest("b", "c"), StdioTest("d", "d")]
    first = judge(box, ECHO, *tests)
    assert (first.status, first.passed, first.total, len(first.tests)) == ("wrong", 1, 3, 2)
    assert first.detail == "test 2 of 3: line 1: 'b' where 'c' is expected"
    every = judge(box, ECHO, *tests, stop_on_fail=False)
    assert [test.status for test in every.tests] == ["pass", "wrong", "pass"]
    assert (every.status, every.passed) == ("wrong", 2)


def test_large_inputs_and_outputs_arrive_whole(box):
    text = "\n".join(str(number) for number in range(300_000))
    assert judge(box, "print(open(0).read())", StdioTest(text, text)).status == "pass"


def test_all_tests_together_have_a_limit(box):
    limits = Limits(wall_seconds=1.0, program_seconds=1.2)
    outcome = judge(
        box, "import time\ntime.sleep(0.7)", *[StdioTest("", "")] * 3, limits=limits, stop_on_fail=False
    )
    assert [test.status for test in outcome.tests] == ["pass", "timeout", "timeout"]


def test_runs_repeat(box):
    code = "import random\nprint(random.random(), hash('a'), {'x', 'y', 'z'})"
    outcomes = [judge(box, code, StdioTest("", "")) for _ in range(2)]
    assert outcomes[0].detail == outcomes[1].detail


def test_nothing_stays_from_one_test_to_the_next(box):
    code = "import os\nprint(len(os.listdir('.')))\nos.makedirs('a/b')\nopen('a/c', 'w').write('x')"
    assert judge(box, code, StdioTest("", "0"), StdioTest("", "0")).status == "pass"


def test_a_program_that_fills_its_folder_is_stopped(box):
    code = """
try:
    for i in range(100):
        open(f"f{i}", "wb").write(bytes(8 << 20))
except OSError:
    print("full")
else:
    import time
    time.sleep(5)
"""
    outcome = judge(box, code, StdioTest("", "full"))
    assert outcome.status == ("pass" if box.tier == "namespaces" else "output_limit")


def test_a_program_without_tests_cannot_be_judged(any_box):
    with pytest.raises(ValueError, match="without tests"):
        any_box.run(Program(ECHO), [])


def test_many_keep_their_order(box):
    items = [(Program(f"print({index})"), [StdioTest("", str(index % 5))]) for index in range(20)]
    outcomes = box.run_many(items, deadline_s=60)
    assert [outcome.status == "pass" for outcome in outcomes] == [index < 5 for index in range(20)]


def test_what_is_unfinished_at_the_deadline_is_no_wrong_answer(box):
    items = [(Program("import time\ntime.sleep(8)"), [StdioTest("", "")])] * 4
    begin = time.monotonic()
    outcomes = box.run_many(items, deadline_s=1.0)
    assert time.monotonic() - begin < 6
    assert {outcome.status for outcome in outcomes} == {"infra"}
    assert judge(box, ECHO).status == "pass"


def test_no_process_and_no_descriptor_is_left(box):
    judge(box, ECHO)
    descriptors, processes = set(os.listdir("/proc/self/fd")), children(box)
    hangs = "import threading\n" + "threading.Thread(target=input).start()\n" * 3 + "while True:\n    pass"
    items = [(Program(code), [StdioTest("a\n", "a\n")]) for code in (ECHO, hangs, "raise SystemExit(1)")]
    box.run_many(items * 3, deadline_s=0.7)
    box.run_many([(Program("def f():\n    return 1"), [AssertTest("assert f() == 1")])], deadline_s=30)
    assert settled(lambda: set(os.listdir("/proc/self/fd")) <= descriptors and children(box) <= processes)


def test_a_fork_server_that_dies_is_replaced(box):
    os.kill(box.pids[0], signal.SIGKILL)
    assert judge(box, ECHO).status == "pass"
    os.kill(box.pids[1], signal.SIGKILL)
    outcome = judge(box, "def f():\n    return 1", AssertTest("assert f() == 1"))
    assert outcome.status == "pass"


def test_a_forked_child_has_fork_servers_of_its_own(any_box):
    parents = any_box.pids
    pid = os.fork()
    if pid == 0:
        right = judge(any_box, ECHO).status == "pass" and not set(any_box.pids) & set(parents)
        for launcher in any_box._launchers.values():
            launcher.close()
        os._exit(0 if right else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert judge(any_box, ECHO).status == "pass"


def test_threads_may_share_it(box):
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(
            pool.map(lambda index: judge(box, f"print({index})", StdioTest("", str(index))), range(16))
        )
    assert [outcome.status for outcome in outcomes] == ["pass"] * 16


def test_every_probe_of_the_selftest_holds(box):
    assert [probe for probe in box.selftest() if not probe.ok] == []


def children(box):
    """The processes below the fork servers."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent in box.pids:
                found.add(entry.name)
    return found


def settled(holds, seconds=10):
    """Whether it holds before the time is over."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
