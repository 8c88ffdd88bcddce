"""The training step on one device: tokens a second, the share of the machine's peak, and where the time goes.

    python tools/bench/train_step.py [--shape 1.5B] [--tokens 4096] [--mean 300] [--json out.json]
    python tools/bench/train_step.py --device cpu --shape tiny --tokens 256 --mean 40

Random weights of a shape, held in float32 and computed with in bfloat16 as `trainer=gpu` does it. A
micro-batch is one row; rows of a mean length; or groups of eight that share a prompt: forward, chunked
log-probabilities, the loss of GRPO, backward, its gradients added to those that are there. Each is timed
several times with nothing waited for in between, with and without recomputed activations. The share of the
peak is that of 6 FLOPs a token and weight of a matrix product, and of attention's products of what sees one
another (backward twice forward, nothing recomputed), to the fastest matrix product measured in the same run.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import side_by_side as bench
from train_step_batches import SHAPES, flops_of, make_batches, make_model

BACK_TO_BACK = 3
"""Micro-batches that are timed at a time."""
HEADER = ("micro-batch", "rows", "tokens", "activations", "ms", "tokens/s", "share of the peak", "peak GiB")


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured.

    Attributes:
        name: Of the micro-batch.
        recomputed: Whether activations are recomputed in the backward pass.
    """

    name: str
    recomputed: bool


def mixed(device: str) -> Any:
    """What Lightning computes in under `trainer.precision=bf16-mixed`."""
    import torch

    return torch.autocast(device, dtype=torch.bfloat16, cache_enabled=False)


def loss_of(batch: Any, logprobs_K: Any) -> Any:
    """The loss of GRPO without a reference."""
    from r1light.algorithms.aggregation import LossNormaliser
    from r1light.algorithms.policy_loss import policy_loss
    from r1light.algorithms.presets import PolicyLossOptions

    tokens = len(batch.target_K)
    normaliser = LossNormaliser(sequences=len(batch.rows), tokens=tokens, max_tokens=tokens)
    return policy_loss(
        batch.spread(logprobs_K), batch.advantages_B, batch.mask_BT,
        options=PolicyLossOptions(), normaliser=normaliser, rollout_logprobs_BT=batch.rollout_logprobs_BT,
    ).loss  # fmt: skip


def learn(model: Any, batch: Any, device: str) -> None:
    """Forward and backward, as a GRPO update has it."""
    from r1light.training.forward import target_logprobs

    with mixed(device):
        loss_of(batch, target_logprobs(model, batch, 1.0).logprobs_T).backward()


def waiting(device: str) -> Callable[[], None]:
    """Waits until the device is done."""
    import torch

    return torch.cuda.synchronize if device == "cuda" else lambda: None


def recompute(model: Any, whether: bool) -> None:
    """Whether the layers recompute their activations in the backward pass."""
    from r1light.training.forward import blocks

    for block in blocks(model):
        block.gradient_checkpointing = whether


def measure(model: Any, batch: Any, case: Case, options: argparse.Namespace, peak: float) -> dict[str, Any]:
    """One case, after a first micro-batch that is not measured."""
    import torch

    wait = waiting(options.device)
    recompute(model, case.recomputed)
    begun = time.perf_counter()
    for _ in range(2):
        learn(model, batch, options.device)
    wait()
    first = time.perf_counter() - begun
    if options.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    times = []
    for _ in range(options.repeats):
        begun = time.perf_counter()
        for _ in range(BACK_TO_BACK):
            learn(model, batch, options.device)
        wait()
        times.append((time.perf_counter() - begun) / BACK_TO_BACK)
    seconds, tokens = statistics.median(times), batch.input_ids_NL.numel()
    memory = torch.cuda.max_memory_allocated() if options.device == "cuda" else bench.peak_memory()
    return {
        "name": case.name, "activations": "recomputed" if case.recomputed else "kept",
        "rows": len(batch.rows), "tokens": tokens,
        "seconds": seconds, "first_two": first, "tokens_per_s": tokens / seconds,
        "share_of_peak": flops_of(model, batch) / seconds / peak, "memory": memory,
    }  # fmt: skip


