"""Whether a run takes more and more of the machine: memory, open files and processes over minutes of steps.

    python tools/bench/endurance.py [--minutes 10] [--data arithmetic] [more options of the run]

Runs `stage=grpo` and looks at it and all processes that it has started, once a second. The table has a row a
minute, medians over its seconds; the last line compares the last minute with the second.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STARTUP_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Look:
    """What a run takes at one moment, of all its processes: bytes resident, open files, processes."""

    memory: int
    files: int
    processes: int


def tree(pid: int) -> list[int]:
    """A process and all that it has started."""
    children = (path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return [pid, *(each for line in children for word in line for each in tree(int(word)))]


def look(pid: int) -> Look | None:
    """At a run's processes; None where one ends meanwhile."""
    try:
        pids = tree(pid)
        pages = sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in pids)
        files = sum(len(os.listdir(f"/proc/{each}/fd")) for each in pids)
    except OSError:
        return None
    return Look(pages * os.sysconf("SC_PAGE_SIZE"), files, len(pids))


def iterations(folder: Path) -> int:
    """How many a run has recorded."""
    path = folder / "metrics.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def watch(process: subprocess.Popen[str], folder: Path, minutes: int) -> list[tuple[Look, int]]:
    """A run's medians minute by minute from its first iteration on, each with the iterations done by then."""
    deadline = time.monotonic() + STARTUP_SECONDS
    while iterations(folder) < 2:
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the run did not begin: {(folder / 'r1light.log').read_text()[-2000:]}")
        time.sleep(0.1)
    rows = []
    for _ in range(minutes):
        looks, end = [], time.monotonic() + 60
        while time.monotonic() < end:
            if (found := look(process.pid)) is not None:
                looks.append(found)
            time.sleep(1)
        medians = (int(statistics.median(getattr(each, name) for each in looks)) for name in Look.__slots__)
        rows.append((Look(*medians), iterations(folder) - 1))
    return rows


def main() -> int:
    """Run, watch, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--data", default="arithmetic")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument("more", nargs="*", help="further options of the run")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        words = (
            "stage=grpo", f"data={args.data}", "stage.iterations=100000", "trainer=cpu", "resume=none",
            "trainer.threads=1", f"hydra.run.dir={folder}", *args.more,
        )  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", "r1light", *words], cwd=ROOT, text=True, start_new_session=True,
            stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        try:
            rows = watch(process, folder, args.minutes)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    print("| minute | iterations | MB | open files | processes |\n|---|---|---|---|---|")
    for number, (row, done) in enumerate(rows, start=1):
        print(f"| {number} | {done} | {row.memory / 1e6:.1f} | {row.files} | {row.processes} |")
    second, last = rows[min(1, len(rows) - 1)][0], rows[-1][0]
    growth = last.memory / second.memory - 1
    print(f"\nmemory from the second minute to the last: {growth:+.2%}")
    if args.json:
        args.json.write_text(json.dumps({"growth": growth, "files": [second.files, last.files]}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
