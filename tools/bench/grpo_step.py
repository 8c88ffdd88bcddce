"""How long a step of GRPO takes: `stage=grpo` beside TRL's GRPOTrainer, at 0.8 and 3.3 million parameters.

    python tools/bench/grpo_step.py [--steps 12] [--warmup 3] [--rounds 3] [--threads 2] [--json out.json]
    python tools/bench/grpo_step.py --until 0.9 [--rounds 3]     # the time to a held-out accuracy instead

16 problems x 8 completions a step, at most 110 tokens each, one optimiser step; see grpo_sides.py. The model
of 0.8M is the packaged `model=tiny`, which solves sums. That of 3.3M has random weights, but for an end token
whose probability is 1/50 everywhere, so that lengths are 45 on average. Every round runs each side once, in
alternating order, each in a fresh process; the first steps of each are left out. A step is all that lies
between two of them, logging included; evaluations are not.

The floor is the larger of two times: that of the matrix products of r1light's own tokens (flops.py) at the
rate of torch.mm, and that of reading the weights once a pass at the rate of a copy, both rates measured in
the same run. TRL is not a dependency: install it beside r1light with `pip install trl`.
grpo_gpu.py does the same on a GPU, at the sizes of Qwen2.5.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpo_sides
import side_by_side as bench
from grpo_sides import CAP, GROUP, KL, LR, PROMPTS, Task

OURS, TRL, RATES = "r1light", "TRL", "rates"
SMALL, LARGE = "0.8M", "3.3M"
KEYS = {SMALL: "ratio_vs_trl", LARGE: "ratio_vs_trl_3m"}
MEAN_LENGTH = 50
"""Tokens to an end token without a cap; 44.6 = 50 (1 - (49/50)^110) with it."""
PACKAGES = ("torch", "transformers", "trl", "lightning", "accelerate")


def write_random_model(folder: Path, hidden: int = 256, mean_length: int = MEAN_LENGTH) -> None:
    """A Qwen2 with random weights, of 3.3M parameters at width 256, that ends at any token alike often."""
    import torch

    from r1light.models.pretrained import Pretrained
    from r1light.models.save import save_model
    from r1light.models.tiny import WEIGHTS
    from r1light.models.tiny_shape import TinyShape, qwen2

    torch.manual_seed(0)
    tokenizer = Pretrained(Pretrained.Config(path=str(WEIGHTS / "tiny"))).load_tokenizer().tokenizer
    model = qwen2(TinyShape(hidden=hidden, intermediate=3 * hidden), tokenizer, context=1024)
    end_alike(model, tokenizer.eos_token_id, mean_length)
    save_model(model, tokenizer, folder)


def end_alike(model: Any, eos_id: int, mean_length: int, constant: float = 4.0) -> None:
    """Have a Qwen2 with tied embeddings end with one probability everywhere, 1 / mean_length.

    The first number of every state is constant, and the end token's row of the head reads it.
    """
    import math

    import torch

    with torch.no_grad():
        table = model.get_input_embeddings().weight
        table[:, 0] = constant
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight[0] = 0.0
            layer.mlp.down_proj.weight[0] = 0.0
        probe = torch.randint(len(table), (8, 128), device=table.device)
        states = model.model(probe).last_hidden_state
        others = torch.logsumexp(states @ table.T, dim=-1).mean()  # the end token's own share is one in V
        table[eos_id] = 0.0
        table[eos_id, 0] = (others - math.log(mean_length - 1)) / states[..., 0].mean()
    model.generation_config.eos_token_id = eos_id


def serve_side(options: argparse.Namespace) -> None:
    """Run one side once and tell its figures."""
    import torch

    if options.side == RATES:
        bench.tell(bench.rates(options.threads))
        return
    torch.set_num_threads(options.threads)
    task = Task(options.model, options.steps, options.threads, options.until, options.every, options.trl_rows)
    run = grpo_sides.run_r1light if options.side == OURS else grpo_sides.run_trl
    with tempfile.TemporaryDirectory() as folder:
        clock = run(task, Path(folder) / "run")
    bench.tell(summary(clock, task, options.warmup, parameters_of(options.model)))


def parameters_of(model: str) -> int:
    """Parameters in matrix products."""
    from r1light.models.pretrained import Pretrained
    from r1light.training.flops import matmul_parameters

    return matmul_parameters(Pretrained(Pretrained.Config(path=model)).load().model)


def summary(clock: grpo_sides.Clock, task: Task, warmup: int, parameters: int) -> dict[str, Any]:
    """One run's figures: medians over its steps but the first; to an accuracy, sums over all."""
    if task.until:
        reached = clock.accuracy.get(len(clock.steps), 0.0) >= task.until
        sums = {name: sum(step[name] for step in clock.steps) for name in ("clock", "cpu")}
        return sums | {"steps": len(clock.steps), "reached": reached, "accuracy": clock.accuracy}
    steps = clock.steps[warmup:]
    names = ("clock", "cpu", "generate", "reward", "train", "tokens", "longest", "prompt_tokens")
    found: dict[str, Any] = {name: statistics.median(step[name] for step in steps) for name in names}
    return found | {"parameters": parameters}


