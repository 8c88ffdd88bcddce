"""The routes: /health, /v1/models, /v1/chat/completions and /v1/completions. Needs starlette."""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from r1light.core.protocols import Decode
from r1light.serving.access import Access
from r1light.serving.answer import Answer, job_of
from r1light.serving.asked import Asked, Defaults, read_chat, read_completion
from r1light.serving.prompts import Prompts
from r1light.serving.refusal import RefusalError
from r1light.serving.replies import Replies
from r1light.serving.token_text import TokenText
from r1light.serving.worker import Job, Worker

BODY_SECONDS = 30.0
"""What a client may take to send its request."""
CLIENT_GONE = 499
"""The status of an answer that nobody reads."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How requests are answered.

    Attributes:
        model: The model's name for clients.
        access: Who may ask.
        defaults: What holds for a request that does not say.
        split: Whether thoughts are told apart from answers.
        max_bytes: The largest body.
        max_requests: Most requests at a time, those that wait included.
        seconds: What a request may take.
        seed: What the seeds of requests that bring none are drawn by, in their order.
    """

    model: str
    access: Access
    defaults: Defaults
    split: bool
    max_bytes: int
    max_requests: int
    seconds: float
    seed: int


class Endpoint:
    """Answers requests by one worker."""

    def __init__(self, settings: Settings, prompts: Prompts, worker: Worker, decode: Decode) -> None:
        self._settings = settings
        self._prompts = prompts
        self._worker = worker
        self._decode = decode
        self._spell = TokenText(prompts.tokenizer)
        self._seeds = random.Random(settings.seed)
        self._jobs: set[Job] = set()
        self._created = int(time.time())

    def app(self) -> Starlette:
        """The routes, as an ASGI application."""
        return Starlette(
            routes=[
                Route("/health", self._health, methods=["GET"]),
                Route("/v1/models", self._models, methods=["GET"]),
                Route("/v1/models/{name:path}", self._model, methods=["GET"]),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/v1/completions", self._text, methods=["POST"]),
            ],
            exception_handlers={RefusalError: _refused, HTTPException: _not_found, Exception: _failed},
        )

    def give_up(self) -> None:
        """End every request that runs: the server ends."""
        for job in list(self._jobs):
            self._worker.give_up(job)
            job.tell(RefusalError(503, "the server is shutting down", code="shutting_down"))

    async def _health(self, request: Request) -> Response:  # noqa: ARG002
        if self._worker.failure is not None:
            raise RefusalError(503, "the engine has failed", code="engine_failed")
        return JSONResponse({"status": "ok", "running": len(self._jobs)})

    async def _models(self, request: Request) -> Response:
        self._settings.access.check(request.headers)
        return JSONResponse({"object": "list", "data": [self._about()]})

    async def _model(self, request: Request) -> Response:
        self._settings.access.check(request.headers)
        self._known(request.path_params["name"])
        return JSONResponse(self._about())

    async def _chat(self, request: Request) -> Any:
        return await self._answer(request, "chat", read_chat)

    async def _text(self, request: Request) -> Any:
        return await self._answer(request, "text", read_completion)

    async def _answer(
        self, request: Request, kind: Literal["chat", "text"], read: Callable[[bytes, Defaults], Asked]
    ) -> Any:
        deadline = asyncio.get_running_loop().time() + self._settings.seconds
        self._settings.access.check(request.headers)
        asked = read(await self._body(request), self._settings.defaults)
        self._known(asked.model)
        prompts = await asyncio.to_thread(self._prompts.of, asked)
        seed = self._seeds.getrandbits(63) if asked.seed is None else asked.seed
        job = job_of(asked, prompts, seed, self._prompts.context)
        answer = Answer(job, asked, prompts, self._decode, split=self._settings.split)
        name = f"{'chatcmpl' if kind == 'chat' else 'cmpl'}-{uuid.uuid4().hex}"
        replies = Replies(
            kind, name, int(time.time()), self._settings.model, self._spell, asked.likeliest or 0
        )
        self._begin(job)
        if asked.stream:
            return self._streamed(job, _events(answer, replies, deadline, usage=asked.usage))
        try:
            parts = await _unless_gone(request, answer.whole(deadline))
        finally:
            self._end(job)
        return JSONResponse(replies.whole(parts, answer.usage))

    def _begin(self, job: Job) -> None:
        if len(self._jobs) >= self._settings.max_requests:
            raise RefusalError(
                503,
                f"the server has {len(self._jobs)} requests already, as many as it takes; try again later",
                code="overloaded",
                headers={"Retry-After": "1"},
            )
        self._jobs.add(job)
        self._worker.submit(job)

    def _end(self, job: Job) -> None:
        self._jobs.discard(job)
        self._worker.give_up(job)

    def _streamed(self, job: Job, events: AsyncIterator[str]) -> Callable[..., Awaitable[None]]:
        """A response that frees its job however it ends, a client that has gone included."""
        response = StreamingResponse(
            events, media_type="text/event-stream", headers={"Cache-Control": "no-cache"}
        )

        async def respond(scope: Any, receive: Any, send: Any) -> None:
            try:
                await response(scope, receive, send)
            finally:
                self._end(job)

        return respond

    async def _body(self, request: Request) -> bytes:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise RefusalError(415, f"Content-Type must be application/json, not {kind or 'absent'}")
        most = self._settings.max_bytes
        stated = request.headers.get("content-length", "")
        body = bytearray()
        if not (stated.isdecimal() and int(stated) > most):
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    async for chunk in request.stream():
                        body += chunk
                        if len(body) > most:
                            break
                    else:
                        return bytes(body)
            except TimeoutError:
                raise RefusalError(408, f"the body did not come within {BODY_SECONDS:g} seconds") from None
        raise RefusalError(413, f"the body is larger than {most} bytes", headers={"Connection": "close"})

    def _known(self, name: str | None) -> None:
        if name is None:
            raise RefusalError(400, "model is missing", "model", "missing_required_parameter")
        if name != self._settings.model:
            raise RefusalError(
                404,
                f"The model `{name[:80]}` does not exist; this server has `{self._settings.model}`",
                "model",
                "model_not_found",
            )

    def _about(self) -> dict[str, Any]:
        return {
            "id": self._settings.model,
            "object": "model",
            "created": self._created,
            "owned_by": "r1light",
            "max_model_len": self._prompts.context,
        }


