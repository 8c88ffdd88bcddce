"""Checkpoints that a crash cannot halve, and the state that makes a resumed run equal an unbroken one."""

from __future__ import annotations

import os
import pickle
import random
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric.plugins import TorchCheckpointIO
from torch import Tensor

from r1light.core.errors import ResumeError, StorageError
from r1light.training.digest import digest_of, note_digest
from r1light.training.zero import consolidated

CHECKPOINT_NAME = re.compile(r"^iteration-(\d+)\.ckpt$")


def checkpoint_name(iteration: int) -> str:
    """The file name of the checkpoint after an iteration."""
    return f"iteration-{iteration:06d}.ckpt"


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes aside, syncs, and renames; so a checkpoint is whole or absent, and its digest is beside it."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | os.PathLike[str],
        storage_options: Any = None,
    ) -> None:
        """Save.

        Raises:
            StorageError: If it cannot be written (a full disk); earlier checkpoints are unharmed.
        """
        target = Path(path)
        aside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with aside.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            note_digest(aside, target)
            aside.replace(target)
        except (OSError, RuntimeError) as error:  # torch's writer turns a failed write into a RuntimeError
            aside.unlink(missing_ok=True)
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise StorageError(f"cannot save the checkpoint {target}: {reason}") from error


def keep_trained(module: Any, checkpoint: dict[str, Any]) -> None:
    """Leave frozen weights out of a checkpoint: they are read from the model's own files again.

    Args:
        module: The LightningModule.
        checkpoint: Lightning's, of a module whose weights are all there; changed in place.
    """
    frozen = {
        name for name, each in module.named_parameters(remove_duplicate=False) if not each.requires_grad
    }
    weights = checkpoint.get("state_dict", {})  # DeepSpeed writes them elsewhere
    for name in [each for each in weights if each in frozen or _owner(each) in frozen]:
        del weights[name]


def _owner(name: str) -> str:
    """The weight that a number belongs to: one in 4 bits has its scales beside it, by its name and a dot."""
    return name.partition(".weight.")[0] + ".weight"


def check_trained(module: Any, checkpoint: dict[str, Any]) -> None:
    """Refuse a checkpoint that lacks weights that are trained, as frozen ones may be absent.

    Raises:
        ResumeError: If so.
    """
    trained = {name for name, each in module.named_parameters() if each.requires_grad}
    absent = trained - checkpoint.get("state_dict", dict.fromkeys(trained)).keys()
    if absent:
        raise ResumeError(f"the checkpoint lacks {len(absent)} trained weights, such as {min(absent)}")


def trained_weights(path: Path) -> dict[str, Tensor]:
    """The weights of a checkpoint, by the names of the model that was trained.

    Args:
        path: A file, or DeepSpeed's folder, whose pieces are put together in float32.

    Raises:
        ResumeError: It cannot be read.
    """
    try:
        if path.is_dir():
            weights = consolidated(path)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True, mmap=True)["state_dict"]
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, KeyError, ValueError) as error:
        raise ResumeError(f"the checkpoint {path} cannot be read: {str(error).splitlines()[0]}") from error
    # the LightningModule's name of what it trains comes first: policy. or model.
    return {name.partition(".")[2]: tensor for name, tensor in weights.items()}


def load_trained(model: Any, weights: Mapping[str, Tensor], path: Path) -> None:
    """Put a checkpoint's weights into a model.

    Raises:
        ResumeError: They are of another model, or some that are trained are absent.
    """
    trained = {name for name, each in model.named_parameters() if each.requires_grad}
    try:
        found = model.load_state_dict(weights, strict=False)
    except RuntimeError as error:  # another shape
        raise ResumeError(f"{path} is of another model: {str(error).splitlines()[-1].strip()}") from error
    wrong = [*found.unexpected_keys, *sorted(trained.intersection(found.missing_keys))]
    if wrong:
        raise ResumeError(f"{path} is of another model: {len(wrong)} weights differ, such as {wrong[0]}")


def saved_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a folder, the newest first."""
    found = [
        (int(match[1]), path) for path in folder.glob("*.ckpt") if (match := CHECKPOINT_NAME.match(path.name))
    ]
    return [path for _, path in sorted(found, reverse=True)]


def prune(folder: Path, keep: int) -> None:
    """Delete all but the newest checkpoints, and what crashed writers left."""
    for path in saved_checkpoints(folder)[keep:]:
        if path.is_dir():  # DeepSpeed's
            shutil.rmtree(path, ignore_errors=True)
        path.unlink(missing_ok=True)
        digest_of(path).unlink(missing_ok=True)
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)
    for path in (*folder.glob(".*.new"), *folder.glob(".*.old")):
        shutil.rmtree(path, ignore_errors=True)


def set_aside(folder: Path, iteration: int) -> None:
    """Rename the checkpoints after an iteration: a run that goes back behind them will write them anew."""
    for path in saved_checkpoints(folder):
        if int(path.stem.split("-")[-1]) > iteration:
            path.rename(path.with_name(f"{path.name}.old"))


def rng_state() -> dict[str, Any]:
    """The states of python's, numpy's and torch's generators, as plain values and tensors.

    So stored, a checkpoint loads with `weights_only=True`.
    """
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": [version, list(words), gauss],
        "numpy": [name, torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
    }


def restore_rng(state: Mapping[str, Any]) -> None:
    """Set the three generators as `rng_state` found them."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