def floor_seconds(run: dict[str, Any], rates: dict[str, float]) -> float:
    """The least that r1light's step can take: prompts once a group, 2N to draw and 8N to learn a token.

    Example:
        >>> run = {"parameters": 10**6, "tokens": 1000, "prompt_tokens": 500, "longest": 100}
        >>> floor_seconds(run, {"flops": 1e10, "bytes": 1e12})  # 10 * 1e6 * 1500 / 1e10
        1.5
    """
    from r1light.training.flops import GroupTokens, iteration_flops

    tokens, prompts = int(run["tokens"]), int(run["prompt_tokens"])
    flops = iteration_flops(
        run["parameters"], tokens + prompts, [GroupTokens(prompts, tokens, GROUP)], passes=1,
        shared_prompts=True, with_reference=True, with_old=False,
    )  # fmt: skip
    passes = run["longest"] + 3  # a token of every row at a time, then forward, backward and the reference
    return max(flops / rates["flops"], 4 * run["parameters"] * passes / rates["bytes"])


def measure(model: str, sides: Sequence[str], options: argparse.Namespace) -> bench.Runs:
    """Every side, round after round."""

    def run(side: str) -> dict[str, Any]:
        command = [sys.executable, __file__, "--side", side, "--model", model]
        for name in ("steps", "warmup", "threads", "until", "every", "trl-rows"):
            command += [f"--{name}", str(getattr(options, name.replace("-", "_")))]
        return bench.ask(command, {"OMP_NUM_THREADS": str(options.threads)}, deadline=3600.0)

    return bench.alternate(sides, options.rounds, run)


def step_rows(size: str, runs: bench.Runs) -> list[list[str]]:
    """The rows of the table of one model."""
    ours = runs[OURS]
    rates = {name: bench.middle(runs[RATES], name) for name in ("flops", "bytes")}
    floor = statistics.median(floor_seconds(run, rates) for run in ours)
    rows = []
    for side in (side for side in runs if side != RATES):
        mine = runs[side]
        cells = [size, side]
        for name in ("clock", "cpu"):
            cells += [f"{bench.middle(mine, name):.2f}", bench.spread(mine, name, ".2f")]
        cells += [f"{bench.middle(mine, name):.2f}" for name in ("generate", "reward", "train")]
        cells += [f"{bench.middle(mine, 'tokens'):,.0f}", f"{floor / bench.middle(mine, 'clock'):.0%}"]
        rows.append([*cells, f"{bench.middle(mine, 'clock') / bench.middle(ours, 'clock'):.2f}"])
    return rows


