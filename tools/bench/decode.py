"""How long the native engine's step takes on a GPU, with recorded graphs and without, and its kernels.

    python tools/bench/decode.py [--size 1.5B] [--rows 256] [--tokens 64] [--calls 3]

Random weights in bfloat16 in a shape of Qwen2.5, prompts of 32 tokens with one completion each. A call is
`generate` of them all; its seconds over the tokens of a completion, so that reading the prompts is in them.
The first call records graphs and compiles kernels, and is told apart. The kernels are those of sixteen steps.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

from rollout import SHAPES, Shape
from side_by_side import machine, machine_line, rates

STEPS = 16
WAYS = {
    "recorded": ({}, {}),
    "recorded, temperature 0.6 and top-p 0.95": ({}, {"temperature": 0.6, "top_p": 0.95}),
    "launched one by one": ({"graphs": False}, {}),
}
"""Options of the engine, and of sampling."""


def make_model(shape: Shape, device: str) -> Any:
    """A Qwen2 whose weights are drawn where they are needed."""
    import torch
    from transformers import AutoModelForCausalLM, Qwen2Config

    config = Qwen2Config(
        vocab_size=shape.vocabulary, hidden_size=shape.hidden, intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads,
        tie_word_embeddings=True, max_position_embeddings=1024, bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    torch.manual_seed(0)
    with torch.device(device):
        return AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()


def requests_of(rows: int) -> list[Any]:
    """Prompts of 32 tokens."""
    import torch

    from r1light.core.types import RolloutRequest

    generator = torch.Generator().manual_seed(0)
    prompts = torch.randint(0, 1000, (rows, 32), generator=generator).tolist()
    return [RolloutRequest(str(row), tuple(ids), (0, row)) for row, ids in enumerate(prompts)]


def timed(engine: Any, requests: list[Any], params: Any) -> float:
    """Seconds of a call."""
    begun = time.perf_counter()
    list(engine.generate(requests, params))
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


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", default="1.5B", choices=tuple(SHAPES))
    for name, value in (("rows", 256), ("tokens", 64), ("calls", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to see what this prints")
    options = parser.parse_args()
    from r1light.core.types import SamplingParams
    from r1light.rollout.native import Native

    at = rates(1, options.device)
    print(machine_line(machine(("torch", "transformers", "triton"))))
    print(f"products {at['flops'] / 1e12:.2f} TFLOP/s, copying {at['bytes'] / 1e12:.2f} TB/s; {options.size}")
    model, requests = make_model(SHAPES[options.size], options.device), requests_of(options.rows)
    for way, (of_engine, of_sampling) in WAYS.items():
        engine = Native(Native.Config(fallback=False, **of_engine), model, str, ())
        params = SamplingParams(max_tokens=options.tokens, **of_sampling)
        first, *later = [timed(engine, requests, params) for _ in range(1 + options.calls)]
        middle = statistics.median(later)
        print(
            f"{options.rows} rows, {way}: {1e3 * middle / options.tokens:.3f} ms a token, "
            f"{options.rows * options.tokens / middle:,.0f} tokens/s; the first call {first:.2f} s"
        )
        if options.device == "cuda" and way == "recorded":
            for milliseconds, launches, name in kernels(
                engine, requests, SamplingParams(max_tokens=1 + STEPS)
            ):
                print(f"{milliseconds:9.4f} ms {launches:6.1f} x {name[:84]}")
        engine.close()


if __name__ == "__main__":
    main()
