"""Faults on purpose: small runs of `stage=grpo`, each struck once, that have to end in time and to go on.

    python tools/chaos.py [--runs 30] [--seed 0] [--only killed ...] [--folder DIR]

Each run is a process of its own that is struck at a moment drawn from the seed. It may survive, or end with
one line; then the same command goes on with it. What is checked: nothing hangs, no traceback is shown, no
more iterations are done again than the fault costs (those since the last checkpoint; one interval more where
the newest is damaged), and the model in the end is bit for bit that of a run without a fault. Prints a
Markdown table; exit code 1 where a check fails. The fault of vLLM needs one installed.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from chaos_run import FLAG, INTERVAL, ITERATIONS, Run
from torch import Tensor

POLL = 0.02
Strike = Callable[[Run], object]
"""What happens to a run."""


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have."""
    try:
        texts = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    found = [int(word) for text in texts for word in text.split()]
    return [*found, *(deeper for child in found for deeper in descendants(child))]


def kill_one(words: str) -> Strike:
    """Kill one process of the run whose command line has these words."""

    def strike(run: Run) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and run.lives:
            for pid in descendants(run.pid):
                with contextlib.suppress(OSError):
                    if words in Path(f"/proc/{pid}/cmdline").read_text():
                        os.kill(pid, signal.SIGKILL)
                        return
        raise LookupError(f"no process of the run has {words!r} in its command line")

    return strike


def send(signum: signal.Signals) -> Strike:
    """Send the run a signal."""
    return lambda run: os.kill(run.pid, signum)


def kill_all(run: Run) -> None:
    """Kill the run and all that it has started, as a machine that goes down does."""
    os.killpg(run.pid, signal.SIGKILL)


def misbehave(how: str) -> Strike:
    """Make the reward function fail from now on."""
    return lambda run: (run.home / FLAG).write_text(how)


def fill_disk(run: Run) -> None:
    """Let the process write no file of more than a megabyte: a checkpoint is larger."""
    resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (2**20, 2**20))


def damage(run: Run) -> None:
    """Kill the run and flip one byte of its newest checkpoint."""
    kill_all(run)
    newest = max((run.folder / "checkpoints").glob("iteration-*.ckpt"))
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 0xFF
    newest.write_bytes(data)


