"""Runs the command lines that tools/gpu_check.py tries, and judges what they leave."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gpu_commands import STRATEGIES, Command

ROOT = Path(__file__).resolve().parents[1]
DIFFERENCE = "sampling/sampling_logp_difference/mean"
MOST_DIFFERENCE = 0.1
"""Nats a token that trainer and engine may differ on average, in mixed precision."""
LOSSES = 0.01
"""How far losses of one strategy may be from those of another, relatively: bfloat16 has 8 bits."""
MOST_KEPT = 1_000_000
"""Characters of the output of a command that fails: the last ones."""

Status = Literal["ok", "failed", "absent", "no time"]
Device = Literal["cuda", "cpu"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a check.

    Attributes:
        name: The check.
        status: Whether all was well.
        seconds: Wall clock.
        detail: Figures, or what went wrong.
        figures: The numbers behind it.
    """

    name: str
    status: Status
    seconds: float = 0.0
    detail: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


def write_rows(path: Path, count: int = 96) -> None:
    """Texts to learn from: sums with their results, the same in every run."""
    draw = random.Random(0)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(count):
            one, two = draw.randrange(10, 100), draw.randrange(10, 100)
            row = {"prompt": f"{one}+{two}=", "completion": f"{one + two}"}
            file.write(json.dumps(row) + "\n")


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs command lines, each in a process of its own.

    Attributes:
        folder: Theirs; it holds rows.jsonl, see `write_rows`.
        device: Where they compute.
        precision: Of the trainer, in Lightning's words.
        threads: Of a process.
        logs: Where the output of a command that fails is kept, in a file of its name; None for nowhere.
    """

    folder: Path
    device: Device = "cpu"
    precision: str = "32-true"
    threads: int = 1
    logs: Path | None = None

    def arguments(self, command: Command) -> list[str]:
        """The whole command line of a check."""
        updates = 5 if self.device == "cuda" else 2
        accelerator = "gpu" if self.device == "cuda" else "cpu"
        trainer = [f"trainer={command.trainer or accelerator}", f"trainer.accelerator={accelerator}"]
        trainer += [f"trainer.precision={self.precision}", f"trainer.threads={self.threads}"]
        files = {"rows": self.folder / "rows.jsonl", "tiny": ROOT / "r1light/models/weights/tiny"}
        words = [word.format(**files) for word in command.words.split()]
        words += command.small.split() if self.device == "cpu" else []
        words += [f"{command.updates}={updates}"] if command.updates else []
        run = f"hydra.run.dir={self.folder / command.name}"
        return [sys.executable, "-m", "r1light", *words, *trainer, "resume=none", run]

    def run(self, command: Command, seconds: float) -> Outcome:
        """Run one command line, for so long at most, and look at what it leaves."""
        started = time.perf_counter()
        paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        output = self.folder / f"{command.name}.out"
        with output.open("wb") as file:
            try:
                code: int | None = subprocess.run(
                    self.arguments(command),
                    cwd=self.folder,
                    env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": str(self.threads)},
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    timeout=seconds,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                code = None
        took = time.perf_counter() - started
        if code == 0:
            outcome = judge(command.name, self.folder / command.name, took)
        elif code is None:
            outcome = Outcome(command.name, "failed", took, f"not done after {seconds:.0f} s")
        else:
            said = " | ".join(output.read_text(errors="replace").strip().splitlines()[-3:])
            outcome = Outcome(command.name, "failed", took, f"exit code {code}: {said[-600:]}")
        if outcome.status == "failed" and self.logs is not None:
            self._keep(command, output)
        return outcome

    def _keep(self, command: Command, output: Path) -> None:
        """Put a command line, all that it said, and its logs into one file."""
        assert self.logs is not None
        self.logs.mkdir(parents=True, exist_ok=True)
        files = [output, *sorted((self.folder / command.name).glob("**/*.log"))]
        said = [f"== {file.name}\n{file.read_text(errors='replace')}" for file in files]
        text = "\n".join([" ".join(self.arguments(command)), *said])
        (self.logs / f"{command.name}.log").write_text(text[-MOST_KEPT:], encoding="utf-8")


def judge(name: str, folder: Path, took: float) -> Outcome:
    """Whether a run folder holds finite numbers, and engine and trainer agree where both computed any."""
    try:
        metrics = json.loads((folder / "result.json").read_text(encoding="utf-8"))["metrics"]
    except (OSError, ValueError, KeyError) as error:
        return Outcome(name, "failed", took, f"result.json cannot be read: {error}")
    wrong = [key for key, value in metrics.items() if not _is_finite(value)]
    if wrong or not metrics:
        return Outcome(name, "failed", took, f"result.json has no finite {', '.join(wrong) or 'number'}")
    figures = {key: float(metrics[key]) for key in ("train_seconds", "num_tokens") if key in metrics}
    rows = list(_json_lines(folder / "metrics.jsonl"))
    if not all(_is_finite(row["loss"]) for row in rows if "loss" in row):
        return Outcome(name, "failed", took, "a loss in metrics.jsonl is not finite", figures)
    if found := [row[DIFFERENCE] for row in rows if row.get(DIFFERENCE) is not None]:
        figures["logp_difference"] = max(found)
        if max(found) > MOST_DIFFERENCE:
            detail = f"engine and trainer differ by {max(found):.3g} nats a token, above {MOST_DIFFERENCE}"
            return Outcome(name, "failed", took, detail, figures)
    detail = ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
    return Outcome(name, "ok", took, detail, figures)


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def compare_losses(folder: Path) -> Iterator[Outcome]:
    """The losses of each strategy that has run against those of plain training, where that has too."""
    plain = _losses(folder / "sft")
    for name in STRATEGIES:
        losses = _losses(folder / f"sft_{name}")
        if not plain or not losses:
            continue
        worst = max(abs(one / other - 1) for one, other in zip(losses, plain, strict=True))
        status: Status = "ok" if worst <= LOSSES else "failed"
        yield Outcome(f"losses_{name}", status, detail=f"differ by {worst:.2g}", figures={"differ": worst})


def _losses(folder: Path) -> list[float]:
    return [row["loss"] for row in _json_lines(folder / "metrics.jsonl") if "loss" in row]
