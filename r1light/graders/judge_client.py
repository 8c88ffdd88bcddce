"""Chat completions over HTTP, from any server that speaks the OpenAI protocol: one request, with retries."""

from __future__ import annotations

import json
import os
import random
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message as Headers
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any

from r1light.core.types import Message
from r1light.graders.label_reply import label_reply

MAX_REPLY_BYTES = 4 * 2**20
RETRIED = frozenset([408, 409, 425, 429, 500, 502, 503, 504, 529])
"""HTTP statuses that may pass by themselves."""
MAX_BACKOFF_SECONDS = 60.0
TOP_LOGPROBS = 5
"""The likeliest tokens whose log-probabilities are asked for, as AlpacaEval 2.0 does."""


class JudgeFailed(Exception):  # noqa: N818 - it carries why there is no verdict, and is caught by name
    """A judge gave no reply; the message says why, without the key."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to ask, and how patiently.

    Attributes:
        base_url: Such as http://localhost:8000/v1.
        model: The model's name there.
        key_variable: The environment variable with the key, or "" for none. Read at every request.
        max_tokens: The cap on a reply, in tokens.
        temperature: 0 for the likeliest reply.
        request_seconds: Wall clock of one attempt.
        deadline_seconds: Wall clock of all attempts together.
        retries: Attempts after the first.
        backoff_seconds: The wait before the first retry; it doubles with each.
    """

    base_url: str
    model: str
    key_variable: str = ""
    max_tokens: int = 512
    temperature: float = 0.0
    request_seconds: float = 60.0
    deadline_seconds: float = 240.0
    retries: int = 4
    backoff_seconds: float = 1.0

    def ask(self, messages: Sequence[Message]) -> str:
        """The reply to a conversation.

        Raises:
            JudgeFailed: If there is none before the deadline, or the server refuses.
        """
        return _content(self._choice(messages, {"max_tokens": self.max_tokens}))

    def label(self, messages: Sequence[Message], labels: Sequence[str]) -> str:
        """How likely each label is as the first token of the reply; see `label_reply` for the form.

        Raises:
            JudgeFailed: If there is no reply before the deadline, it is no label, or the server refuses.
        """
        more = {"max_tokens": 1, "logprobs": True, "top_logprobs": TOP_LOGPROBS}
        try:
            return label_reply(self._choice(messages, more), labels)
        except ValueError as error:
            raise JudgeFailed(str(error)) from error

    def _choice(self, messages: Sequence[Message], more: Mapping[str, Any]) -> dict[str, Any]:
        """The first choice of the reply to a request with these parameters besides; raises JudgeFailed."""
        due = time.monotonic() + self.deadline_seconds
        for attempt in range(self.retries + 1):
            try:
                return self._attempt(messages, more, due)
            except _Passing as failure:
                pause = failure.wait_seconds or self.backoff_seconds * 2**attempt * _JITTER.uniform(0.5, 1.5)
                pause = min(pause, MAX_BACKOFF_SECONDS)
                if attempt == self.retries or time.monotonic() + pause >= due:
                    raise JudgeFailed(f"{failure} ({attempt + 1} attempts)") from failure
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _attempt(self, messages: Sequence[Message], more: Mapping[str, Any], due: float) -> dict[str, Any]:
        """One request; raises _Passing where another may do better, else JudgeFailed."""
        seconds = min(self.request_seconds, due - time.monotonic())
        if seconds <= 0:
            raise JudgeFailed("no reply before the deadline")
        end = time.monotonic() + seconds
        try:
            with _OPENER.open(self._request(messages, more), timeout=seconds) as response:
                body = _read(response.read1, end)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error.code, error.headers, more) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise _Passing(f"no reply from {self.base_url}: {self._without_key(str(reason))}") from None
        return _first_choice(body)

    def _request(self, messages: Sequence[Message], more: Mapping[str, Any]) -> urllib.request.Request:
        body = {
            "model": self.model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "temperature": self.temperature,
            **more,
        }
        headers = {"Content-Type": "application/json"}
        if key := self._key():
            headers["Authorization"] = f"Bearer {key}"
        url = self.base_url.rstrip("/") + "/chat/completions"
        return urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")

    def _refusal(self, status: int, headers: Headers, more: Mapping[str, Any]) -> Exception:
        what = f"{self.base_url} answers with HTTP status {status}"
        if status not in RETRIED:
            hints = dict.fromkeys((401, 403), f"is the key in {self.key_variable or 'api_key_env'} right?")
            if "logprobs" in more:
                hints |= dict.fromkeys((400, 422), "where it gives no log-probabilities, say logprobs=false")
            return JudgeFailed("; ".join([what, *filter(None, [hints.get(status)])]))
        after = headers.get("Retry-After", "")
        return _Passing(what, float(after) if after.isdecimal() else 0.0)

    def _key(self) -> str:
        return os.environ.get(self.key_variable, "") if self.key_variable else ""

    def _without_key(self, text: str) -> str:
        return text.replace(self._key(), "***") if self._key() else text


class _Passing(Exception):  # noqa: N818 - it ends an attempt, not the request
    """A failure that may pass; `wait_seconds` is what the server asked for, or 0."""

    def __init__(self, message: str, wait_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class _Http(HTTPConnection):
    def getresponse(self) -> HTTPResponse:
        return _head_in_time(self, super().getresponse)


class _Https(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:
        return _head_in_time(self, super().getresponse)


class _HttpHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_Http, req)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_Https, req)


def _head_in_time(connection: HTTPConnection, getresponse: Callable[[], HTTPResponse]) -> HTTPResponse:
    """The status and the headers, within the connection's timeout, which by itself bounds single bytes.

    Raises:
        TimeoutError: They took longer.
    """
    late, sock = threading.Event(), connection.sock

    def cut() -> None:
        late.set()
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # wakes whoever reads

    timer = threading.Timer(connection.timeout or 0.0, cut)
    timer.daemon = True
    timer.start()
    try:
        response = getresponse()
    finally:
        timer.cancel()
        if late.is_set():
            raise TimeoutError("the reply took too long")
    return response


_OPENER = urllib.request.build_opener(_NoRedirect, _HttpHandler, _HttpsHandler)
_JITTER = random.Random()  # of its own: the draws of a run must not depend on a server's hiccups


def _read(read: Callable[[int], bytes], due: float) -> bytes:
    """The body, in pieces, so that a server that trickles meets the deadline too."""
    body = b""
    while piece := read(65536):
        body += piece
        if len(body) > MAX_REPLY_BYTES:
            raise JudgeFailed(f"the reply is longer than {MAX_REPLY_BYTES} bytes")
        if time.monotonic() > due:
            raise TimeoutError("the reply took too long")
    return body


def _first_choice(body: bytes) -> dict[str, Any]:
    """The first choice."""
    try:
        choice: dict[str, Any] = json.loads(body)["choices"][0]
        choice["message"].get("content")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise JudgeFailed("the reply is no chat completion") from None
    return choice


def _content(choice: Mapping[str, Any]) -> str:
    """The text of a choice."""
    content = choice["message"].get("content")
    if choice.get("finish_reason") == "length":
        raise JudgeFailed("the reply was cut off; raise max_tokens")
    if not isinstance(content, str):
        raise JudgeFailed("the reply has no text")
    return content.encode(errors="replace").decode()  # half a surrogate pair could not be written to any file
