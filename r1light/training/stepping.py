"""Passes and steps under whichever strategy: what differs between DDP, FSDP2 and DeepSpeed is said here.

All of them average gradients over processes, and a loss is to be a sum over all of them: it is divided by the
whole update's count and multiplied by their number.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from r1light.core.errors import R1LightError
from r1light.training import ranks

_log = logging.getLogger(__name__)


def wrapped(module: Any) -> Any:
    """A LightningModule as its strategy wraps it.

    A forward pass past the wrapper would escape its hooks: some gradients would be wrong without an error.
    """
    return module.trainer.strategy.model


@contextmanager
def one_pass(module: Any, last: bool) -> Iterator[Any]:
    """The forward and the backward pass of one of an update's micro-batches.

    Args:
        module: The LightningModule.
        last: Whether it is the update's last: gradients are summed over processes then.

    Yields:
        The module as its strategy wraps it.
    """
    model = wrapped(module)
    if hasattr(model, "set_gradient_accumulation_boundary"):  # DeepSpeed's engine
        model.set_gradient_accumulation_boundary(last)
        yield model
    elif hasattr(model, "set_requires_gradient_sync"):  # FSDP2
        model.set_requires_gradient_sync(last)
        yield model
    elif hasattr(model, "no_sync") and not last:  # DDP
        with model.no_sync():
            yield model
    else:
        yield model


def backward(module: Any, loss: Tensor, counts: bool = True) -> None:
    """Add the gradient of a loss that is this process's part of a sum over all.

    Args:
        module: The LightningModule.
        loss: Scalar, divided by the whole update's count.
        counts: Whether the pass counts, or fills up.
    """
    module.manual_backward(loss * (ranks.world_size() * counts))


@dataclass(slots=True)
class Skips:
    """Updates that were left out, as their gradient was not finite.

    Attributes:
        borne: How many in a row the run goes on after.
        total: How many there were.
        in_a_row: How many there were since the last that was not left out.
    """

    borne: int
    total: int = 0
    in_a_row: int = 0

    def note(self, norm: float, update: int, *, stepped: bool = False) -> None:
        """Count an update that is left out.

        Args:
            norm: The norm of its gradient.
            update: Its number, for the message.
            stepped: Whether it has reached the weights already.

        Raises:
            R1LightError: If it has, or too many were left out in a row.
        """
        if math.isfinite(norm):
            self.in_a_row = 0
            return
        self.total += 1
        self.in_a_row += 1
        what = f"the gradient of update {update} is not finite"
        if stepped or self.in_a_row > self.borne:
            before = f", as were {self.in_a_row - 1} before it" if self.in_a_row > 1 else ""
            raise R1LightError(
                f"{what}{before}; the last checkpoint is unharmed. Lower stage.lr, or train in "
                "trainer.precision=32-true"
            )
        _log.warning("%s: it is left out (%d in a row, %d are borne)", what, self.in_a_row, self.borne)

    def state(self) -> list[int]:
        """What a checkpoint keeps."""
        return [self.total, self.in_a_row]

    def load_state(self, state: Sequence[int]) -> None:
        """Take it back."""
        self.total, self.in_a_row = state


def step(module: Any, optimizer: Any, limit: float | None, update: int, skips: Skips) -> float:
    """Clip and step; a gradient that is not finite is left out. All processes see the same norm.

    Args:
        module: The LightningModule.
        optimizer: Its optimiser.
        limit: The largest norm of the gradient; None for any. DeepSpeed has it in its configuration.
        update: The number of the update, for messages.
        skips: Counts those that are left out.

    Returns:
        The gradient's norm over all processes, before clipping.

    Raises:
        R1LightError: If it is not finite too often in a row; under DeepSpeed, which clips and steps in one,
            at the first.
    """
    engine = wrapped(module)
    if hasattr(engine, "get_global_grad_norm"):
        optimizer.step()
        norm = float(engine.get_global_grad_norm())
        skips.note(norm, update, stepped=True)
    else:
        trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
        found = torch.nn.utils.clip_grad_norm_(trained, limit or float("inf"))
        norm = float(found.full_tensor() if hasattr(found, "full_tensor") else found)
        skips.note(norm, update)
        if math.isfinite(norm):
            optimizer.step()
    optimizer.zero_grad()
    return norm


def adamw(
    parameters: Iterable[Tensor], *, lr: float, beta2: float, weight_decay: float
) -> torch.optim.Optimizer:
    """AdamW on all weights that require a gradient; on CUDA one kernel reads and writes each weight once.

    Args:
        parameters: Of the model.
        lr: The learning rate.
        beta2: The second moment's decay; the first's is 0.9.
        weight_decay: AdamW's.
    """
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    return torch.optim.AdamW(
        trained,
        lr=lr,
        betas=(0.9, beta2),
        weight_decay=weight_decay,
        fused=all(parameter.is_cuda for parameter in trained) or None,
    )


def set_learning_rate(optimizer: Any, rate: float) -> float:
    """Set it in all groups of the optimiser, and give it back."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    return rate
