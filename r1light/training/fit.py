"""Running a module under Lightning, from a fresh start or from a checkpoint."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import lightning
import torch
from torch.utils.data import DataLoader, IterableDataset

from r1light.config.schema import TrainerSpec
from r1light.core.errors import ResumeError
from r1light.training import ranks
from r1light.training.checkpoint import AtomicCheckpointIO, restore_rng, rng_state
from r1light.training.digest import check_digest
from r1light.training.quiet import quiet_lightning
from r1light.training.strategies import cluster_environment, strategy_of


class Counted(Protocol):
    """A LightningModule that counts its own training steps."""

    iteration: int
    """Training steps done."""
    iterations: int
    """Training steps in all."""


class Iterations(IterableDataset[int]):
    """Numbers of training steps, for Lightning's loop to count; the module keeps its own."""

    def __init__(self, module: Counted) -> None:
        self._module = module

    def __iter__(self) -> Iterator[int]:
        yield from range(self._module.iteration, self._module.iterations)


class RandomState(lightning.Callback):
    """Keeps python's, numpy's and torch's generators in the checkpoint, for rewards that draw numbers.

    They are set back when the first iteration starts, as Lightning itself draws before it.
    """

    def __init__(self) -> None:
        self._restored: dict[str, Any] | None = None
        self._boundary: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """The states between two iterations, also for a checkpoint of one that is broken off."""
        return self._boundary or self._restored or rng_state()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep them for the first iteration."""
        self._restored = state_dict

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Set them back, once."""
        if self._restored is not None:
            restore_rng(self._restored)
            self._restored = None
        self._boundary = rng_state()

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """The iteration is whole; what follows is the next boundary."""
        self._boundary = None


def make_trainer(
    callbacks: Sequence[lightning.Callback],
    accelerator: str,
    spec: TrainerSpec,
    folder: Path,
    max_grad_norm: float | None,
) -> lightning.Trainer:
    """A Lightning trainer that does nothing by itself but run the loop.

    Args:
        callbacks: Called in this order.
        accelerator: Where it computes, in Lightning's words.
        spec: On how many devices, with which numbers, and how they share the work.
        folder: The run folder.
        max_grad_norm: Where gradients are clipped; for strategies that do so themselves.
    """
    plugins: list[Any] = [] if spec.strategy.startswith("deepspeed") else [AtomicCheckpointIO()]
    if spec.strategy != "ddp" or ranks.world_size() > 1:
        plugins.append(cluster_environment())
    with quiet_lightning():
        return lightning.Trainer(
            accelerator=accelerator,
            devices=spec.devices,
            num_nodes=spec.nodes,
            strategy=strategy_of(spec, max_grad_norm),
            precision=spec.precision,
            callbacks=[RandomState(), *callbacks],
            plugins=plugins,
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            default_root_dir=folder,
        )


def fit(trainer: lightning.Trainer, module: Any, checkpoint: Path | None) -> None:
    """Train to the end, from a checkpoint where one is given.

    Args:
        trainer: From `make_trainer`.
        module: A LightningModule that is `Counted`.
        checkpoint: What to go on from; None for a fresh start.
    """
    loader = DataLoader(Iterations(module), batch_size=None)
    with quiet_lightning():
        trainer.fit(module, loader, ckpt_path=checkpoint, weights_only=True)


def _iteration_of(path: Path) -> int:
    """The iteration of a checkpoint that is what was written; DeepSpeed's is a folder."""
    check_digest(path)
    if path.is_dir():
        return int(path.stem.split("-")[-1])
    state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    return int(state["progress"]["iteration"])


def newest_readable(checkpoints: Sequence[Path]) -> tuple[Path | None, int, list[str]]:
    """The first checkpoint that loads, its iteration, and a line for each before it that does not.

    Raises:
        ResumeError: If there are some and none loads.
    """
    damaged = []
    for path in checkpoints:
        try:
            iteration = _iteration_of(path)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, KeyError, ValueError) as error:
            damaged.append(f"{path} is damaged ({str(error).splitlines()[0]})")
        else:
            return path, iteration, damaged
    if damaged:
        raise ResumeError(f"no checkpoint loads: {'; '.join(damaged)}; start afresh with resume=none")
    return None, 0, []
