"""What the processes of a run say to one another; with one process, all of it is free."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

T = TypeVar("T")

START = 600.0
"""Seconds that processes have to come up, at least: they import libraries, on disks that may be slow."""


def join(timeout: float) -> None:
    """Meet the other processes, as RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT of the environment say.

    Args:
        timeout: Seconds after which a process that waits for another, here or later, raises.
    """
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    start = timedelta(seconds=max(timeout, START))
    store, rank, world = next(rendezvous("env://", timeout=start))
    dist.init_process_group(
        backend, store=store, rank=rank, world_size=world, timeout=timedelta(seconds=timeout)
    )


def leave() -> None:
    """Part from the other processes, without waiting for them."""
    if dist.is_initialized():
        dist.destroy_process_group()


def world_size() -> int:
    """The number of processes."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This process's number, from 0; also before the group is set up."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank()
    return int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")))


def add_up(values: Tensor) -> Tensor:
    """The sum over all processes."""
    if world_size() > 1:
        values = values.clone()
        dist.all_reduce(values)
    return values


def largest(value: int) -> int:
    """The largest of all processes' numbers."""
    return int(max(gather([value])))


def any_of(flag: bool) -> bool:
    """Whether it is so in any process."""
    return any(gather([flag]))


def share_of(items: Sequence[Any]) -> list[Any]:
    """This process's share: every world-size-th item, from its own number on."""
    return list(items[rank() :: world_size()])


def gather(items: Sequence[Any]) -> list[Any]:
    """All processes' items, dealt back into the order that `share_of` took them from."""
    if world_size() == 1:
        return list(items)
    shares: list[Any] = [None] * world_size()
    dist.all_gather_object(shares, list(items))
    longest = max(len(share) for share in shares)
    return [share[index] for index in range(longest) for share in shares if index < len(share)]


def of_first(make: Callable[[], T]) -> T:
    """What the first process makes, in all of them."""
    if world_size() == 1:
        return make()
    made: list[Any] = [make() if rank() == 0 else None]
    dist.broadcast_object_list(made)
    first: T = made[0]
    return first


def in_step(batches: Sequence[T], spare: Callable[[], T]) -> Iterator[tuple[T, bool, bool]]:
    """Batches, as many in each process: what shares out weights or sums gradients needs all at every pass.

    Args:
        batches: This process's.
        spare: Makes one to fill up with where it has none at all; else its first one is used.

    Yields:
        A batch, whether it counts (1) or fills up (0), and whether it is the last.
    """
    count = largest(len(batches))
    filler = [] if len(batches) == count else [batches[0] if batches else spare()]
    for index in range(count):
        counts = index < len(batches)
        yield batches[index] if counts else filler[0], counts, index == count - 1


def on_device(values: Sequence[float], device: torch.device) -> Tensor:
    """Float64 numbers as a tensor to reduce; float32 where the device has nothing wider."""
    dtype = torch.float32 if device.type == "mps" else torch.float64
    return torch.tensor(list(values), dtype=dtype, device=device)
