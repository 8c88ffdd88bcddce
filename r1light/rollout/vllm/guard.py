"""Runs inside a vLLM server: asks for the key on every path, and ends the server with whoever started it.

vLLM by itself asks for its key under /v1 alone, while weights are changed by other paths. Given to it as
`--middleware r1light.rollout.vllm.guard.require_key`.
"""

from __future__ import annotations

import hmac
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from r1light.rollout.vllm.process import KEY_VARIABLE

MIDDLEWARE = f"{__name__}.require_key"
PARENT_VARIABLE = "R1LIGHT_PARENT"
"""The process id of whoever started the server."""
OPEN_PATHS = frozenset(["/health"])
POLL_SECONDS = 0.5


async def require_key(request: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
    """Let a request through that brings the key."""
    from starlette.responses import JSONResponse

    key = os.environ.get(KEY_VARIABLE, "")
    given = request.headers.get("Authorization", "")
    right = bool(key) and hmac.compare_digest(given.encode(), f"Bearer {key}".encode())
    if right or request.url.path in OPEN_PATHS:
        return await call_next(request)
    return JSONResponse({"error": "Unauthorized"}, status_code=401)


def _end_with(parent: int) -> None:
    """Kill this process and those it started once its parent is gone, which a SIGKILL gives no time to do."""
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.killpg(0, signal.SIGKILL)


if PARENT_VARIABLE in os.environ:
    threading.Thread(target=_end_with, args=(int(os.environ[PARENT_VARIABLE]),), daemon=True).start()
