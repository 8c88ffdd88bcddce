"""Forward and backward passes side by side: on a CPU, small passes gain little from a second thread each."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_LANES = 4
"""Each lane has gradients of its own, and a step of a small model has few passes."""
MAX_PARAMETERS = 16_000_000
"""Above it, a matrix product is large enough for all threads."""


def lanes_for(model: Any) -> int:
    """How many passes run side by side, torch's threads at most; one but on a CPU in float32."""
    parameters = list(model.parameters())
    small = sum(each.numel() for each in parameters) <= MAX_PARAMETERS
    alike = all(each.device.type == "cpu" and each.dtype is torch.float32 for each in parameters)
    return min(torch.get_num_threads(), MAX_LANES) if small and alike else 1


class Lanes:
    """Runs a function of the model over many items, a thread of its own for each lane.

    Every lane has a model that shares the weights and has its own gradients, which are added up in the order
    of the lanes. Which lane takes an item depends on its position alone, so that a run repeats bit for bit
    with as many lanes.
    """

    def __init__(self, model: Any, count: int = 1) -> None:
        """Make a model for each lane.

        Args:
            model: The one that is trained; its gradients hold the sum.
            count: How many lanes, see `lanes_for`; with one, all runs in the caller's thread.
        """
        self._models = [model, *(_twin(model) for _ in range(count - 1))]
        self._here = threading.local()
        self._threads = max(1, torch.get_num_threads() // count)

    @property
    def count(self) -> int:
        """How many passes run at a time at most."""
        return len(self._models)

    @property
    def model(self) -> Any:
        """The model of the lane that asks."""
        return self._models[getattr(self._here, "lane", 0)]

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """The function's results in the items' order; a lane takes every count-th item.

        An exception of the function is raised here, after the other lanes have ended.
        """
        count = min(len(self._models), len(items))
        if count <= 1:
            return [function(item) for item in items]
        self._share()
        results: list[Any] = [None] * len(items)

        def run(lane: int) -> None:
            self._here.lane = lane
            torch.set_num_threads(self._threads)  # of this thread alone
            for position in range(lane, len(items), count):
                results[position] = function(items[position])

        with ThreadPoolExecutor(count) as pool:
            for future in [pool.submit(run, lane) for lane in range(count)]:
                future.result()
        self._add_up()
        return results

    def _share(self) -> None:
        """Let all lanes see the weights of the first, which may have moved."""
        for mine, *theirs in zip(*(model.parameters() for model in self._models), strict=True):
            for other in theirs:
                other.data = mine.data

    @torch.no_grad()
    def _add_up(self) -> None:
        """Move the gradients of the other lanes to the first."""
        for mine, *theirs in zip(*(model.parameters() for model in self._models), strict=True):
            for other in theirs:
                if other.grad is not None:
                    mine.grad = other.grad if mine.grad is None else mine.grad.add_(other.grad)
                    other.grad = None


def _twin(model: Any) -> Any:
    """A copy of a model that shares its weights' memory, and not their gradients."""
    shared = {
        id(each): torch.nn.Parameter(each.detach(), requires_grad=each.requires_grad)
        for each in model.parameters()
    }
    return copy.deepcopy(model, shared)
