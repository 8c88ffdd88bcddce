"""How many programs a second the sandbox judges, beside `python prog.py` for each test.

    python tools/bench/sandbox.py                        # a Markdown table
    python tools/bench/sandbox.py --json out.json        # the figures as well
    python tools/bench/sandbox.py --parent-gib 4         # measured from a process of that size

Methods take turns, round by round, so that a change of the machine's load meets all of them; the table gives
medians over the rounds. `python prog.py` is the naive way: an interpreter with `site`, a process a test.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from r1light.core.errors import SandboxError
from r1light.sandbox.box import open_sandbox
from r1light.sandbox.types import AssertTest, Program, Sandbox, SandboxConfig, StdioTest, Test

Item = tuple[Program, Sequence[Test]]

_STDIO = """
import sys
def main():
    data = list(map(int, sys.stdin.read().split()))
    n, values = data[0], data[1:]
    best = total = 0
    for value in values[:n]:
        total = max(0, total + value) + {index} * 0
        best = max(best, total)
    print(best)
main()
"""
_FUNCTION = """
def solve(values):
    best = total = 0
    for value in values:
        total = max(0, total + value) + {index} * 0
        best = max(best, total)
    return best
"""
_CASES = (([3, -5, 4, 2, -1], 6), ([-1, -2], 0), ([2, -1, 2, -1, 2], 4))


def stdio_items(count: int) -> list[Item]:
    """Programs with three tests each by standard input and output."""
    tests = [
        StdioTest(f"{len(values)}\n{' '.join(map(str, values))}\n", f"{best}\n") for values, best in _CASES
    ]
    return [(Program(_STDIO.format(index=index)), tests) for index in range(count)]


def function_items(count: int) -> list[Item]:
    """Programs with three asserts each."""
    tests = [AssertTest(f"assert solve({values}) == {best}") for values, best in _CASES]
    return [(Program(_FUNCTION.format(index=index)), tests) for index in range(count)]


def naive(items: Sequence[Item], workers: int) -> None:
    """`python prog.py` for each test, compared with the expected output; no isolation at all."""

    def judge(item: Item) -> None:
        program, tests = item
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "prog.py")
            path.write_text(program.code)
            for test in tests:
                assert isinstance(test, StdioTest)
                done = subprocess.run(
                    [sys.executable, path],
                    input=test.stdin,
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=True,
                )
                assert done.stdout == test.stdout

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(judge, items))


def sandboxed(box: Sandbox, items: Sequence[Item]) -> None:
    """The same in a sandbox."""
    outcomes = box.run_many(items, deadline_s=600)
    failed = [outcome for outcome in outcomes if outcome.status != "pass"]
    assert not failed, failed[0]


def seconds(action: Callable[[], None]) -> float:
    """Wall clock of a call."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def measure(methods: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each method in each round, taken in turns."""
    taken: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(rounds):
        for name, action in methods.items():
            taken[name].append(seconds(action))
    return taken


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--programs", type=int, default=512, help="programs a round in a sandbox")
    parser.add_argument("--naive-programs", type=int, default=64, help="programs a round the naive way")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--tiers", nargs="*", default=["namespaces", "landlock"])
    parser.add_argument("--parent-gib", type=float, default=0, help="memory that this process holds")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    ballast = mmap.mmap(-1, max(1, int(options.parent_gib * 2**30)))
    for offset in range(0, len(ballast), 4096):
        ballast[offset] = 1

    counts = {"python prog.py": options.naive_programs}
    methods: dict[str, Callable[[], None]] = {
        "python prog.py": lambda: naive(stdio_items(options.naive_programs), options.workers)
    }
    boxes = []
    for tier in options.tiers:
        try:
            box = open_sandbox(SandboxConfig(isolation=tier), options.workers)
        except SandboxError as error:
            print(f"{tier} is left out: {error}", file=sys.stderr)
            continue
        boxes.append(box)
        for kind, items in (("stdio", stdio_items), ("asserts", function_items)):
            name = f"{tier}, {kind}"
            counts[name] = options.programs
            methods[name] = partial(sandboxed, box, items(options.programs))
    try:
        report(measure(methods, options.rounds), counts, options)
    finally:
        for box in boxes:
            box.close()


def report(taken: dict[str, list[float]], counts: dict[str, int], options: argparse.Namespace) -> None:
    """Print the table, and write the figures."""
    rates = {name: counts[name] / statistics.median(times) for name, times in taken.items()}
    print(f"{options.workers} workers, 3 tests a program, medians of {options.rounds} rounds in turns\n")
    print("| method | programs/s | s for 512 | times `python prog.py` |")
    print("|---|---|---|---|")
    for name, rate in rates.items():
        print(f"| {name} | {rate:.1f} | {512 / rate:.1f} | {rate / rates['python prog.py']:.2f} |")
    if options.json is not None:
        rows = {name: {"programs_per_s": rate, "seconds": taken[name]} for name, rate in rates.items()}
        settings = {key: value for key, value in vars(options).items() if key != "json"}
        options.json.write_text(json.dumps({"settings": settings, "methods": rows}, indent=2))


if __name__ == "__main__":
    main()
