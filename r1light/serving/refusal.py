"""What a client is told when its request is not answered, in the form of OpenAI's errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KINDS: Mapping[int, str] = {
    401: "authentication_error",
    404: "not_found_error",
    500: "server_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""The `type` of an error by its status; others are `invalid_request_error`."""


class RefusalError(Exception):
    """A request is not answered.

    Attributes:
        status: The HTTP status.
        message: Why, for people.
        param: The request's field that is wrong, where it is one.
        code: A word for programs.
        headers: What else the answer's head says.
    """

    def __init__(
        self,
        status: int,
        message: str,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The JSON that is answered."""
        kind = KINDS.get(self.status, "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


def wrong(name: str, message: str) -> RefusalError:
    """A field's value cannot be taken: status 400."""
    return RefusalError(400, f"{name}: {message}", name, "invalid_value")
