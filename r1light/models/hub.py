"""The Hugging Face hub where there is no network: what was fetched before is read, and nothing waited for."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

_changing = Lock()
"""Held while the libraries are offline: who changes that puts it back before another looks."""


@contextmanager
def hub_or_cache(path: str) -> Iterator[None]:
    """Have the hub's libraries read their caches alone where the hub's name leads to no address.

    They would ask for it again and again, for most of a minute, and read the cache then.

    Args:
        path: What is to be read; a directory or file of that name needs no hub.
    """
    if Path(path).exists() or not _is_out_of_reach():
        yield
        return
    from huggingface_hub import constants

    of_datasets = getattr(sys.modules.get("datasets"), "config", None)  # which has a copy of its own
    holders: list[Any] = [constants] if of_datasets is None else [constants, of_datasets]
    with _changing:
        before = [holder.HF_HUB_OFFLINE for holder in holders]
        try:
            for holder in holders:
                holder.HF_HUB_OFFLINE = True
            yield
        finally:
            for holder, value in zip(holders, before, strict=True):
                holder.HF_HUB_OFFLINE = value


def _is_out_of_reach() -> bool:
    """Whether there is no proxy to ask, and no address; an endpoint that cannot be read is the library's."""
    from huggingface_hub import constants

    parts, proxies = urlsplit(constants.ENDPOINT), getproxies()
    if constants.HF_HUB_OFFLINE or proxies.get(parts.scheme) or proxies.get("all") or not parts.hostname:
        return False
    try:
        socket.getaddrinfo(parts.hostname, None)
    except (OSError, UnicodeError):
        return True
    return False
