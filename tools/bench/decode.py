"""How long the native engine's step takes on a GPU, with recorded graphs and without, and its kernels.

    python tools/bench/decode.py [--size 1.5B] [--rows 256] [--prompt 32] [--tokens 64] [--calls 3]
    python tools/bench/decode.py --ways recorded generate      # beside transformers' own loop

Random weights in bfloat16 in a shape of Qwen2.5, prompts with one completion each, sampled at temperature 1.
A call is `generate` of them all; its seconds over the tokens of a completion, so that reading the prompts is
in them. The first call records graphs and compiles kernels, and is told apart. The limit by memory is the
time to read weights, keys and values at the rate of a copy; that by all is the larger of it and of the time
of all products at the rate of the best one (see rollout.py). With `--kernels`, those of sixteen steps.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import time
from typing import Any

from rollout import SHAPES, Shape, limit
from rollout_sides import Workload
from side_by_side import machine, machine_line, rates

STEPS = 16
GENERATE = "generate"
WAYS = {
    "recorded": ({}, {}),
    "nucleus": ({}, {"temperature": 0.6, "top_p": 0.95}),
    "launched": ({"graphs": False}, {}),
}
"""Options of the engine, and of sampling."""


def make_model(shape: Shape, device: str) -> Any:
    """A Qwen2 whose weights are drawn where they are needed."""
    import torch
    from transformers import AutoModelForCausalLM, Qwen2Config

    config = Qwen2Config(
        vocab_size=shape.vocabulary, hidden_size=shape.hidden, intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads,
        tie_word_embeddings=True, max_position_embeddings=8192, bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    torch.manual_seed(0)
    with torch.device(device):
        return AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()


def prompts_of(rows: int, length: int) -> list[list[int]]:
    """Prompts of random tokens."""
    draw = random.Random(0)
    return [[draw.randrange(1000) for _ in range(length)] for _ in range(rows)]


def requests_of(prompts: list[list[int]]) -> list[Any]:
    """The same as requests."""
    from r1light.core.types import RolloutRequest

    return [RolloutRequest(str(row), tuple(ids), (0, row)) for row, ids in enumerate(prompts)]


def timed(engine: Any, requests: list[Any], params: Any) -> float:
    """Seconds of a call."""
    begun = time.perf_counter()
    list(engine.generate(requests, params))
    return time.perf_counter() - begun


def generated(model: Any, prompts: list[list[int]], tokens: int) -> float:
    """Seconds of transformers' `generate` of as many tokens."""
    import torch
    from transformers import GenerationConfig

    config = GenerationConfig(do_sample=True, top_k=0, max_new_tokens=tokens, min_new_tokens=tokens)
    begun = time.perf_counter()
    ids_BT = torch.tensor(prompts, device=model.device)
    model.generate(ids_BT, attention_mask=torch.ones_like(ids_BT), generation_config=config).tolist()
    return time.perf_counter() - begun


def kernels(engine: Any, requests: list[Any], params: Any, count: int = 20) -> list[tuple[float, float, str]]:
    """Milliseconds and launches a step of what takes most of the GPU's time, prompts included."""
    import torch
    from torch.autograd import DeviceType

    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        timed(engine, requests, params)
        torch.cuda.synchronize()
    found = [event for event in profile.key_averages() if event.device_type == DeviceType.CUDA]
    found.sort(key=lambda event: -event.self_device_time_total)
    return [
        (event.self_device_time_total / 1e3 / STEPS, event.count / STEPS, event.key)
        for event in found[:count]
    ]


def bounds(
    options: argparse.Namespace, prompts: list[list[int]], at: dict[str, float]
) -> tuple[float, float]:
    """Milliseconds a token: the limit by memory alone, and that by all."""
    work = Workload(prompts, [[options.tokens]] * options.rows)
    width = 2  # bfloat16
    unlimited = {**at, "flops": math.inf}
    shape = SHAPES[options.size]
    by_memory, by_all = (1e3 * limit(shape, work, rate, width) / options.tokens for rate in (unlimited, at))
    return by_memory, by_all


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", default="1.5B", choices=tuple(SHAPES))
    for name, value in (("rows", 256), ("prompt", 32), ("tokens", 64), ("calls", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--ways", nargs="+", choices=(*WAYS, GENERATE), default=tuple(WAYS))
    parser.add_argument("--kernels", action="store_true", help="also tell what takes a recorded step's time")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to see what this prints")
    return parser.parse_args()


def main() -> None:
    """Read the arguments, measure, print."""
    options = arguments()
    from r1light.core.types import SamplingParams
    from r1light.rollout.native import Native

    at = rates(1, options.device)
    print(machine_line(machine(("torch", "transformers", "triton"))))
    print(f"products {at['flops'] / 1e12:.2f} TFLOP/s, copying {at['bytes'] / 1e12:.2f} TB/s; {options.size}")
    model, prompts = (
        make_model(SHAPES[options.size], options.device),
        prompts_of(options.rows, options.prompt),
    )
    by_memory, by_all = bounds(options, prompts, at)

    def tell(way: str, first: float, later: list[float]) -> None:
        each = 1e3 * statistics.median(later) / options.tokens
        print(
            f"{options.rows} rows, {options.prompt} + {options.tokens} tokens, {way}: {each:.3f} ms a token, "
            f"{1e3 * options.rows / each:,.0f} tokens/s, {by_memory / each:.0%} of the limit by memory, "
            f"{by_all / each:.0%} of that by all; the first call {first:.2f} s",
            flush=True,
        )

    for way in options.ways:
        if way == GENERATE:
            first = generated(model, prompts, 2)
            tell(way, first, [generated(model, prompts, options.tokens)])
            continue
        of_engine, of_sampling = WAYS[way]
        engine = Native(Native.Config(fallback=False, **of_engine), model, str, ())
        params = SamplingParams(max_tokens=options.tokens, **of_sampling)
        requests = requests_of(prompts)
        first, *later = [timed(engine, requests, params) for _ in range(1 + options.calls)]
        tell(way, first, later)
        if options.kernels and options.device == "cuda" and way == "recorded":
            of_kernels = SamplingParams(max_tokens=1 + STEPS)
            for milliseconds, launches, name in kernels(engine, requests, of_kernels):
                print(f"{milliseconds:9.4f} ms {launches:6.1f} x {name[:84]}")
        engine.close()


if __name__ == "__main__":
    main()
