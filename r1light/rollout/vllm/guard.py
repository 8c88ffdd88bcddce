"""Runs inside a vLLM server: asks for the key on every path, and ends the server with whoever started it.

vLLM by itself asks for its key under /v1 alone, while weights are changed by other paths. Given to it as
`--middleware r1light.rollout.vllm.guard.require_key`.
"""

from __future__ import annotations

import hmac
import os
import shutil
from collections.abc import Awaitable, Callable
from typing import Any

from r1light.core.lifeline import end_with_parent
from r1light.rollout.vllm.process import KEY_VARIABLE

MIDDLEWARE = f"{__name__}.require_key"
WEIGHTS_VARIABLE = "R1LIGHT_VLLM_WEIGHTS"
"""The folder where weights are left for the server, which goes with whoever made it."""
OPEN_PATHS = frozenset(["/health"])


async def require_key(request: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
    """Let a request through that brings the key."""
    from starlette.responses import JSONResponse

    key = os.environ.get(KEY_VARIABLE, "")
    given = request.headers.get("Authorization", "")
    right = bool(key) and hmac.compare_digest(given.encode(), f"Bearer {key}".encode())
    if right or request.url.path in OPEN_PATHS:
        return await call_next(request)
    return JSONResponse({"error": "Unauthorized"}, status_code=401)


end_with_parent(lambda: shutil.rmtree(os.environ.get(WEIGHTS_VARIABLE, ""), ignore_errors=True))
