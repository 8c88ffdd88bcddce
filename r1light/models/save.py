"""Saving a model as a plain Hugging Face directory that is there whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from r1light.core.errors import StorageError


def save_model(model: Any, tokenizer: Any, path: Path) -> None:
    """Write weights (safetensors), configuration and tokenizer aside, then put them in place.

    Args:
        model: A transformers model; saved in the dtype it is in.
        tokenizer: Its tokenizer.
        path: The directory; replaced if it is there.

    Raises:
        StorageError: If it cannot be written; what was there before is unharmed.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        model.save_pretrained(aside, safe_serialization=True)
        tokenizer.save_pretrained(aside)
        if path.exists():
            path.rename(old)
        aside.rename(path)
        shutil.rmtree(old, ignore_errors=True)
    except Exception as error:
        shutil.rmtree(aside, ignore_errors=True)
        if old.exists() and not path.exists():
            old.rename(path)
        if isinstance(error, OSError) or "SafetensorError" in type(error).__name__:
            raise StorageError(f"cannot write the model to {path}: {error}") from error
        raise