async def _events(answer: Answer, replies: Replies, deadline: float, *, usage: bool) -> AsyncIterator[str]:
    """Server-sent events; an error that comes late is one of them."""
    extra = {"usage": None} if usage else {}
    try:
        if replies.kind == "chat":
            for index in range(len(answer)):
                yield _event(replies.opening(index) | extra)
        async with aclosing(answer.parts(deadline)) as parts:
            async for part in parts:
                yield _event(replies.chunk(part) | extra)
        if usage:
            yield _event(replies.counts(answer.usage))
    except RefusalError as error:
        yield _event(error.body())
    else:
        yield "data: [DONE]\n\n"


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n"


async def _unless_gone(request: Request, work: Any) -> Any:
    """Wait for a result, and give up when the client has gone."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    task, watch = asyncio.ensure_future(work), asyncio.ensure_future(gone())
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise HTTPException(CLIENT_GONE, "the client has gone")
        return task.result()
    finally:
        for each in (task, watch):
            each.cancel()
        await asyncio.gather(task, watch, return_exceptions=True)


async def _refused(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, RefusalError)
    return JSONResponse(error.body(), error.status, error.headers)


async def _not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"{request.method} {request.url.path}: {error.detail}"
    return JSONResponse(RefusalError(error.status_code, message).body(), error.status_code, error.headers)


async def _failed(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return JSONResponse(RefusalError(500, f"a fault of the server: {type(error).__name__}").body(), 500)
