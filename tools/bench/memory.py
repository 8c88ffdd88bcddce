"""Log-probabilities and entropies under a large vocabulary: in chunks, beside full logits.

    python tools/bench/memory.py [--tokens 4096] [--vocabulary 152000] [--hidden 896] [--rounds 3]
                                 [--threads 2] [--device cpu] [--json out.json]

Forward and backward, to the hidden states and to the head, of a loss on log-probabilities. Each run is a
fresh process; memory is what its peak adds to what inputs and gradients take (on a GPU: the allocator's).
Results of both ways are compared: log-probabilities and entropies in nats, gradients relative to their
largest entry. Where torch sees a GPU, it is measured too, in bfloat16 operands, unless --device says cpu.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import side_by_side as bench

CHUNKED, DENSE = "chunked", "dense"
HEADER = ("device", "way", "clock s, median", "range", "CPU s", "extra memory MiB", "range")


def dense(hidden_TH: Any, weight_VH: Any, targets_T: Any) -> tuple[Any, Any]:
    """The plain way, with logits of all tokens."""
    import torch

    log_softmax_TV = torch.log_softmax((hidden_TH @ weight_VH.T).float(), dim=-1)
    logprobs_T = log_softmax_TV.gather(-1, targets_T[:, None]).squeeze(-1)
    with torch.no_grad():
        entropy_T = -torch.linalg.vecdot(log_softmax_TV.exp(), log_softmax_TV)
    return logprobs_T, entropy_T


def chunked(hidden_TH: Any, weight_VH: Any, targets_T: Any) -> tuple[Any, Any]:
    """Ours."""
    from r1light.algorithms.logprob import chunked_logprobs

    found = chunked_logprobs(hidden_TH, weight_VH, targets_T)
    return found.logprobs_T, found.entropy_T


def serve_side(options: argparse.Namespace) -> None:
    """Run one way once, tell its figures and keep its results."""
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    device = torch.device(options.device)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    hidden_TH = torch.randn(options.tokens, options.hidden, device=device, dtype=dtype).requires_grad_()
    weight_VH = torch.randn(options.vocabulary, options.hidden, device=device, dtype=dtype)
    weight_VH = weight_VH.mul_(options.hidden**-0.5).requires_grad_()
    targets_T = torch.randint(options.vocabulary, (options.tokens,), device=device)
    upstream_T = torch.randn(options.tokens, device=device)
    way = chunked if options.side == CHUNKED else dense
    way(hidden_TH[:2], weight_VH[:8], targets_T[:2] % 8)  # imports, and starts torch's threads
    gradients = hidden_TH.nbytes + weight_VH.nbytes
    before = held_memory(device)
    begun, cpu = time.perf_counter(), time.process_time()
    logprobs_T, entropy_T = way(hidden_TH, weight_VH, targets_T)
    (logprobs_T * upstream_T).sum().backward()
    extra = most_memory(device) - before - gradients
    figures = {"clock": time.perf_counter() - begun, "cpu": time.process_time() - cpu, "extra": extra}
    found = (logprobs_T.detach(), entropy_T.detach(), hidden_TH.grad, weight_VH.grad)
    torch.save([tensor.float().cpu() for tensor in found], options.results)
    bench.tell(figures)


def held_memory(device: Any) -> int:
    """Bytes held now; the count of the peak starts anew."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    Path("/proc/self/clear_refs").write_text("5")  # Linux: forget the peak of the resident set
    return bench.peak_memory()


def most_memory(device: Any) -> int:
    """The peak since then, in bytes."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated()
    return bench.peak_memory()


def differences(folder: Path) -> dict[str, float]:
    """How far the two ways are apart: nats, and gradients relative to their largest entry."""
    import torch

    ours, plain = (torch.load(folder / way) for way in (CHUNKED, DENSE))
    gaps = [float((one - other).abs().max()) for one, other in zip(ours, plain, strict=True)]
    largest = [1.0, 1.0, *(float(tensor.abs().max()) for tensor in plain[2:])]
    names = ("logprobs", "entropy", "hidden_gradient", "head_gradient")
    return {name: gap / size for name, gap, size in zip(names, gaps, largest, strict=True)}


def measure(device: str, options: argparse.Namespace) -> dict[str, Any]:
    """Both ways on one device."""
    with tempfile.TemporaryDirectory() as folder:

        def run(side: str) -> dict[str, Any]:
            command = [sys.executable, __file__, "--side", side, "--results", str(Path(folder) / side)]
            for name in ("tokens", "vocabulary", "hidden", "threads"):
                command += [f"--{name}", str(getattr(options, name))]
            return bench.ask([*command, "--device", device])

        runs = bench.alternate((CHUNKED, DENSE), options.rounds, run)
        gaps = differences(Path(folder))
    return {"runs": runs, "differences": gaps, **ratios(runs)}


def ratios(runs: bench.Runs) -> dict[str, float]:
    """Ours over the plain way.

    Example:
        >>> one, other = {"clock": 3, "cpu": 3, "extra": 1}, {"clock": 2, "cpu": 4, "extra": 8}
        >>> ratios({"chunked": [one], "dense": [other]})
        {'clock_ratio': 1.5, 'cpu_ratio': 0.75, 'extra_ratio': 0.125}
    """
    return {
        f"{name}_ratio": bench.middle(runs[CHUNKED], name) / bench.middle(runs[DENSE], name)
        for name in ("clock", "cpu", "extra")
    }


def rows(device: str, runs: bench.Runs) -> list[list[str]]:
    """The rows of the table of one device."""
    mib = 2**20
    return [
        [
            device, way, f"{bench.middle(mine, 'clock'):.2f}", bench.spread(mine, "clock", ".2f"),
            f"{bench.middle(mine, 'cpu'):.2f}", f"{bench.middle(mine, 'extra') / mib:,.0f}",
            bench.spread(mine, "extra", scale=mib),
        ]
        for way, mine in runs.items()
    ]  # fmt: skip


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    sizes = (("tokens", 4096), ("vocabulary", 152_000), ("hidden", 896), ("rounds", 3), ("threads", 2))
    for name, value in sizes:
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), help="the one to measure; default: all there are"
    )
    parser.add_argument("--json", type=Path, help="also write all figures here")
    parser.add_argument("--side", choices=(CHUNKED, DENSE), help=argparse.SUPPRESS)
    parser.add_argument("--results", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        serve_side(options)
        return
    import torch

    found = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    devices = [options.device] if options.device else found
    machine = bench.machine(("torch",))
    print(
        f"{bench.machine_line(machine)}; {options.threads} threads, {options.rounds} rounds; "
        f"{options.tokens:,} tokens, vocabulary {options.vocabulary:,}, hidden size {options.hidden}\n"
    )
    results = {device: measure(device, options) for device in devices}
    print(
        bench.markdown(HEADER, [row for device in devices for row in rows(device, results[device]["runs"])])
    )
    for device, result in results.items():
        gaps = ", ".join(f"{name} {gap:.1e}" for name, gap in result["differences"].items())
        shares = ", ".join(
            f"{name} {result[name]:.3f}" for name in ("clock_ratio", "cpu_ratio", "extra_ratio")
        )
        print(f"\n{device}: chunked to dense: {shares}; they differ by {gaps}")
    bench.write_json(options.json, {"machine": machine, "threads": options.threads, "devices": results})


if __name__ == "__main__":
    main()
