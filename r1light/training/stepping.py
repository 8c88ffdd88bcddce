"""Passes and steps under whichever strategy: what differs between DDP, FSDP2 and DeepSpeed is said here.

All of them average gradients over processes, and a loss is to be a sum over all of them: it is divided by the
whole update's count and multiplied by their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from r1light.core.errors import R1LightError
from r1light.training import ranks


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


def step(module: Any, optimizer: Any, limit: float | None, update: int) -> float:
    """Clip and step.

    Args:
        module: The LightningModule.
        optimizer: Its optimiser.
        limit: The largest norm of the gradient; None for any. DeepSpeed has it in its configuration.
        update: The number of the update, for the error.

    Returns:
        The gradient's norm over all processes, before clipping.

    Raises:
        R1LightError: If it is not finite.
    """
    engine = wrapped(module)
    if hasattr(engine, "get_global_grad_norm"):
        optimizer.step()
        norm = _finite(engine.get_global_grad_norm(), update)
    else:
        trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
        found = torch.nn.utils.clip_grad_norm_(trained, limit or float("inf"))
        norm = _finite(found.full_tensor() if hasattr(found, "full_tensor") else found, update)
        optimizer.step()
    optimizer.zero_grad()
    return norm


def _finite(norm: Any, update: int) -> float:
    value = float(norm)
    if value != value or value == float("inf"):
        raise R1LightError(
            f"the gradient of update {update} is not finite; the last checkpoint is unharmed. "
            "Lower stage.lr, or train in trainer.precision=32-true"
        )
    return value


def set_learning_rate(optimizer: Any, rate: float) -> float:
    """Set it in all groups of the optimiser, and give it back."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    return rate
