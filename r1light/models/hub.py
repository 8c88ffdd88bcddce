"""The Hugging Face hub where there is no network: what was fetched before is read, and nothing waited for."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies


@contextmanager
def hub_or_cache() -> Iterator[None]:
    """Have the hub's libraries read their caches alone where the hub's name leads to no address.

    They would ask for it again and again, for most of a minute, and read the cache then.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE or getproxies() or _has_address(urlsplit(constants.ENDPOINT).hostname or ""):
        yield
        return
    of_datasets = getattr(sys.modules.get("datasets"), "config", None)  # which has a copy of its own
    holders: list[Any] = [constants] if of_datasets is None else [constants, of_datasets]
    before = [holder.HF_HUB_OFFLINE for holder in holders]
    try:
        for holder in holders:
            holder.HF_HUB_OFFLINE = True
        yield
    finally:
        for holder, value in zip(holders, before, strict=True):
            holder.HF_HUB_OFFLINE = value


def _has_address(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return False
    return True
