"""Imports of large libraries, without the garbage collector's part in them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage meanwhile.

    An import makes very many objects that stay, and the collector walks over all of them again and again: a
    sixth to a fifth of the time that torch and transformers take to import.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
