"""What an update needs and writing completions does not: kept in the host's memory in the meantime.

The moments, and where asked the weights of policy and reference, lie in the host's memory from the end of an
update to the beginning of the next; evaluations and checkpoints fall in between and read them there. Every
number is copied as it is, so that a run is bit for bit the one without.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import lightning
import torch
from torch import Tensor

from r1light.core.errors import ConfigError
from r1light.core.protocols import RolloutEngine

_log = logging.getLogger(__name__)


class Parking:
    """Moves the data of tensors to another device and back; a tensor stays the same object.

    Example:
        >>> parking, tensor = Parking(torch.device("cpu")), torch.ones(2)
        >>> parking.park([tensor]); parking.fetch(); tensor
        tensor([1., 1.])
    """

    def __init__(self, host: torch.device) -> None:
        """Take the device that data are moved to."""
        self._host = host
        self._parked: list[tuple[Tensor, torch.device]] = []
        self._buffers: dict[int, Tensor] = {}

    @torch.no_grad()
    def park(self, tensors: Sequence[Tensor]) -> None:
        """Copy the tensors' data to the host and let their memory go; what is parked already stays so.

        Buffers on the host are kept and used again. They are pinned where the data come from a GPU.
        """
        known = {id(tensor) for tensor, _ in self._parked}
        for tensor in tensors:
            if id(tensor) in known:
                continue
            buffer = self._buffers.get(id(tensor))
            if buffer is None or buffer.shape != tensor.shape or buffer.dtype != tensor.dtype:
                buffer = torch.empty_like(tensor.data, device=self._host, pin_memory=tensor.is_cuda)
            self._parked.append((tensor, tensor.device))
            self._buffers[id(tensor)] = buffer
            tensor.data = buffer.copy_(tensor.data, non_blocking=True)
        self._settle()

    @torch.no_grad()
    def fetch(self) -> None:
        """Copy everything back to where it was."""
        for tensor, home in self._parked:
            tensor.data = torch.empty_like(tensor.data, device=home).copy_(tensor.data, non_blocking=True)
        self._settle()
        self._parked.clear()

    def _settle(self) -> None:
        """Wait for the copies: whoever reads the host's memory next does not ask the GPU."""
        for device in {home for _, home in self._parked if home.type == "cuda"}:
            torch.cuda.synchronize(device)


class Offload(lightning.Callback):
    """Parks what is asked after each update, before anything else looks at it.

    Attributes:
        what: Some of "optimizer", "policy" and "reference".
    """

    def __init__(self, what: Sequence[str], engine: RolloutEngine, parking: Parking) -> None:
        self.what = frozenset(what)
        self._engine = engine
        self._parking = parking

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Park what a resumed run begins with."""
        self._parking.park(list(self._tensors(trainer, pl_module)))

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Park after an update."""
        self._parking.park(list(self._tensors(trainer, pl_module)))

    def fetch(self) -> None:
        """Have all of it back for an update; the engine gives up its cache first, or all of its memory."""
        if (sleep := getattr(self._engine, "sleep", None)) is not None:
            sleep()
        free = getattr(self._engine, "free_cache", None)
        if self.what and free is not None:
            free()
        self._parking.fetch()

    def _tensors(self, trainer: Any, module: Any) -> Iterator[Tensor]:
        """What is to be parked; a step counter of Adam's is on the host anyway, and stays."""
        if "policy" in self.what:
            yield from module.policy.parameters()
        if "reference" in self.what and module.reference is not None:
            yield from module.reference.tensors
        if "optimizer" in self.what:
            for optimizer in trainer.optimizers:
                for state in optimizer.state.values():
                    yield from (each for each in state.values() if isinstance(each, Tensor) and each.ndim)


def offload_for(what: Sequence[str], engine: RolloutEngine, device: torch.device) -> Offload:
    """What parks as `stage.offload` asks; on a CPU nothing, which is said.

    Raises:
        ConfigError: The policy is to be parked, and the engine writes with it.
    """
    asked = f"stage.offload=[{','.join(what)}]"
    if what and device.type == "cpu":
        _log.warning("%s: nothing is moved, as the run computes on a CPU, in the host's memory", asked)
        what = ()
    if what and getattr(engine, "async_steps", None):
        raise ConfigError(f"{asked}: with rollout.async_steps=1 nothing rests while completions are written")
    if "policy" in what and getattr(engine, "shares_weights", False):
        raise ConfigError(
            f"{asked}: this rollout engine writes with the policy's own weights, which have to stay on the "
            "device; leave policy out, or take rollout=native and a model that it knows"
        )
    return Offload(what, engine, Parking(torch.device("cpu")))
