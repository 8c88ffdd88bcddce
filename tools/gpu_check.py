"""Does it all run here? A few updates of every stage on the miniature model, through the real command line.

    python tools/gpu_check.py                       # on a GPU; a Markdown table, within ten minutes
    python tools/gpu_check.py --json out.json       # the figures as well
    python tools/gpu_check.py --device cpu          # the same without one, smaller
    python tools/gpu_check.py --only grpo_native,sft

Each command must end with exit code 0 and finite numbers in its result.json; trainer and rollout engine must
agree on log-probabilities; the native engine must agree with a plain forward pass; strategies must agree on
the losses of fine-tuning. Stages that this version does not have, and what needs a GPU where there is none,
are left out, and said so. The exit code is 0 if all is well.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, Literal

from gpu_commands import COMMANDS, STRATEGIES, Command

ROOT = Path(__file__).resolve().parents[1]
DIFFERENCE = "sampling/sampling_logp_difference/mean"
MOST_DIFFERENCE = 0.1
"""Nats a token that trainer and engine may differ on average, in mixed precision."""
BOUNDS = {"float32": 1e-3, "bfloat16": 0.05}
"""Nats a token that native engine and plain forward pass may differ on average, in one number format."""
LOSSES = 0.01
"""How far losses of one strategy may be from those of another, relatively: bfloat16 has 8 bits."""
PACKAGES = ("torch", "transformers", "lightning", "hydra-core", "numpy")

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


def arguments(command: Command, device: Device, rows: Path, folder: Path) -> list[str]:
    """The whole command line of a check."""
    updates = 5 if device == "cuda" else 2
    trainer = {"cuda": ["trainer=gpu"], "cpu": ["trainer=cpu", "trainer.threads=1"]}[device]
    if command.trainer:
        precision = ["trainer.precision=bf16-mixed"] if device == "cuda" else []
        accelerator = f"trainer.accelerator={'gpu' if device == 'cuda' else 'cpu'}"
        trainer = [f"trainer={command.trainer}", accelerator, *precision]
    words = [word.replace("{rows}", str(rows)) for word in command.words.split()]
    words += [f"{command.updates}={updates}"] if command.updates else []
    return [sys.executable, "-m", "r1light", *words, *trainer, "resume=none", f"hydra.run.dir={folder}"]


def run_command(command: Command, device: Device, rows: Path, folder: Path, seconds: float) -> Outcome:
    """Run one command line and look at what it leaves."""
    started = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    try:
        done = subprocess.run(
            arguments(command, device, rows, folder),
            cwd=folder.parent,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(command.name, "failed", seconds, f"not done after {seconds:.0f} s")
    took = time.perf_counter() - started
    if done.returncode:
        said = " | ".join(done.stderr.strip().splitlines()[-3:])
        return Outcome(command.name, "failed", took, f"exit code {done.returncode}: {said[-600:]}")
    return judge(command.name, folder, took)


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


def compare_logprobs(device: Device, dtype: str) -> Outcome:
    """The native engine's log-probabilities against those of a plain forward pass of the same model."""
    import torch

    from r1light.core.types import RolloutRequest, SamplingParams
    from r1light.models.tiny import Tiny
    from r1light.rollout.native import Native

    started = time.perf_counter()
    name = f"logprobs_{dtype}"
    loaded = Tiny(Tiny.Config()).load(device)
    model = loaded.model.to(getattr(torch, dtype)).eval()
    texts = ["Compute 12+34", "Compute 7+5", "A conversation between User and Assistant.", "9"]
    prompts = [tuple(loaded.tokenizer.encode(text, add_special_tokens=False)) for text in texts]
    requests = [RolloutRequest(str(i), ids, (0, i)) for i, ids in enumerate(prompts)]
    engine = Native(
        Native.Config(fallback=False), model, lambda ids: loaded.tokenizer.decode(list(ids)), loaded.eos_ids
    )
    differences: list[float] = []
    for group in engine.generate(requests, SamplingParams(n=8, max_tokens=48)):
        for completion in group.completions:
            prompt = group.request.prompt_ids
            ids = torch.tensor([[*prompt, *completion.token_ids]], device=device)
            with torch.no_grad():
                logprobs = model(input_ids=ids, use_cache=False).logits.float().log_softmax(-1)[0]
            at = torch.arange(len(prompt) - 1, ids.shape[1] - 1, device=device)
            plain = logprobs[at, ids[0, len(prompt) :]].cpu()
            differences += (plain - torch.tensor(completion.logprobs)).abs().tolist()
    engine.close()
    mean = sum(differences) / len(differences)
    figures = {"mean": mean, "max": max(differences), "tokens": float(len(differences))}
    status: Status = "ok" if mean <= BOUNDS[dtype] else "failed"
    detail = f"differ by {mean:.3g} nats a token, at most {max(differences):.3g}"
    return Outcome(name, status, time.perf_counter() - started, detail, figures)


