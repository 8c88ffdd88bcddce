"""What scoring beside the engine saves: rollouts of `stage=grpo` whose rewards run programs, both ways.

    python tools/bench/overlap.py [--data tiny_programs] [--rounds 3] [--iterations 6] [--threads 1]

Each run is one of `stage=grpo` in a process of its own; both sides draw the same completions and score them
alike, which is checked. The first iteration is left out. A round runs both sides, in alternating order; the
table has medians over all iterations of all rounds, in seconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SIDES = ("one after the other", "beside the engine")
TIMES = ("time/generate", "time/reward", "rollout")
DEADLINE = 1800.0
ROOT = Path(__file__).resolve().parents[2]


def run(side: str, args: argparse.Namespace) -> list[dict[str, Any]]:
    """The rows of metrics.jsonl of one run."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            "stage=grpo", f"data={args.data}", f"stage.iterations={args.iterations}", "stage.eval_every=0",
            "stage.eval_problems=0", "stage.test_problems=1", f"stage.prompts_per_iteration={args.prompts}",
            f"stage.group_size={args.group}", f"stage.max_tokens={args.max_tokens}", "resume=none",
            "trainer=cpu", f"trainer.threads={args.threads}", f"hydra.run.dir={folder}/run",
            f"stage.overlap_rewards={side == SIDES[1]}", *args.more,
        ]  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "r1light", *words],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=DEADLINE,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{side}: exit code {done.returncode}\n{done.stderr[-3000:]}")
        lines = (Path(folder) / "run" / "metrics.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["iteration"] > 1]


def main() -> int:
    """Measure, check that both sides scored alike, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default="tiny_programs")
    for name, default in (("rounds", 3), ("iterations", 6), ("prompts", 16), ("group", 8), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--max-tokens", type=int, default=110)
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument("more", nargs="*", help="further options of the run")
    args = parser.parse_args()
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    rewards: dict[str, list[float]] = {}
    for number in range(args.rounds):
        for side in SIDES if number % 2 == 0 else SIDES[::-1]:
            rows = run(side, args)
            rewards[side] = [row["reward"] for row in rows]
            found[side] += [{**row, "rollout": row["time/generate"] + row["time/reward"]} for row in rows]
        if rewards[SIDES[0]] != rewards[SIDES[1]]:
            raise SystemExit(f"the sides scored differently: {rewards}")
    print("| rewards | generating, s | waiting for rewards, s | rollout, s |\n|---|---|---|---|")
    medians = {
        side: [statistics.median(row[name] for row in found[side]) for name in TIMES] for side in SIDES
    }
    for side in SIDES:
        print(f"| {side} | " + " | ".join(f"{value:.3f}" for value in medians[side]) + " |")
    ratio = medians[SIDES[1]][-1] / medians[SIDES[0]][-1]
    print(f"\nA rollout takes {ratio:.2f} of the time without the overlap ({args.threads} threads).")
    if args.json is not None:
        told = {side: dict(zip(TIMES, medians[side], strict=True)) for side in SIDES} | {"ratio": ratio}
        args.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
