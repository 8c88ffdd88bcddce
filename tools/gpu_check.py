"""Does it all run here? A few updates of every stage on the miniature model, through the real command line.

    python tools/gpu_check.py                       # on a GPU; a Markdown table, within ten minutes
    python tools/gpu_check.py --jobs 16 --logs logs # many commands at a time; what failing ones said is kept
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
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from functools import partial
from importlib import import_module, metadata
from pathlib import Path
from threading import Lock

from gpu_commands import COMMANDS, Command
from gpu_runs import ROOT, Device, Outcome, Runner, Status, compare_losses, write_rows

BOUNDS = {"float32": 1e-3, "bfloat16": 0.05}
"""Nats a token that native engine and plain forward pass may differ on average, in one number format."""
PACKAGES = ("torch", "transformers", "lightning", "hydra-core", "numpy")
_here = Lock()
"""Held by what computes in this process: a CUDA graph is not recorded while another thread computes."""


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


def check_all(runner: Runner, only: Sequence[str], budget: float, jobs: int = 1) -> Iterator[Outcome]:
    """Every check, each as soon as it is done; losses are compared in the end.

    Args:
        runner: Runs the commands.
        only: Names of checks; empty for all.
        budget: Wall-clock seconds for all; what would begin after them is not tried.
        jobs: Checks at a time.
    """
    due = time.monotonic() + budget
    write_rows(runner.folder / "rows.jsonl")
    tasks = {command.name: partial(_check, runner, command, due) for command in COMMANDS}
    tasks |= {f"logprobs_{dtype}": partial(_logprobs, runner.device, dtype) for dtype in BOUNDS}
    with ThreadPoolExecutor(jobs) as pool:
        wanted = [pool.submit(task) for name, task in tasks.items() if not only or name in only]
        for done in as_completed(wanted):
            yield done.result()
    yield from compare_losses(runner.folder)


def _check(runner: Runner, command: Command, due: float) -> Outcome:
    from r1light.stages import STAGES

    left = due - time.monotonic()
    if command.stage not in STAGES:
        return Outcome(command.name, "absent", detail=f"there is no stage={command.stage} yet")
    if command.gpu and runner.device == "cpu":
        return Outcome(command.name, "absent", detail="it needs a GPU")
    if left <= 0:
        return Outcome(command.name, "no time", detail="no time is left")
    return runner.run(command, left)


def _logprobs(device: Device, dtype: str) -> Outcome:
    try:
        with _here:
            return compare_logprobs(device, dtype)
    except Exception as error:  # one check that breaks must not hide the others
        return Outcome(f"logprobs_{dtype}", "failed", detail=f"{type(error).__name__}: {error}"[:600])


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
    parser.add_argument("--jobs", type=int, default=1, help="checks at a time")
    parser.add_argument(
        "--precision",
        choices=("32-true", "bf16-mixed", "bf16-true"),
        help="of the trainer; bf16-mixed on a GPU, 32-true without one",
    )
    parser.add_argument("--logs", type=Path, help="a folder for the output of commands that fail")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    args = parser.parse_args()
    only = [name for name in args.only.split(",") if name]
    if unknown := sorted(set(only) - set(names)):
        parser.error(f"--only: there is no check {', '.join(unknown)}; there are: {', '.join(names)}")
    sys.path.insert(0, str(ROOT))
    if args.device == "cuda" and not import_module("torch").cuda.is_available():
        parser.error("torch sees no GPU here; take --device cpu")
    precision = args.precision or ("bf16-mixed" if args.device == "cuda" else "32-true")
    threads = max(1, (os.cpu_count() or 1) // args.jobs) if args.device == "cuda" else 1
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="r1light-check-") as folder:
        runner = Runner(Path(folder), args.device, precision, threads, args.logs)
        for outcome in check_all(runner, only, args.budget, args.jobs):
            outcomes.append(outcome)
            print(
                f"{outcome.name}: {outcome.status} after {outcome.seconds:.1f} s. {outcome.detail}",
                flush=True,
            )
    found = machine(args.device)
    print("\n" + ", ".join(map(" ".join, found.items())) + "\n\n" + table(outcomes))
    if args.json is not None:
        told = {"machine": found, "checks": [asdict(outcome) for outcome in outcomes]}
        args.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return int(any(outcome.status in ("failed", "no time") for outcome in outcomes))


if __name__ == "__main__":
    raise SystemExit(main())
