"""The socket, and the end: requests that run get their time, then they are given up. Needs uvicorn."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

import uvicorn

from r1light.core.errors import ConfigError, EngineError
from r1light.serving.app import Endpoint
from r1light.serving.worker import Worker

POLL_SECONDS = 0.1
"""How often it is looked whether the server is to end."""
CLOSING_SECONDS = 5.0
"""What answers may take to leave once requests are given up, and the engine's thread to end."""

_log = logging.getLogger(__name__)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Args:
        host: A name or an address.
        port: 0 for any free one.

    Raises:
        ConfigError: The address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"stage.host={host} stage.port={port}: cannot listen there: {reason}; choose another, or "
            "stage.port=0 for any free one"
        ) from error


def serve(
    endpoint: Endpoint, worker: Worker, listening: socket.socket, seconds: float, ready: Callable[[], None]
) -> None:
    """Answer requests until a signal comes.

    Args:
        endpoint: What answers.
        worker: The engine's thread.
        listening: A listening socket; closed at the end.
        seconds: What running requests may take once a signal has come; then they are given up.
        ready: Called when requests are answered.

    Raises:
        Interrupted: A signal came (uvicorn raises it again once it has ended).
        EngineError: The engine has failed.
    """
    config = uvicorn.Config(
        endpoint.app(),
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=int(seconds + CLOSING_SECONDS) + 1,
    )
    server = uvicorn.Server(config)
    try:
        asyncio.run(_run(server, endpoint, worker, listening, seconds, ready))
    finally:
        if not worker.close(CLOSING_SECONDS):
            _log.warning("the engine did not end within %g seconds", CLOSING_SECONDS)
    if worker.failure is not None:
        raise EngineError(f"the engine has failed: {worker.failure}") from worker.failure


async def _run(
    server: uvicorn.Server,
    endpoint: Endpoint,
    worker: Worker,
    listening: socket.socket,
    seconds: float,
    ready: Callable[[], None],
) -> None:
    watch = asyncio.create_task(_watch(server, endpoint, worker, seconds, ready))
    try:
        await server.serve(sockets=[listening])
    finally:
        watch.cancel()


async def _watch(
    server: uvicorn.Server, endpoint: Endpoint, worker: Worker, seconds: float, ready: Callable[[], None]
) -> None:
    """Say when the server is ready; end it with its engine; give running requests up after their time."""
    told = False
    while not server.should_exit:
        if server.started and not told:
            told = True
            ready()
        server.should_exit = server.should_exit or worker.failure is not None
        await asyncio.sleep(POLL_SECONDS)
    await asyncio.sleep(seconds)
    endpoint.give_up()