STEP_HEADER = (
    "model", "a step", "clock s, median", "range", "CPU s", "range", "generate s", "reward s", "train s",
    "tokens", "floor's share", "time, to r1light",
)  # fmt: skip
UNTIL_HEADER = ("until", "clock s, median", "range", "CPU s", "range", "steps", "time, to r1light")


def until_rows(target: float, runs: bench.Runs) -> list[list[str]]:
    """The rows of the table of times to an accuracy."""
    rows = []
    for side, mine in runs.items():
        cells = [f"{side}, {target}" if all(run["reached"] for run in mine) else f"{side}, NOT {target}"]
        for name in ("clock", "cpu"):
            cells += [f"{bench.middle(mine, name):.1f}", bench.spread(mine, name, ".1f")]
        ratio = bench.middle(mine, "clock") / bench.middle(runs[OURS], "clock")
        rows.append([*cells, f"{bench.middle(mine, 'steps'):g}", f"{ratio:.2f}"])
    return rows


def ratio(runs: bench.Runs, name: str) -> float:
    """TRL's seconds over ours."""
    return bench.middle(runs[TRL], name) / bench.middle(runs[OURS], name)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", choices=tuple(KEYS), default=list(KEYS))
    parser.add_argument("--steps", type=int, help="of a run; 12, or at most 60 with --until")
    parser.add_argument("--warmup", type=int, default=3, help="steps left out of each run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--until", type=float, default=0.0, help="held-out accuracy to reach (0.8M alone)")
    parser.add_argument("--every", type=int, default=4, help="steps between evaluations, with --until")
    parser.add_argument("--trl-rows", type=int, default=32, help="rows that TRL trains on at a time")
    parser.add_argument("--json", type=Path, help="also write all figures here")
    parser.add_argument("--side", choices=(OURS, TRL, RATES), help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.steps = options.steps or (60 if options.until else 12)
    return options


def time_until(sides: Sequence[str], options: argparse.Namespace) -> dict[str, Any]:
    """Measure and print the time to an accuracy."""
    from r1light.models.tiny import WEIGHTS

    runs = measure(str(WEIGHTS / "tiny"), sides, options)
    print(bench.markdown(UNTIL_HEADER, until_rows(options.until, runs)))
    ratios = {"until_ratio_vs_trl": ratio(runs, "clock")} if TRL in sides else {}
    return {"until": options.until, "runs": runs, **ratios}


def time_steps(sides: Sequence[str], options: argparse.Namespace) -> dict[str, Any]:
    """Measure and print the time of a step, by model."""
    from r1light.models.tiny import WEIGHTS

    rows, found = [], dict[str, Any](runs={})
    with tempfile.TemporaryDirectory() as folder:
        for size in options.models:
            model = str(WEIGHTS / "tiny") if size == SMALL else folder
            if size == LARGE:
                write_random_model(Path(folder))
            runs = found["runs"][size] = measure(model, (*sides, RATES), options)
            rows += step_rows(size, runs)
            if TRL in sides:
                found |= {KEYS[size]: ratio(runs, "clock"), f"{KEYS[size]}_cpu": ratio(runs, "cpu")}
    print(bench.markdown(STEP_HEADER, rows))
    return found


def main() -> None:
    """Read the arguments, measure, print."""
    options = arguments()
    if options.side:
        serve_side(options)
        return
    sides: tuple[str, ...] = (OURS, TRL)
    if importlib.util.find_spec("trl") is None:
        print("TRL is not installed, so only r1light is measured; `pip install trl` adds it\n")
        sides = (OURS,)
    machine = bench.machine(PACKAGES)
    print(
        f"{bench.machine_line(machine)}; {options.threads} threads, {options.rounds} rounds; {PROMPTS} "
        f"problems x {GROUP}, at most {CAP} tokens, lr {LR}, KL coefficient {KL}, TRL {options.trl_rows} "
        "rows at a time\n"
    )
    result = (time_until if options.until else time_steps)(sides, options)
    bench.write_json(options.json, {"machine": machine, "threads": options.threads, **result})


if __name__ == "__main__":
    main()
