"""One request to a vLLM server over HTTP, with a deadline; retries are for others to decide."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from r1light.core.errors import ConfigError, EngineError

HEALTH_SECONDS = 5.0
SHOWN = 500
"""Characters of a refusal that are shown."""
PASSING = frozenset([408, 425, 429, 500, 502, 503, 504])
"""HTTP statuses that may pass by themselves, or when the server is started again."""


class Unanswered(Exception):  # noqa: N818 - it ends an attempt, not the request
    """A server did not answer; the message says why, without the key."""


class Client:
    """Asks one server.

    Attributes:
        url: Where it is.
    """

    def __init__(self, url: str, key: str | None, key_name: str = "") -> None:
        """Take where to ask.

        Args:
            url: Such as http://127.0.0.1:8000.
            key: What the server wants to see; never shown.
            key_name: Where the key came from, for people.
        """
        self.url = url.rstrip("/")
        self._key, self._key_name = key, key_name
        self._open: set[HTTPConnection] = set()
        self._lock = threading.Lock()

    def post(self, path: str, body: Any, seconds: float) -> Any:
        """The JSON of an answer, None for an empty one.

        Raises:
            Unanswered: There is none within `seconds`, or the server fails.
            ConfigError: The server wants another key.
            EngineError: It refuses the request, or its answer is no JSON.
        """
        status, text = self._exchange("POST", path, json.dumps(body).encode(), seconds)
        if status in PASSING:
            raise Unanswered(f"{self.url}{path} answers with HTTP status {status}: {text[:SHOWN]}")
        if status in (401, 403):
            where = f"; is the key in {self._key_name} right?" if self._key_name else ""
            raise ConfigError(f"{self.url}{path} answers with HTTP status {status}{where}")
        if status != 200:
            raise EngineError(f"{self.url}{path} answers with HTTP status {status}: {text[:SHOWN]}")
        try:
            return json.loads(text) if text else None
        except ValueError:
            raise EngineError(f"{self.url}{path} answers with what is no JSON: {text[:SHOWN]}") from None

    def healthy(self) -> bool:
        """Whether /health is answered with 200."""
        try:
            return self._exchange("GET", "/health", None, HEALTH_SECONDS)[0] == 200
        except Unanswered:
            return False

    def cut(self) -> None:
        """Break off what is being waited for: it ends as Unanswered."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError, AttributeError):
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def _exchange(self, method: str, path: str, body: bytes | None, seconds: float) -> tuple[int, str]:
        """The status and the text, both in time."""
        due = time.monotonic() + seconds
        parts = urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.netloc, timeout=seconds)
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        with self._lock:
            self._open.add(connection)
        try:
            connection.request(method, parts.path + path, body, headers)
            response = connection.getresponse()
            pieces = []
            while piece := response.read1(1 << 20):
                pieces.append(piece)
                if time.monotonic() > due:
                    raise TimeoutError(f"the answer took more than {seconds:g} seconds")
        except (OSError, HTTPException) as error:
            raise Unanswered(self._safe(f"{self.url}{path}: {type(error).__name__}: {error}")) from None
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()
        if response.length:  # of what was announced, and no error by itself
            raise Unanswered(self._safe(f"{self.url}{path}: the answer broke off"))
        return response.status, self._safe(b"".join(pieces).decode(errors="replace"))

    def _safe(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text
