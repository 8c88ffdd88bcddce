"""What measurements side by side share: a process a run, rounds in alternating order, medians, one table.

A script starts itself once a run, with the side's name among the arguments, and calls `tell` there; `ask`
reads what was told. The machine's own rates are best measured in the same way, as one more side. Nothing but
the standard library is imported at the top, so that an interpreter without r1light can import it.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

MARK = "RESULT "
DEADLINE = 1800.0
"""Seconds that one run may take."""
Runs = dict[str, list[dict[str, Any]]]
"""What each side told, in the order of the rounds."""


def tell(result: Mapping[str, Any]) -> None:
    """Print one run's figures for the process that asked, and the peak of this process's memory in bytes."""
    print(MARK + json.dumps({"peak_memory": peak_memory(), **result}), flush=True)


def peak_memory() -> int:
    """The most memory this process has held at a time, in bytes (its resident set)."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux's getrusage counts what the parent held when it started this process
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def ask(
    command: Sequence[str], environment: Mapping[str, str] | None = None, deadline: float = DEADLINE
) -> dict[str, Any]:
    """What one run told, in a process of its own.

    Args:
        command: Its command line.
        environment: Added to this process's own.
        deadline: Seconds it may take.

    Raises:
        SystemExit: It failed, told nothing or was not done in time; carries the end of what it said.
    """
    try:
        done = subprocess.run(
            command, env={**os.environ, **(environment or {})}, capture_output=True, text=True,
            errors="replace", timeout=deadline, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise SystemExit(f"not done after {deadline:.0f} s: {' '.join(command)}") from error
    told = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode or not told:
        raise SystemExit(f"failed: {' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    result: dict[str, Any] = json.loads(told[-1].removeprefix(MARK))
    return result


def alternate(sides: Sequence[str], rounds: int, run: Callable[[str], dict[str, Any]]) -> Runs:
    """Run every side once a round, each round in the other order: a change of load meets all alike."""
    found: Runs = {side: [] for side in sides}
    for number in range(rounds):
        for side in sides if number % 2 == 0 else tuple(reversed(sides)):
            begun = time.perf_counter()
            found[side].append(run(side))
            took = time.perf_counter() - begun
            print(f"round {number + 1}: {side} ({took:.1f} s)", file=sys.stderr, flush=True)
    return found


def middle(runs: Sequence[Mapping[str, Any]], name: str) -> float:
    """The median of a figure over the rounds."""
    return float(statistics.median(run[name] for run in runs))


def spread(runs: Sequence[Mapping[str, Any]], name: str, form: str = ",.0f", scale: float = 1.0) -> str:
    """The range of a figure over the rounds, in words; each value is divided by `scale`."""
    values = [run[name] / scale for run in runs]
    return f"{min(values):{form}} to {max(values):{form}}"


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def machine(packages: Sequence[str]) -> dict[str, Any]:
    """What the figures hang on: processor, cores, memory, versions of what is installed, load and date."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(pages * size / 2**30),
        "load_average": round(os.getloadavg()[0], 2),
        "versions": {"python": platform.python_version(), **_versions(packages)},
    }


def machine_line(found: Mapping[str, Any]) -> str:
    """`machine` in one line."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    size = f"{found['cores']} cores ({found['processor']}), {found['memory_gib']} GiB"
    return f"{found['date']}; {size}; {versions}; load at the start {found['load_average']:.1f}"


def rates(threads: int, device: str = "cpu", seconds: float = 0.5) -> dict[str, float]:
    """What this machine can do at most, by torch: in float32 on a CPU, in bfloat16 on a GPU.

    Args:
        threads: Of torch on the CPU.
        device: "cpu" or "cuda".
        seconds: How long each is tried.

    Returns:
        `flops`: floating-point operations a second of the best of some sizes of square matrix products;
        `bytes`: bytes a second, those read and those written, of copying an array that no cache holds.
    """
    import torch

    torch.set_num_threads(threads)
    on_gpu = device == "cuda"
    dtype, wait = (torch.bfloat16, torch.cuda.synchronize) if on_gpu else (torch.float32, lambda: None)
    flops = 0.0
    for size in (4096, 8192) if on_gpu else (512, 1024, 2048):
        one, other = torch.randn(2, size, size, device=device, dtype=dtype)
        product = torch.empty_like(one)
        taken = _best(lambda: (torch.mm(one, other, out=product), wait()), seconds)  # noqa: B023
        flops = max(flops, 2 * size**3 / taken)
    source = torch.ones(2**30 if on_gpu else 2**27, device=device)  # 4 GiB, 512 MiB
    target = torch.empty_like(source)
    moved = 2 * 4 * source.numel()
    return {"flops": flops, "bytes": moved / _best(lambda: (target.copy_(source), wait()), seconds)}


def write_json(path: Path | None, result: Mapping[str, Any]) -> None:
    """All figures, where a file is asked for."""
    if path is not None:
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _best(action: Callable[[], object], seconds: float) -> float:
    """The shortest time of a call, of as many as fit into `seconds`, at least three."""
    action()
    times: list[float] = []
    while sum(times) < seconds or len(times) < 3:
        begun = time.perf_counter()
        action()
        times.append(time.perf_counter() - begun)
    return min(times)


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _versions(packages: Sequence[str]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
