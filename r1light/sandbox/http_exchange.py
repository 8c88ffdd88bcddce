"""One HTTP request and its answer, within a deadline and a size; no redirects, no proxies, no cookies."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

_CHUNK = 1 << 16


class ExchangeError(Exception):
    """No answer came: the service cannot be reached, broke off, or missed the deadline."""


class TooLargeError(Exception):
    """The answer is larger than was allowed."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where requests go.

    Attributes:
        secure: Whether by TLS, with the certificate verified.
        host: A name or address.
        port: The port.
        path: What every path begins with, without a slash at its end.
    """

    secure: bool
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Take an http or https address apart.

        Raises:
            ValueError: It is something else, or holds a password, a query or a fragment.
        """
        parts = urlsplit(url)
        if parts.username is not None or parts.password is not None:
            raise ValueError(
                "holds a user or password, which would be written to logs; use sandbox.remote.key_env"
            )
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("is no address of the form http://host:port/path or https://host/path")
        secure = parts.scheme == "https"
        return cls(secure, parts.hostname, parts.port or (443 if secure else 80), parts.path.rstrip("/"))

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.host}:{self.port}{self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: The HTTP status.
        body: The whole body.
        retry_after: Seconds that the service asks to wait, or None.
    """

    status: int
    body: bytes
    retry_after: float | None = None


def post(
    address: Address, path: str, body: bytes, headers: Mapping[str, str], *, deadline: float, most_bytes: int
) -> Answer:
    """Send a body and wait for the whole answer.

    Args:
        address: Where to.
        path: What comes after the address's own path, such as "/run_code".
        body: What to send.
        headers: Further headers.
        deadline: Until when, on the monotonic clock, in seconds; holds for the whole exchange.
        most_bytes: The largest body that is read.

    Raises:
        ExchangeError: No answer came in time, or none at all.
        TooLargeError: The answer is larger than that.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise ExchangeError("no time was left for it")
    kind = http.client.HTTPSConnection if address.secure else http.client.HTTPConnection
    connection = kind(address.host, address.port, timeout=seconds)
    timer: threading.Timer | None = None
    try:
        connection.connect()
        left = max(deadline - time.monotonic(), 0.001)
        connection.sock.settimeout(left)
        # a timeout of the socket holds for each read alone; the timer ends an exchange that trickles, too
        timer = threading.Timer(left, _cut, (connection.sock,))
        timer.daemon = True
        timer.start()
        connection.request("POST", address.path + path, body, dict(headers))
        response = connection.getresponse()
        content, pause = _read(response, most_bytes), _seconds(response.getheader("Retry-After"))
    except TooLargeError:
        raise
    except (OSError, http.client.HTTPException, ssl.SSLError, ValueError) as error:
        if time.monotonic() >= deadline:
            raise ExchangeError(f"did not answer within {seconds:.1f} s") from error
        raise ExchangeError(f"cannot be reached: {type(error).__name__}: {error}") from error
    finally:
        if timer is not None:
            timer.cancel()
        connection.close()
    if time.monotonic() >= deadline:  # cut off, and without a length nothing else tells
        raise ExchangeError(f"did not answer within {seconds:.1f} s")
    return Answer(response.status, content, pause)


def _read(response: http.client.HTTPResponse, most_bytes: int) -> bytes:
    parts, size = [], 0
    while chunk := response.read1(_CHUNK):
        size += len(chunk)
        if size > most_bytes:
            raise TooLargeError
        parts.append(chunk)
    if response.length:  # fewer bytes than the header promised
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(parts)


def _seconds(header: str | None) -> float | None:
    with suppress(ValueError):
        return min(max(float(header or ""), 0.0), 3600.0)
    return None


def _cut(connected: socket.socket) -> None:
    """Make whatever waits on the socket fail at once."""
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
