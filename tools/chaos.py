"""Faults on purpose: small runs of `stage=grpo`, each struck once, that have to end in time and to go on.

    python tools/chaos.py [--runs 30] [--seed 0] [--only killed ...] [--folder DIR]

Each run is a process of its own that is struck at a moment drawn from the seed. It may survive, or end with one
line; then it is started again by the same command. What is checked: nothing hangs, no traceback is shown, no more
iterations are done again than the fault costs (those since the last checkpoint; one checkpoint more where the
newest is damaged), and the model in the end is bit for bit that of a run without a fault. Prints a Markdown table;
exit code 1 where a check fails. The faults of vLLM need one installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ITERATIONS, INTERVAL = 8, 2
DEADLINE = 300.0
POLL = 0.02
PLAIN = (
    "stage=grpo", "trainer=cpu", "trainer.threads=1", f"stage.iterations={ITERATIONS}",
    "stage.prompts_per_iteration=4", "stage.group_size=4", "stage.max_tokens=48", "stage.eval_problems=8",
    "stage.test_problems=8", "stage.eval_every=3", f"stage.checkpoint_every={INTERVAL}", "reward.deadline_s=5",
)  # fmt: skip
FLAG = "fault"
"""A file beside the reward function, which says what it is to do."""
FUNCTION = f'''
import pathlib, time

def score(data_source, solution_str, ground_truth, extra_info=None):
    flag = pathlib.Path(__file__).with_name("{FLAG}")
    fault = flag.read_text() if flag.exists() else ""
    if fault == "raises":
        raise RuntimeError("a fault on purpose")
    if fault == "hangs":
        time.sleep(3600)
    return float("nan") if fault == "nan" else solution_str.count("1") / 10
'''
WORLDS = {
    "sums": ("data.train_size=256", "data.test_size=16"),
    "programs": ("data=tiny_programs", "stage.max_tokens=96"),
    "formulas": ("data=jsonl", "data.path={home}/formulas.jsonl", "data.test_share=0.3"),
    "function": ("reward=verl", "reward.components.verl.function={home}/function.py:score"),
    "vllm": ("rollout=vllm", "rollout.mode=server"),
}


@dataclass(frozen=True, slots=True)
class Run:
    """A run in its folder."""

    world: str
    home: Path
    folder: Path

    def start(self, prefix: Sequence[str] = ()) -> subprocess.Popen[str]:
        """Start it, or go on with it."""
        options = [*PLAIN, *(option.format(home=self.home) for option in WORLDS[self.world])]
        return subprocess.Popen(
            [*prefix, sys.executable, "-m", "r1light", *options, f"hydra.run.dir={self.folder}"],
            cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    @property
    def recorded(self) -> int:
        """The last iteration in metrics.jsonl."""
        path = self.folder / "metrics.jsonl"
        text = path.read_text().rpartition("\n")[0] if path.exists() else ""
        return max((json.loads(line)["iteration"] for line in text.splitlines()), default=0)

    def model(self) -> bytes:
        """The trained weights."""
        return (self.folder / "model" / "model.safetensors").read_bytes()


def finish(process: subprocess.Popen[str]) -> str:
    """What it says until it ends, in time."""
    try:
        return process.communicate(timeout=DEADLINE)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise SystemExit(f"FAILED: a process hung for {DEADLINE:g} s: {' '.join(process.args)}") from None  # type: ignore[arg-type]


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    try:
        found = [int(word) for path in children for word in path.read_text().split()]
    except OSError:
        return []
    return [*found, *(deeper for child in found for deeper in descendants(child))]


def kill_one(words: str) -> Callable[[Run, subprocess.Popen[str]], None]:
    """A strike that kills one process of the run whose command line has these words."""

    def strike(run: Run, process: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            for pid in descendants(process.pid):
                try:
                    if words in Path(f"/proc/{pid}/cmdline").read_text():
                        os.kill(pid, signal.SIGKILL)
                        return
                except OSError:
                    continue
        raise SystemExit(f"FAILED: no process of the run has {words!r} in its command line")

    return strike


def send(signum: signal.Signals) -> Callable[[Run, subprocess.Popen[str]], None]:
    """A strike by a signal; SIGKILL takes all that the run has started, as an out-of-memory kill may."""

    def strike(run: Run, process: subprocess.Popen[str]) -> None:
        (os.killpg if signum == signal.SIGKILL else os.kill)(process.pid, signum)

    return strike


def misbehave(how: str) -> Callable[[Run, subprocess.Popen[str]], None]:
    """A strike that makes the reward function fail from now on."""
    return lambda run, process: (run.home / FLAG).write_text(how) and None


def fill_disk(run: Run, process: subprocess.Popen[str]) -> None:
    """Let the process write no file of more than a megabyte: a checkpoint is larger."""
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (2**20, 2**20))


def damage(run: Run, process: subprocess.Popen[str]) -> None:
    """Kill the run and flip one byte of its newest checkpoint."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    newest = max((run.folder / "checkpoints").glob("iteration-*.ckpt"))
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 0xFF
    newest.write_bytes(data)


