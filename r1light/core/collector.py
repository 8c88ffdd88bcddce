"""When Python's garbage collector need not look."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage meanwhile, as where a large library is imported.

    An import makes very many objects that stay, and the collector walks over all of them again and again: a
    sixth to a fifth of the processor time that torch and transformers take to import.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def passed_over() -> Iterator[None]:
    """Have the collector pass over all objects that are there already, such as a model and its libraries."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
