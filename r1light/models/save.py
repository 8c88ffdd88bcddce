"""Saving a model as a plain Hugging Face directory that is there whole or not at all."""

from __future__ import annotations

import copy
import os
import shutil
from pathlib import Path
from typing import Any

from r1light.core.errors import StorageError


def save_model(model: Any, tokenizer: Any, path: Path, shard_size: str = "5GB") -> None:
    """Write weights (safetensors), configuration and tokenizer aside, then put them in place.

    `save_pretrained` would import every training framework that is installed, to see whether the model is
    wrapped by one; the pieces that it would write are written here.

    Args:
        model: A transformers model; saved in the dtype it is in.
        tokenizer: Its tokenizer.
        path: The directory; replaced if it is there.
        shard_size: The most that one file of weights may have.

    Raises:
        StorageError: If it cannot be written; what was there before is unharmed.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        _write(model, tokenizer, aside, shard_size)
        if path.exists():
            path.rename(old)
        aside.rename(path)
        shutil.rmtree(old, ignore_errors=True)
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        if old.exists() and not path.exists():
            old.rename(path)
        if isinstance(error, OSError) or type(error).__name__ == "SafetensorError":
            raise StorageError(f"cannot write the model to {path}: {error}") from error
        raise


def _write(model: Any, tokenizer: Any, folder: Path, shard_size: str) -> None:
    from huggingface_hub import save_torch_model

    config = copy.deepcopy(model.config)
    config.architectures = [type(model).__name__]
    config.dtype = str(model.dtype).removeprefix("torch.")
    config.save_pretrained(folder)
    if getattr(model, "generation_config", None) is not None:  # a classifier has none
        model.generation_config.save_pretrained(folder)
    tied = list(getattr(model, "_tied_weights_keys", None) or ()) if config.tie_word_embeddings else []
    save_torch_model(
        model,
        folder,
        max_shard_size=shard_size,
        metadata={"format": "pt"},
        shared_tensors_to_discard=tied,
    )
    tokenizer.save_pretrained(folder)