def make_read_only(run: Run, process: subprocess.Popen[str]) -> None:
    """Kill the run and try to go on where nothing can be written."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    mounts = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    again = run.start(
        ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounts, str(run.folder))
    )
    said = finish(again)
    if again.returncode not in (1, 2) or not said.strip().splitlines()[-1].startswith("error: "):
        raise SystemExit(f"FAILED: read-only folder, exit code {again.returncode}: {said[-500:]}")


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
    strike: Callable[[Run, subprocess.Popen[str]], None]
    codes: tuple[int, ...]
    line: str = "^error: "
    costs: int = 1


FAULTS = {
    "killed": Fault("sums", send(signal.SIGKILL), (-9,)),
    "SIGTERM": Fault("sums", send(signal.SIGTERM), (143,), "", 0),
    "SIGUSR1": Fault("sums", send(signal.SIGUSR1), (138,), "", 0),
    "full disk": Fault("sums", fill_disk, (1,), "^error: cannot (save|write)"),
    "damaged checkpoint": Fault("sums", damage, (-9,), costs=2),
    "read-only folder": Fault("sums", make_read_only, (-9,)),
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


def suffer(name: str, run: Run, whole: bytes, rng: random.Random) -> Outcome:
    """Strike a run at a moment of its own, go on with it, and compare its model with the unharmed one's."""
    fault = FAULTS[name]
    started = time.monotonic()
    process = run.start()
    moment = rng.randint(INTERVAL * fault.costs + 1, ITERATIONS - 2)
    while run.recorded < moment and process.poll() is None:
        time.sleep(POLL)
    time.sleep(rng.uniform(0, 0.3))
    fault.strike(run, process)
    said = finish(process)
    reached, again = run.recorded, 0
    (run.home / FLAG).unlink(missing_ok=True)
    failure = _fault_of(fault, process.returncode, said)
    if process.returncode and not failure:
        following = run.start()
        said = finish(following)
        if following.returncode:
            failure = f"it does not go on: exit code {following.returncode}: {said[-500:]}"
        elif resumed := re.search(r"resumed after iteration (\d+)", said):
            again = reached - int(resumed[1])
        else:
            again = reached
    if not failure and again >= max(1, INTERVAL * fault.costs + 1):
        failure = f"{again} iterations are lost"
    if not failure and run.model() != whole:
        failure = "the model is another than that of a run without a fault"
    return Outcome(process.returncode, again, time.monotonic() - started, failure)


def _fault_of(fault: Fault, code: int, said: str) -> str:
    if code not in fault.codes:
        return f"exit code {code}: {said[-500:]}"
    if "Traceback" in said and "a fault on purpose" not in said:
        return f"a traceback: {said[-1000:]}"
    if code > 0 and not re.search(fault.line, said, re.MULTILINE):
        return f"no line {fault.line!r} in: {said[-500:]}"
    return ""


def prepare(home: Path) -> None:
    """The reward function and the formulas that runs are given."""
    home.mkdir(parents=True)
    (home / "function.py").write_text(FUNCTION)
    rows = (
        {"prompt": f"Compute {a}+{b}.", "answer": str(a + b)} for a in range(40, 50) for b in range(40, 50)
    )
    (home / "formulas.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


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
    whole: dict[str, bytes] = {}
    outcomes: dict[str, list[Outcome]] = {}
    for number, name in enumerate(kinds):
        world = FAULTS[name].world
        home = folder / f"{number:02}-{name.replace(' ', '-')}"
        if world not in whole:
            unharmed = Run(world, folder / f"{world}-home", folder / f"{world}-whole")
            prepare(unharmed.home)
            said = finish(unharmed.start())
            if not (unharmed.folder / "result.json").exists():
                raise SystemExit(f"FAILED: {world} without a fault: {said[-1000:]}")
            whole[world] = unharmed.model()
        prepare(home)
        run = Run(world, home, home / "run")
        outcome = suffer(name, run, whole[world], random.Random(f"chaos/{args.seed}/{number}"))
        outcomes.setdefault(name, []).append(outcome)
        told = outcome.failure or "as it should"
        print(
            f"{number + 1}/{args.runs} {name}: {outcome.seconds:.0f} s, {told}", file=sys.stderr, flush=True
        )
        shutil.rmtree(run.folder, ignore_errors=not args.folder)
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
