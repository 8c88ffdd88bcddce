"""Torch and the GPUs that it sees, or why it sees none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import torch

from r1light.doctor.finding import Finding
from r1light.rollout.native.compiled import built_for

BUSY_SHARE = 0.1
"""A GPU of whose memory more than this share is taken has another user."""
_DRIVER = Path("/proc/driver/nvidia/version")


def look_at_accelerators() -> Iterator[Finding]:
    """Torch's build, the driver, every GPU, and what several of them need."""
    cuda = torch.version.cuda
    build = f"CUDA {cuda}" if cuda else "CPU"
    yield Finding("torch", "ok", f"{torch.__version__} built for {build}, {torch.get_num_threads()} threads")
    yield _c_compiler()
    driver = _driver_line()
    if driver is not None:
        yield Finding("driver", "ok", driver)
    if torch.cuda.is_available():
        yield from _gpus()
        yield from _compilers()
    elif driver is not None:
        yield Finding("GPU", "problem", "there is a driver, and torch sees no GPU", _advice(cuda))
    elif torch.backends.mps.is_available():
        yield Finding("GPU", "note", "Apple's, which r1light does not use: it computes on the CPU")
    else:
        yield Finding("GPU", "note", "none: training computes on the CPU, for small models")


def gpu_finding(index: int, name: str, free: float, total: float, bf16: bool) -> Finding:
    """One GPU.

    Args:
        index: Its number for torch.
        name: Its name.
        free: Bytes that are free.
        total: Bytes in all.
        bf16: Whether it computes in bfloat16.
    """
    told = f"{index}: {name}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free"
    if not bf16:
        return Finding("GPU", "warning", f"{told}, no bfloat16", "set trainer.precision=32-true")
    if free < (1 - BUSY_SHARE) * total:
        return Finding("GPU", "warning", told, "something else uses it: nvidia-smi shows what")
    return Finding("GPU", "ok", f"{told}, bfloat16")


def _gpus() -> Iterator[Finding]:
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        yield gpu_finding(index, name, free, total, torch.cuda.is_bf16_supported(including_emulation=False))
    if torch.distributed.is_available() and torch.distributed.is_nccl_available():
        version = torch.cuda.nccl.version()  # type: ignore[no-untyped-call]
        yield Finding("NCCL", "ok", ".".join(map(str, version)))
    elif torch.cuda.device_count() > 1:
        yield Finding("NCCL", "problem", "absent", "several GPUs need it: install torch's CUDA build")


def _c_compiler() -> Finding:
    """What the native engine builds its steps on a CPU with."""
    if built_for(64, 1) is None:
        advice = "install one (gcc; or name it in CC): rollout=native writes faster on a CPU with it"
        return Finding("C compiler", "note", "none that builds the native engine's steps", advice)
    return Finding("C compiler", "ok", "it builds the native engine's steps on a CPU")


def _compilers() -> Iterator[Finding]:
    """What DeepSpeed builds its optimisers with, the first time that they are used."""
    absent = [name for name in ("g++", "ninja", "nvcc") if shutil.which(name) is None]
    if absent:
        advice = "needed for DeepSpeed's own optimisers alone: install them, or take trainer=fsdp2"
        yield Finding("compilers", "note", f"not on PATH: {', '.join(absent)}", advice)
    else:
        yield Finding("compilers", "ok", "g++, ninja and nvcc are on PATH")


def _driver_line() -> str | None:
    """What NVIDIA's driver says of itself; None where there is none."""
    try:
        return " ".join(_DRIVER.read_text().splitlines()[0].split()).removeprefix("NVRM version: ")
    except (OSError, IndexError):
        return None


def _advice(cuda: str | None) -> str:
    if cuda is None:
        return "this torch is built for CPUs: install its CUDA build (pytorch.org/get-started)"
    return (
        f"the driver may be too old for CUDA {cuda}, or the container has no access: compare nvidia-smi, "
        "start the container with --gpus all, and look at CUDA_VISIBLE_DEVICES"
    )
