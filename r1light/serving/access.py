"""Who may ask: a key where there is one, and where there is none only this machine's own names."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping

from r1light.serving.refusal import RefusalError


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host's address; a name other than localhost counts as foreign."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.rstrip(".").lower() == "localhost"


class Access:
    """Checks the head of a request. Keeps a digest of the key, and not the key."""

    def __init__(self, key: str | None) -> None:
        """Take the key.

        Args:
            key: What clients must bring; None for no key.
        """
        self._digest = None if key is None else _digest(key)

    def check(self, headers: Mapping[str, str]) -> None:
        """Refuse who may not ask.

        Without a key, a page in a browser could ask by a name of its own that leads here; so the name that
        is asked for must be one of this machine's.

        Raises:
            RefusalError: 401 for a wrong key or none, 403 for a foreign name.
        """
        if self._digest is None:
            name = headers.get("host", "localhost").rpartition("@")[2]
            bare = name if name.endswith("]") else name.rpartition(":")[0] or name
            if not is_loopback(bare):
                raise RefusalError(
                    403, "without a key this server answers only to localhost; start it with a key"
                )
            return
        kind, _, given = headers.get("authorization", "").partition(" ")
        given_digest = _digest(given.strip())
        if kind.lower() != "bearer" or not hmac.compare_digest(given_digest, self._digest):
            raise RefusalError(
                401,
                "Incorrect API key provided; send it as Authorization: Bearer KEY",
                code="invalid_api_key",
                headers={"WWW-Authenticate": "Bearer"},
            )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogateescape")).digest()
