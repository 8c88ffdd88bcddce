"""Bounds, deadlines and failures of the endpoint, over an engine that is scripted."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from types import SimpleNamespace

import httpx
import pytest

from r1light.core.errors import DataError
from r1light.core.types import Completion
from r1light.rollout.live import Written
from r1light.serving.access import Access
from r1light.serving.app import Endpoint, Settings
from r1light.serving.asked import Defaults
from r1light.serving.prompts import Prompts
from r1light.serving.worker import Worker

WORDS = "abcdefgh"


def of_words(ids):
    return "".join(WORDS[each] for each in ids)


class Scripted:
    """Writes one letter a step, `max_tokens` of them; a gate holds it, and it may fail."""

    def __init__(self):
        self.gate = threading.Event()
        self.gate.set()
        self.fails = False
        self.left = []
        self._open = deque()
        self._tickets = 0

    @property
    def busy(self):
        return bool(self._open)

    def join(self, request, params, likeliest=None):
        if request.prompt_ids == (7,):
            raise DataError("not this prompt")
        self._tickets += 1
        self._open.append((self._tickets, params.max_tokens, []))
        return self._tickets

    def leave(self, ticket):
        self.left.append(ticket)
        self._open = deque(each for each in self._open if each[0] != ticket)

    def step(self):
        self.gate.wait(0.02)
        if not self.gate.is_set():
            return []
        if self.fails:
            raise ValueError("torn")
        written = []
        for ticket, count, ids in list(self._open):
            ids.append(len(ids) % 7)
            ends = len(ids) == count
            completion = Completion(tuple(ids), of_words(ids), (0.0,) * count, "length") if ends else None
            written.append(Written(ticket, 0, ids[-1], completion=completion))
            if ends:
                self._open = deque(each for each in self._open if each[0] != ticket)
        return written


def with_endpoint(ask, **settings):
    """Run `ask(client, live, endpoint)` against an endpoint; returns what it returns."""
    live = Scripted()
    tokenizer = SimpleNamespace(
        encode=lambda text, **_: [WORDS.index(each) for each in text],
        decode=lambda ids, **_: of_words(ids),
        chat_template=None,
    )
    given = {
        "model": "m", "access": Access(None), "defaults": Defaults(), "split": False, "max_bytes": 1000,
        "max_requests": 2, "seconds": 20.0, "seed": 0, **settings,
    }  # fmt: skip

    async def go(worker):
        endpoint = Endpoint(Settings(**given), Prompts(tokenizer, 30, 8), worker, of_words)
        transport = httpx.ASGITransport(endpoint.app(), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await asyncio.wait_for(ask(client, live, endpoint), 20)

    worker = Worker(live)
    try:
        return asyncio.run(go(worker))
    finally:
        live.gate.set()
        assert worker.close(5)


def body(**fields):
    return {"model": "m", "prompt": "ab", "max_tokens": 4, **fields}


def events(text):
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def test_completions_whole_and_in_pieces_are_the_same():
    async def ask(client, live, endpoint):
        whole = await client.post("/v1/completions", json=body())
        stream = await client.post(
            "/v1/completions", json=body(stream=True, stream_options={"include_usage": True})
        )
        return whole.json(), stream

    whole, stream = with_endpoint(ask)
    assert whole["choices"] == [{"index": 0, "finish_reason": "length", "text": "abcd", "logprobs": None}]
    assert whole["usage"] == {"prompt_tokens": 2, "completion_tokens": 4, "total_tokens": 6}
    *chunks, counts, done = events(stream.text)
    assert [chunk["choices"][0]["text"] for chunk in chunks] == ["a", "b", "c", "d"]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, None, "length"]
    assert all(chunk["usage"] is None for chunk in chunks)
    assert (counts["choices"], counts["usage"], done) == ([], whole["usage"], "[DONE]")
    assert stream.headers["content-type"].startswith("text/event-stream")


TEXT = "/v1/completions"
HELLO = {"model": "m", "messages": [{"role": "user", "content": "a"}]}


@pytest.mark.parametrize(
    ("path", "sent", "status", "says"),
    [
        (TEXT, body(prompt="abc" * 10), 400, "context length is 30 tokens. However, you requested 34"),
        (TEXT, body(max_tokens=29), 400, "requested 31 tokens (2 in the prompt, 29 in the completion)"),
        (TEXT, body(prompt=""), 400, "prompt: is empty"),
        (TEXT, body(prompt=[1, 8]), 400, "token id 8; the model knows ids from 0 to 7"),
        (TEXT, body(prompt=[7]), 400, "not this prompt"),
        (TEXT, body(model="other"), 404, "The model `other` does not exist"),
        (TEXT, body(model=None), 400, "model is missing"),
        (TEXT, body(user="x" * 1000), 413, "larger than 1000 bytes"),
        ("/v1/chat/completions", HELLO, 422, "no chat template"),
        ("/v1/embeddings", {}, 404, "/v1/embeddings"),
        ("/v1/models", {}, 405, "Method Not Allowed"),
    ],
)  # fmt: skip
def test_refusals_have_openais_form(path, sent, status, says):
    async def ask(client, live, endpoint):
        return await client.post(path, json=sent)

    answer = with_endpoint(ask)
    error = answer.json()["error"]
    assert answer.status_code == status
    assert says in error["message"]
    assert error.keys() == {"message", "type", "param", "code"}


def test_a_body_without_a_stated_length_is_bounded_and_its_type_is_asked_for():
    async def chunks():
        for _ in range(30):
            yield b" " * 100

    async def ask(client, live, endpoint):
        json_type = {"Content-Type": "application/json"}
        long = await client.post("/v1/completions", content=chunks(), headers=json_type)
        plain = await client.post("/v1/completions", content=b"{}", headers={"Content-Type": "text/plain"})
        foreign = await client.post("/v1/completions", json=body(), headers={"Host": "evil.org"})
        return [each.status_code for each in (long, plain, foreign)]

    assert with_endpoint(ask) == [413, 415, 403]


def test_more_requests_than_are_taken_are_told_when_to_come_back():
    async def ask(client, live, endpoint):
        live.gate.clear()
        running = [asyncio.create_task(client.post("/v1/completions", json=body())) for _ in range(2)]
        while (await client.get("/health")).json()["running"] < 2:
            await asyncio.sleep(0.01)
        refused = await client.post("/v1/completions", json=body())
        live.gate.set()
        texts = [(await each).json()["choices"][0]["text"] for each in running]
        return refused, texts, await client.post("/v1/completions", json=body())

    refused, texts, later = with_endpoint(ask)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert texts == ["abcd", "abcd"]
    assert later.status_code == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_that_takes_too_long_ends_and_frees_its_place(stream):
    async def ask(client, live, endpoint):
        live.gate.clear()
        answer = await client.post("/v1/completions", json=body(stream=stream))
        while not live.left:
            await asyncio.sleep(0.01)
        return answer, (await client.get("/health")).json()["running"]

    answer, running = with_endpoint(ask, seconds=0.2)
    error = (events(answer.text)[-1] if stream else answer.json())["error"]
    assert (answer.status_code, error["code"]) == (200 if stream else 504, "timeout")
    assert "[DONE]" not in answer.text
    assert running == 0


def test_a_client_that_goes_frees_its_place():
    async def ask(client, live, endpoint):
        live.gate.clear()
        scope = {
            "type": "http", "method": "POST", "path": "/v1/completions", "query_string": b"", "asgi": {},
            "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        }  # fmt: skip
        for stream in (False, True):
            news = asyncio.Queue()
            news.put_nowait({"type": "http.request", "body": json.dumps(body(stream=stream)).encode()})

            async def sent(message):
                pass

            before = len(live.left)
            asked = asyncio.create_task(endpoint.app()(dict(scope), news.get, sent))
            while not live.busy:
                await asyncio.sleep(0.01)
            news.put_nowait({"type": "http.disconnect"})
            await asked
            while live.busy:
                await asyncio.sleep(0.01)
            assert len(live.left) == before + 1
        return (await client.get("/health")).json()["running"]

    assert with_endpoint(ask) == 0


def test_running_requests_are_given_up_when_the_server_ends():
    async def ask(client, live, endpoint):
        live.gate.clear()
        running = asyncio.create_task(client.post("/v1/completions", json=body()))
        while not live.busy:
            await asyncio.sleep(0.01)
        endpoint.give_up()
        return await running

    answer = with_endpoint(ask)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "shutting_down")


def test_an_engine_that_fails_fails_every_request_and_the_health_check():
    async def ask(client, live, endpoint):
        live.fails = True
        first = await client.post("/v1/completions", json=body())
        second = await client.post("/v1/completions", json=body())
        return first, second, await client.get("/health")

    first, second, health = with_endpoint(ask)
    assert [first.status_code, second.status_code, health.status_code] == [500, 500, 503]
    assert "torn" not in first.text