def breakdown(model: Any, optimizer: Any, batch: Any, device: str) -> dict[str, float]:
    """Seconds of the parts of a step, each waited for: the second of two steps."""
    import torch

    from r1light.algorithms.logprob import chunked_logprobs
    from r1light.training.forward import output_head, target_hidden

    wait, found = waiting(device), dict[str, float]()

    def timed(name: str, action: Callable[[], Any]) -> Any:
        wait()
        begun = time.perf_counter()
        result = action()
        wait()
        found[name] = time.perf_counter() - begun
        return result

    head = output_head(model).weight_VH
    for _ in range(2):
        with mixed(device):
            hidden_KH = timed("layers, forward", lambda: target_hidden(model, batch))
            leaf_KH = hidden_KH.detach().requires_grad_()
            out = timed("head, forward", lambda: chunked_logprobs(leaf_KH, head, batch.target_K))  # noqa: B023
            loss = loss_of(batch, out.logprobs_T)
            timed("head, backward", lambda: loss.backward())  # noqa: B023
            timed("layers, backward", lambda: hidden_KH.backward(leaf_KH.grad))  # noqa: B023
        timed("clipping", lambda: torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0))
        timed("optimiser", lambda: optimizer.step())
    return found


def kernels(model: Any, batch: Any, device: str, count: int = 14) -> list[tuple[str, int, float]]:
    """Where a micro-batch's time goes: the kernels (on a CPU operators), their calls and seconds."""
    import torch
    from torch.autograd import DeviceType

    on_gpu = device == "cuda"
    activities = [torch.profiler.ProfilerActivity.CPU]
    activities += [torch.profiler.ProfilerActivity.CUDA] if on_gpu else []
    with torch.profiler.profile(activities=activities) as profile:
        learn(model, batch, device)
        waiting(device)()
    name = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    kind = DeviceType.CUDA if on_gpu else DeviceType.CPU
    events = [event for event in profile.key_averages() if event.device_type == kind]
    found = [(event.key, event.count, getattr(event, name) / 1e6) for event in events]
    return sorted(found, key=lambda each: -each[2])[:count]


def cases_of(batches: dict[str, Any]) -> list[Case]:
    """All micro-batches plainly, and one with recomputed activations."""
    *_, last = batches
    return [*(Case(name, recomputed=False) for name in batches), Case(last, recomputed=True)]


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure all, and print each table as soon as it is there."""
    import torch

    from r1light.training.stepping import adamw

    torch.set_num_threads(options.threads)
    rates = bench.rates(options.threads, options.device, 0.3)
    device = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    print(f"{options.shape} on {device}; matrix products {rates['flops'] / 1e12:.1f} TFLOP/s\n", flush=True)
    shape = SHAPES[options.shape]
    model = make_model(shape, options.device, options.tokens)
    optimizer = adamw(model.parameters(), lr=1e-6, beta2=0.99, weight_decay=0.0)
    found = make_batches(shape.vocabulary, options.tokens, options.mean)
    batches = {name: batch.to(options.device) for name, batch in found.items()}
    measured = [
        measure(model, batches[case.name], case, options, rates["flops"]) for case in cases_of(batches)
    ]
    print(bench.markdown(HEADER, map(cells, measured)) + "\n", flush=True)
    recompute(model, False)
    _, middle, _ = batches.values()
    parts = breakdown(model, optimizer, middle, options.device)
    for name, seconds in parts.items():
        print(f"{name:18}{seconds * 1e3:9.2f} ms{seconds / sum(parts.values()):7.1%}")
    top = kernels(model, middle, options.device)
    for name, calls, seconds in top:
        print(f"{seconds * 1e3:9.2f} ms {calls:6} x {name[:84]}")
    found = {"cases": measured, "parts": parts, "kernels": top}
    return {"shape": options.shape, "device": device, "rates": rates, **found}


def cells(case: dict[str, Any]) -> list[str]:
    """A row of the table."""
    return [
        case["name"], str(case["rows"]), f"{case['tokens']:,}", case["activations"],
        f"{case['seconds'] * 1e3:,.1f}", f"{case['tokens_per_s']:,.0f}", f"{case['share_of_peak']:.1%}",
        f"{case['memory'] / 2**30:.1f}",
    ]  # fmt: skip


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shape", default="1.5B", choices=tuple(SHAPES))
    parser.add_argument("--device", default="cuda", choices=("cpu", "cuda"))
    for name, value in (("tokens", 4096), ("mean", 300), ("repeats", 3), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--json", type=Path, help="also write all figures here")
    options = parser.parse_args()
    print(bench.machine_line(bench.machine(("r1light", "torch", "transformers", "triton"))))
    bench.write_json(options.json, run(options))


if __name__ == "__main__":
    main()
