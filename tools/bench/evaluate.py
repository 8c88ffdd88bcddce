"""How much of an evaluation's time is spent in generation.

    python tools/bench/evaluate.py [--limit 500] [--k 16] [--max-tokens 64] [--threads 1] [stage.option=...]

Runs `stage=evaluate` with the miniature model on held-out sums, in a fresh process and a folder of its own,
and prints two shares of generation: of the stage's time (`wall_seconds` of result.json: loading, drawing,
judging, summing up), and of the whole process's from its start to its end, which has Python's own start, the
configuration and the report besides. Other arguments are overrides. Seconds are the clock's, so that other
work on the machine changes them; the shares change little.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

DEADLINE = 3600.0


def shares(generate: float, spans: Mapping[str, float]) -> dict[str, float]:
    """The part of each span, in seconds, that generation takes.

    Example:
        >>> shares(8.0, {"stage": 10.0, "process": 16.0})
        {'stage': 0.8, 'process': 0.5}
    """
    return {name: generate / seconds for name, seconds in spans.items()}


def command(options: argparse.Namespace, overrides: Sequence[str], folder: Path) -> list[str]:
    """The evaluation's command line."""
    return [
        sys.executable, "-m", "r1light", "stage=evaluate", "trainer=cpu",
        f"trainer.threads={options.threads}", "stage.tasks=[arithmetic]", f"stage.limit={options.limit}",
        f"stage.k={options.k}", f"stage.max_tokens={options.max_tokens}", f"hydra.run.dir={folder}",
        *overrides,
    ]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Run it once, and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, value in (("--limit", 500), ("--k", 16), ("--max-tokens", 64), ("--threads", 1)):
        parser.add_argument(name, type=int, default=value)
    options, overrides = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
        begun = time.perf_counter()
        subprocess.run(
            command(options, overrides, folder), cwd=place, env=environment, check=True, timeout=DEADLINE
        )
        process = time.perf_counter() - begun
        metrics = json.loads((folder / "result.json").read_text())["metrics"]
    spans = {"the stage": metrics["wall_seconds"], "the whole process": process}
    print(f"generation took {metrics['generate_seconds']:.1f} s")
    for name, share in shares(metrics["generate_seconds"], spans).items():
        print(f"{share:6.1%} of {name} ({spans[name]:.1f} s)")


if __name__ == "__main__":
    main()