def check_all(device: Device, only: Sequence[str], budget: float) -> Iterator[Outcome]:
    """Every check in turn, each as soon as it is done.

    Args:
        device: Where to compute.
        only: Names of checks; empty for all.
        budget: Wall-clock seconds for all; what would begin after them is not tried.
    """
    from r1light.stages import STAGES

    due = time.monotonic() + budget
    with tempfile.TemporaryDirectory(prefix="r1light-check-") as folder:
        rows = Path(folder) / "rows.jsonl"
        write_rows(rows)
        for command in COMMANDS:
            left = due - time.monotonic()
            if only and command.name not in only:
                continue
            if command.stage not in STAGES:
                yield Outcome(command.name, "absent", detail=f"there is no stage={command.stage} yet")
            elif command.gpu and device == "cpu":
                yield Outcome(command.name, "absent", detail="it needs a GPU")
            elif left <= 0:
                yield Outcome(command.name, "no time", detail=f"{budget:.0f} s are over")
            else:
                yield run_command(command, device, rows, Path(folder) / command.name, left)
        yield from compare_losses(Path(folder))
        for dtype in BOUNDS:
            if only and f"logprobs_{dtype}" not in only:
                continue
            try:
                yield compare_logprobs(device, dtype)
            except Exception as error:  # one check that breaks must not hide the others
                yield Outcome(f"logprobs_{dtype}", "failed", detail=f"{type(error).__name__}: {error}"[:600])


def machine(device: Device) -> dict[str, str]:
    """What the checks ran on."""
    found = {"device": device, "python": platform.python_version()}
    found |= {package: metadata.version(package) for package in PACKAGES}
    if device == "cuda":
        import torch

        found |= {"gpu": torch.cuda.get_device_name(), "cuda": str(torch.version.cuda)}
    return found


def table(outcomes: Sequence[Outcome]) -> str:
    """The outcomes as a Markdown table."""
    lines = ["| check | result | seconds | figures |", "|---|---|---|---|"]
    for each in outcomes:
        cells = (each.name, each.status, f"{each.seconds:.1f}", " ".join(each.detail.split()))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def main() -> int:
    """Run the checks that the command line names."""
    names = [command.name for command in COMMANDS] + [f"logprobs_{dtype}" for dtype in BOUNDS]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="where to compute")
    parser.add_argument("--only", default="", help=f"some of: {', '.join(names)}")
    parser.add_argument("--budget", type=float, default=480.0, help="seconds for all commands together")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    args = parser.parse_args()
    only = [name for name in args.only.split(",") if name]
    if unknown := sorted(set(only) - set(names)):
        parser.error(f"--only: there is no check {', '.join(unknown)}; there are: {', '.join(names)}")
    sys.path.insert(0, str(ROOT))
    if args.device == "cuda" and not import_module("torch").cuda.is_available():
        parser.error("torch sees no GPU here; take --device cpu")
    outcomes = []
    for outcome in check_all(args.device, only, args.budget):
        outcomes.append(outcome)
        print(f"{outcome.name}: {outcome.status} after {outcome.seconds:.1f} s. {outcome.detail}", flush=True)
    found = machine(args.device)
    print("\n" + ", ".join(map(" ".join, found.items())) + "\n\n" + table(outcomes))
    if args.json is not None:
        told = {"machine": found, "checks": [asdict(outcome) for outcome in outcomes]}
        args.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return int(any(outcome.status in ("failed", "no time") for outcome in outcomes))


if __name__ == "__main__":
    raise SystemExit(main())
