"""The self-check: two updates of reinforcement learning on the miniature model, as a user starts them."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from r1light.doctor.finding import Finding

WORDS = (
    "stage=grpo",
    "stage.iterations=2",
    "stage.prompts_per_iteration=4",
    "stage.max_tokens=64",
    "stage.eval_every=0",
    "stage.test_problems=8",
    "trainer.threads=1",
    "resume=none",
)


def run_trial(words: Sequence[str], seconds: float) -> Finding:
    """Run it in a process and a folder of its own, and look at its numbers.

    Args:
        words: Further words of its command line.
        seconds: After so long it is ended.
    """
    with tempfile.TemporaryDirectory(prefix="r1light-doctor-") as folder:
        command = [sys.executable, "-m", "r1light", *WORDS, *words, f"hydra.run.dir={folder}/run"]
        started = time.monotonic()
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            advice = "see whether something else takes the processors; stage.trial_seconds gives it longer"
            return Finding("self-check", "problem", f"not done after {seconds:g} s", advice)
        took = time.monotonic() - started
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            return Finding(
                "self-check", "problem", f"exit code {done.returncode}: {last}", " ".join(command[:-1])
            )
        return _judge(Path(folder, "run"), took)


def _judge(folder: Path, took: float) -> Finding:
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    updates = [row for row in rows if "loss" in row]  # the others are evaluations
    odd = [name for name in ("loss", "grad_norm") if not all(math.isfinite(row[name]) for row in updates)]
    if odd:
        told = f"{' and '.join(odd)} not finite"
        return Finding("self-check", "problem", told, "report it with this table")
    return Finding("self-check", "ok", f"two updates of the miniature model in {took:.0f} s, start included")
