"""A small run of `stage=grpo` that tools/chaos.py strikes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
ITERATIONS, INTERVAL = 8, 2
DEADLINE = 300.0
PLAIN = (
    "stage=grpo", "trainer=cpu", "trainer.threads=1", f"stage.iterations={ITERATIONS}",
    "stage.prompts_per_iteration=4", "stage.group_size=4", "stage.max_tokens=48", "stage.eval_problems=8",
    "stage.test_problems=8", "stage.eval_every=3", f"stage.checkpoint_every={INTERVAL}",
    "reward.deadline_s=5",
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


class Run:
    """A run in its folder, and the process that works on it."""

    def __init__(self, world: str, home: Path) -> None:
        self.world = world
        self.home = home
        self.folder = home / "run"
        self.process: subprocess.Popen[str] | None = None
        home.mkdir(parents=True)
        (home / "function.py").write_text(FUNCTION)
        pairs = [(a, b) for a in range(40, 50) for b in range(40, 50)]
        # a fraction, as plain numbers are compared without a worker
        rows = [{"prompt": f"Compute {a}+{b}", "answer": f"\\frac{{{2 * (a + b)}}}{{2}}"} for a, b in pairs]
        (home / "formulas.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def start(self, prefix: Sequence[str] = ()) -> None:
        """Start it, or go on with it."""
        options = [*PLAIN, *(option.format(home=self.home) for option in WORLDS[self.world])]
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "r1light", *options, f"hydra.run.dir={self.folder}"],
            cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    @property
    def pid(self) -> int:
        """Of its process."""
        assert self.process is not None
        return self.process.pid

    @property
    def lives(self) -> bool:
        """Whether its process does."""
        return self.process is not None and self.process.poll() is None

    def finish(self) -> tuple[int, str]:
        """The exit code, and what was said until then; in time."""
        assert self.process is not None
        try:
            said = self.process.communicate(timeout=DEADLINE)[1]
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            raise SystemExit(f"FAILED: a process hung for {DEADLINE:g} s: {self.process.args}") from None
        return self.process.returncode, said

    @property
    def recorded(self) -> int:
        """The last iteration in metrics.jsonl."""
        path = self.folder / "metrics.jsonl"
        text = path.read_text().rpartition("\n")[0] if path.exists() else ""
        return max((json.loads(line)["iteration"] for line in text.splitlines()), default=0)

    def model(self) -> dict[str, Tensor]:
        """The trained weights."""
        return load_file(self.folder / "model" / "model.safetensors")
