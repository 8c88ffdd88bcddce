"""How long a step of GRPO takes on a GPU: `stage=grpo` beside TRL's GRPOTrainer, at Qwen2.5's sizes.

    python tools/bench/grpo_gpu.py [--steps 4] [--warmup 1] [--rounds 3] [--trl-rows 32] [--json out.json]
    python tools/bench/grpo_gpu.py --projection [--set KEY=VALUE ...]   # hours of 500 steps of Qwen2.5-3B
    python tools/bench/grpo_gpu.py --device cpu --shape tiny            # the same code without a GPU

32 problems x 8 completions a step, one optimiser step; see grpo_step.py and grpo_sides.py. Weights are random
but for an end token whose probability is 1 in `--mean-length` everywhere. Both sides hold them in float32 and
compute in bfloat16, by autocast, as `trainer=gpu` does, or with `--dtype bfloat16` in that alone, as TRL does
with a checkpoint in it; r1light's rollout engine holds a copy in bfloat16. TRL writes with its default
engine, transformers' `generate`. The tokenizer is the packaged one: ids beyond it decode to nothing.

`--projection` measures r1light alone on Countdown, in the shape of Qwen2.5-3B, at most 1,024 tokens and about
300 on average, with the options of experiment=r1_zero_countdown_3b that save memory; `--set` replaces those.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import grpo_sides
import grpo_step
import side_by_side as bench
from grpo_sides import GROUP, Task
from grpo_step import OURS, TRL

WEIGHTS = "weights"
PROMPTS, STEPS = 32, 500
CONTEXT = 2048
SPARING = ("stage.gradient_checkpointing=true", "stage.micro_batch_tokens=8192", "stage.offload=[optimizer]")
HEADER = (
    "a step", "clock s, median", "range", "generate s", "reward s", "train s", "tokens", "longest", "peak GB",
    "time, to r1light",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a Qwen2 with tied embeddings."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int


SHAPES = {
    "tiny": Shape(64, 192, 2, 4, 2, 4096),
    "0.5B": Shape(896, 4864, 24, 14, 2, 151_936),
    "1.5B": Shape(1536, 8960, 28, 12, 2, 151_936),
    "3B": Shape(2048, 11008, 36, 16, 2, 151_936),
}


def write_model(folder: Path, shape: Shape, device: str, mean_length: int) -> None:
    """Write such a model in bfloat16."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from r1light.models.pretrained import Pretrained
    from r1light.models.save import save_model
    from r1light.models.tiny import WEIGHTS

    torch.manual_seed(0)
    tokenizer = Pretrained(Pretrained.Config(path=str(WEIGHTS / "tiny"))).load_tokenizer().tokenizer
    config = Qwen2Config(
        vocab_size=shape.vocabulary, hidden_size=shape.hidden, intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads,
        max_position_embeddings=CONTEXT, tie_word_embeddings=True, bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    with torch.device(device):
        model = Qwen2ForCausalLM(config).bfloat16().float()  # as it is read again
    # small, as logits near 0 are the ones that bfloat16 holds finely
    grpo_step.end_alike(model, tokenizer.eos_token_id, mean_length, constant=0.25)
    save_model(model.bfloat16(), tokenizer, folder)


def serve_side(options: argparse.Namespace) -> None:
    """Write the weights, or run one side once, and tell the figures."""
    import torch

    task = Task(**options.task | {"extra": tuple(options.task["extra"])})
    torch.set_num_threads(task.threads)
    if options.side == WEIGHTS:
        write_model(Path(task.model), SHAPES[options.shape], task.device, options.mean_length)
        bench.tell({})
        return
    run = grpo_sides.run_r1light if options.side == OURS else grpo_sides.run_trl
    with tempfile.TemporaryDirectory() as folder:
        clock = run(task, Path(folder) / "run")
    peak = torch.cuda.max_memory_allocated() if task.device == "cuda" else 0
    figures = grpo_step.summary(clock, task, options.warmup, 0)
    bench.tell(figures | {"device_peak": peak, "steps": clock.steps})


def measure(task: Task, sides: Sequence[str], options: argparse.Namespace) -> bench.Runs:
    """Every side, round after round, once the weights are there."""

    def run(side: str) -> dict[str, Any]:
        command = [sys.executable, __file__, "--side", side, "--task", json.dumps(asdict(task))]
        for name in ("shape", "mean-length", "warmup"):
            command += [f"--{name}", str(getattr(options, name.replace("-", "_")))]
        return bench.ask(command, {"OMP_NUM_THREADS": str(options.threads)}, options.deadline)

    run(WEIGHTS)
    return bench.alternate(sides, options.rounds, run)


def rows(runs: bench.Runs) -> list[list[str]]:
    """The rows of the table."""
    found = []
    for side, mine in runs.items():
        cells = [side, f"{bench.middle(mine, 'clock'):.2f}", bench.spread(mine, "clock", ".2f")]
        cells += [f"{bench.middle(mine, name):.2f}" for name in ("generate", "reward", "train")]
        cells += [f"{bench.middle(mine, name):,.0f}" for name in ("tokens", "longest")]
        cells += [f"{bench.middle(mine, 'device_peak') / 1e9:.1f}"]
        found.append([*cells, f"{bench.middle(mine, 'clock') / bench.middle(runs[OURS], 'clock'):.2f}"])
    return found


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shape", choices=tuple(SHAPES), help="0.5B; with --projection 3B")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32", help="of the weights")
    parser.add_argument("--projection", action="store_true", help="r1light alone: hours of 500 steps")
    parser.add_argument("--sides", nargs="+", choices=(OURS, TRL), default=[OURS, TRL])
    parser.add_argument("--steps", type=int, help="of a run; 4, or 3 with --projection")
    parser.add_argument("--warmup", type=int, default=1, help="steps left out of each run")
    parser.add_argument("--rounds", type=int, help="3, or 1 with --projection")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cap", type=int, help="most tokens of a completion; 256, or 1,024")
    parser.add_argument("--mean-length", type=int, help="tokens to an end token; 45, or 300")
    parser.add_argument("--trl-rows", type=int, default=32, help="rows that TRL trains on at a time")
    parser.add_argument("--set", nargs="*", metavar="KEY=VALUE", help="further options of stage=grpo")
    parser.add_argument("--deadline", type=float, default=1800.0, help="seconds of a run")
    parser.add_argument("--json", type=Path, help="also write all figures here")
    parser.add_argument("--side", choices=(OURS, TRL, WEIGHTS), help=argparse.SUPPRESS)
    parser.add_argument("--task", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    usual = {"shape": "0.5B", "steps": 4, "rounds": 3, "cap": 256, "mean_length": 45, "set": ()}
    if options.projection:
        usual = {"shape": "3B", "steps": 3, "rounds": 1, "cap": 1024, "mean_length": 300, "set": SPARING}
    for name, value in usual.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def main() -> None:
    """Read the arguments, measure, print."""
    options = arguments()
    if options.side:
        serve_side(options)
        return
    sides = [OURS] if options.projection else options.sides
    if TRL in sides and importlib.util.find_spec("trl") is None:
        print("TRL is not installed, so only r1light is measured; `pip install trl` adds it\n")
        sides = [OURS]
    machine = bench.machine(grpo_step.PACKAGES) | {"accelerator": accelerator(options.device)}
    print(
        f"{bench.machine_line(machine)}; {machine['accelerator']}; {options.shape} in {options.dtype}, "
        f"{options.rounds} rounds; {PROMPTS} problems x {GROUP}, at most {options.cap} tokens, "
        f"1 in {options.mean_length} an end, TRL {options.trl_rows} rows at a time\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        task = Task(
            folder, options.steps, options.threads, trl_rows=options.trl_rows, device=options.device,
            dtype=options.dtype, data="countdown" if options.projection else "arithmetic", prompts=PROMPTS,
            cap=options.cap, extra=tuple(options.set),
        )  # fmt: skip
        runs = measure(task, sides, options)
    print(bench.markdown(HEADER, rows(runs)))
    found: dict[str, Any] = {"ratio_vs_trl_gpu": grpo_step.ratio(runs, "clock")} if TRL in sides else {}
    if options.projection:
        found = {"projected_hours": STEPS * bench.middle(runs[OURS], "clock") / 3600}
        print(f"\n{STEPS} such steps of {options.shape} take {found['projected_hours']:.2f} hours")
    bench.write_json(options.json, {"machine": machine, "runs": runs, **found})


def accelerator(device: str) -> str:
    """Its name."""
    import torch

    return torch.cuda.get_device_name() if device == "cuda" else "no accelerator"


if __name__ == "__main__":
    main()