def make_read_only(run: Run) -> None:
    """Kill the run, and go on with it where nothing can be written."""
    kill_all(run)
    run.finish()
    mounts = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    run.start(("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounts, str(run.folder)))


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a run, and how it may take it.

    Attributes:
        world: What is trained.
        strike: Does it to a run and its process.
        codes: Exit codes of the struck process that are right; 0 where it lives on.
        line: What its last line is like where it ends on its own with another code; a regular expression.
        costs: Checkpoint intervals whose iterations may be done again.
    """

    world: str
    strike: Strike
    codes: tuple[int, ...]
    line: str = "^error: "
    costs: int = 1


FAULTS = {
    "killed": Fault("sums", kill_all, (-9,)),
    "SIGTERM": Fault("sums", send(signal.SIGTERM), (143,), "", 0),
    "SIGUSR1": Fault("sums", send(signal.SIGUSR1), (138,), "", 0),
    "full disk": Fault("sums", fill_disk, (1,), "^error: cannot (save|write)"),
    "damaged checkpoint": Fault("sums", damage, (-9,), costs=2),
    "read-only folder": Fault("sums", make_read_only, (1, 2)),
    "reward raises": Fault("function", misbehave("raises"), (1,), "a fault on purpose"),
    "reward hangs": Fault("function", misbehave("hangs"), (1,)),
    "reward returns NaN": Fault("function", misbehave("nan"), (1,)),
    "dead reward process": Fault("function", kill_one("foreign_worker"), (0,)),
    "dead math worker": Fault("formulas", kill_one("math_worker"), (0,)),
    "dead sandbox": Fault("programs", kill_one("jail"), (0,)),
    "dead vLLM server": Fault("vllm", kill_one("vllm.entrypoints"), (0,)),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one fault came to."""

    code: int
    again: int
    seconds: float
    failure: str = ""


def suffer(fault: Fault, run: Run, whole: dict[str, Tensor], rng: random.Random) -> Outcome:
    """Strike a run at a moment of its own, go on with it, and compare its model with the unharmed one's."""
    started = time.monotonic()
    run.start()
    moment = rng.randint(INTERVAL * fault.costs + 1, ITERATIONS - 2)
    while run.recorded < moment and run.lives:
        time.sleep(POLL)
    time.sleep(rng.uniform(0, 0.3))
    missed = ""
    try:
        fault.strike(run)
    except LookupError as error:
        missed = str(error)
    code, said = run.finish()
    reached, again = run.recorded, 0
    (run.home / FLAG).unlink(missing_ok=True)
    failure = missed or _fault_of(fault, code, said)
    if code and not failure:
        run.start()
        last, said = run.finish()
        resumed = re.search(r"resumed after iteration (\d+)", said)
        again = reached - int(resumed[1] if resumed else 0)
        failure = f"it does not go on: exit code {last}: {said[-500:]}" if last else ""
    if not failure and again > INTERVAL * fault.costs:
        failure = f"{again} iterations are done again"
    if not failure and not _same(run.model(), whole):
        failure = "the model is another than that of a run without a fault"
    return Outcome(code, again, time.monotonic() - started, failure)


def _same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether two models are equal bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def _fault_of(fault: Fault, code: int, said: str) -> str:
    if code not in fault.codes:
        return f"exit code {code}: {said[-500:]}"
    if "Traceback" in said and "a fault on purpose" not in said:
        return f"a traceback: {said[-1000:]}"
    if code > 0 and not re.search(fault.line, said, re.MULTILINE):
        return f"no line {fault.line!r} in: {said[-500:]}"
    return ""


def main() -> int:
    """Strike the runs, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=FAULTS, default=[])
    parser.add_argument("--folder", type=Path, help="where the runs are kept; else they are deleted")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        return _strike_all(args, args.folder or Path(temporary))


def _strike_all(args: argparse.Namespace, folder: Path) -> int:
    here = importlib.util.find_spec("vllm") is not None
    names = args.only or [name for name in FAULTS if here or FAULTS[name].world != "vllm"]
    kinds = (names * (args.runs // len(names) + 1))[: args.runs]
    whole: dict[str, dict[str, Tensor]] = {}
    outcomes: dict[str, list[Outcome]] = {}
    for number, name in enumerate(kinds):
        fault, home = FAULTS[name], folder / f"{number:02}-{name.replace(' ', '-')}"
        if fault.world not in whole:
            unharmed = Run(fault.world, folder / fault.world)
            unharmed.start()
            code, said = unharmed.finish()
            if code:
                raise SystemExit(f"FAILED: {fault.world} without a fault: {said[-1000:]}")
            whole[fault.world] = unharmed.model()
        draw = random.Random(f"chaos/{args.seed}/{number}")
        outcome = suffer(fault, Run(fault.world, home), whole[fault.world], draw)
        outcomes.setdefault(name, []).append(outcome)
        told = outcome.failure or "as it should"
        print(
            f"{number + 1}/{args.runs} {name}: {outcome.seconds:.0f} s, {told}", file=sys.stderr, flush=True
        )
    print(_table(outcomes))
    return int(any(outcome.failure for each in outcomes.values() for outcome in each))


def _table(outcomes: dict[str, list[Outcome]]) -> str:
    lines = [
        "| fault | runs | exit codes | iterations done again, at most | as they should |",
        "|---|---|---|---|---|",
    ]
    for name, each in outcomes.items():
        codes = ", ".join(str(code) for code in sorted({outcome.code for outcome in each}))
        again = max(outcome.again for outcome in each)
        good = sum(not outcome.failure for outcome in each)
        lines.append(f"| {name} | {len(each)} | {codes} | {again} | {good} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
