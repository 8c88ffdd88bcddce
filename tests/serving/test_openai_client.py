"""The official client against a real server process over the miniature model."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from r1light.core.types import RolloutRequest, SamplingParams
from r1light.models.tiny import Tiny
from r1light.rollout.native import Native

KEY = "a-key-of-the-tests"
PROMPT = "User: Compute 1102+445. Assistant: <think>"
TURNS = [{"role": "user", "content": "Compute 17+25"}]
CHATML = "<|im_start|>user\nCompute 17+25<|im_end|>\n<|im_start|>assistant\n"
SECONDS = 90


class Server:
    """A server process, with what it says on stderr."""

    def __init__(self, *overrides, key=KEY, **env):
        words = [
            "-m",
            "r1light",
            "stage=serve",
            "trainer=cpu",
            "trainer.threads=1",
            "stage.port=0",
            *overrides,
        ]
        env = {**os.environ, "OMP_NUM_THREADS": "1", "R1LIGHT_SERVE_API_KEY": key, **env}
        self.process = subprocess.Popen(
            [sys.executable, *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.said = ""
        while "serving " not in self.said:
            self.hear(SECONDS)
        self.url = re.search(r"http://\S+/v1", self.said)[0]

    def hear(self, seconds):
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        heard = os.read(self.process.stdout.fileno(), 1 << 16) if ready else b""
        if not heard:
            self.process.kill()
            raise AssertionError(f"the server is silent, or has ended: {self.said}")
        self.said += heard.decode()

    def client(self, key=KEY):
        return openai.OpenAI(base_url=self.url, api_key=key, max_retries=0, timeout=SECONDS)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        try:
            rest, _ = self.process.communicate(timeout=SECONDS)
        finally:
            self.process.kill()
        self.said += rest.decode()
        return self.process.returncode


@pytest.fixture(scope="module")
def server():
    one = Server("stage.chat_template=chatml")
    yield one
    one.end()


@pytest.fixture(scope="module")
def client(server):
    return server.client()


@pytest.fixture(scope="module")
def generate():
    """What the engine writes for a text by itself."""
    loaded = Tiny(Tiny.Config()).load()

    def decode(ids):
        return loaded.tokenizer.decode(list(ids), skip_special_tokens=True)

    engine = Native(Native.Config(), loaded.model, decode, loaded.eos_ids)

    def write(prompt, **params):
        ids = tuple(loaded.tokenizer.encode(prompt, add_special_tokens=False))
        (group,) = engine.generate([RolloutRequest("alone", ids)], SamplingParams(**params))
        return group.completions

    yield write
    engine.close()


def test_models(client):
    (model,) = client.models.list().data
    assert (model.id, client.models.retrieve("tiny").id) == ("tiny", "tiny")


@pytest.mark.parametrize(
    "params", [{"temperature": 0.0}, {"temperature": 0.8, "top_p": 0.9, "seed": 11, "n": 3}]
)
def test_what_is_served_is_what_the_engine_writes(client, generate, params):
    wanted = generate(PROMPT, max_tokens=60, **params)
    answer = client.completions.create(model="tiny", prompt=PROMPT, max_tokens=60, **params)
    assert [each.text for each in answer.choices] == [each.text for each in wanted]
    assert [each.finish_reason for each in answer.choices] == [each.finish_reason for each in wanted]
    assert answer.usage.completion_tokens == sum(len(each.token_ids) for each in wanted)
    wanted = generate(CHATML, max_tokens=40, **params)
    said = client.chat.completions.create(model="tiny", messages=TURNS, max_completion_tokens=40, **params)
    assert [each.message.content for each in said.choices] == [each.text for each in wanted]


def test_a_stream_is_the_answer_token_by_token(client, generate):
    params = {"n": 2, "seed": 5, "temperature": 1.0}
    wanted = generate(CHATML, max_tokens=50, **params)
    texts, finishes, chunks, usage = ["", ""], [None, None], 0, None
    stream = client.chat.completions.create(
        model="tiny",
        messages=TURNS,
        max_tokens=50,
        stream=True,
        stream_options={"include_usage": True},
        **params,
    )
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            piece = choice.delta.content or ""
            assert "\ufffd" not in piece
            chunks += bool(piece)
            texts[choice.index] += piece
            finishes[choice.index] = choice.finish_reason or finishes[choice.index]
    assert texts == [each.text for each in wanted]
    assert finishes == [each.finish_reason for each in wanted]
    assert chunks > 10
    assert usage.completion_tokens == sum(len(each.token_ids) for each in wanted)


def test_stop_strings_end_an_answer_and_are_not_in_it(client, generate):
    (whole,) = generate(PROMPT, max_tokens=60, temperature=0.0)
    stop = whole.text[9:12]
    cut = whole.text[: whole.text.index(stop)]
    asked = {"model": "tiny", "prompt": PROMPT, "max_tokens": 60, "temperature": 0, "stop": [stop]}
    answer = client.completions.create(**asked).choices[0]
    assert (answer.text, answer.finish_reason) == (cut, "stop")
    assert "".join(chunk.choices[0].text for chunk in client.completions.create(**asked, stream=True)) == cut


def test_logprobs_are_the_engines(client, generate):
    (wanted,) = generate(CHATML, max_tokens=12, seed=3)
    asked = {
        "model": "tiny", "messages": TURNS, "max_tokens": 12, "seed": 3, "logprobs": True, "top_logprobs": 4,
    }  # fmt: skip
    choice = client.chat.completions.create(**asked).choices[0]
    entries = choice.logprobs.content
    assert bytes(byte for each in entries for byte in each.bytes).decode() == choice.message.content
    told = [each.logprob for each in entries]
    assert told == pytest.approx(wanted.logprobs[: len(told)], abs=1e-4)
    assert len(told) >= len(wanted.token_ids) - 1  # the end token is not told
    for each in entries:
        tops = [top.logprob for top in each.top_logprobs]
        assert len(tops) == 4
        assert tops == sorted(tops, reverse=True)
        assert tops[0] >= each.logprob - 1e-6
    streamed = [
        each
        for chunk in client.chat.completions.create(**asked, stream=True)
        for one in chunk.choices
        if one.logprobs
        for each in one.logprobs.content
    ]
    assert [each.token for each in streamed] == [each.token for each in entries]


def test_logprobs_of_completions(client):
    answer = client.completions.create(model="tiny", prompt=PROMPT, max_tokens=5, temperature=0, logprobs=2)
    told = answer.choices[0].logprobs
    assert "".join(told.tokens) == answer.choices[0].text
    assert [
        answer.choices[0].text[at:][: len(token)]
        for at, token in zip(told.text_offset, told.tokens, strict=True)
    ] == told.tokens
    for token, logprob, top in zip(told.tokens, told.token_logprobs, told.top_logprobs, strict=True):
        assert max(top, key=top.get) == token  # greedy
        assert top[token] == logprob


def test_thirty_two_clients_at_once_lose_nothing(client, generate):
    def ask(place):
        params = {"temperature": (0.0, 0.7, 1.0)[place % 3], "seed": place, "n": 1 + place % 2}
        prompt, tokens = f"User: Compute {place}+445. Assistant: <think>", 20 + place
        answer = client.completions.create(model="tiny", prompt=prompt, max_tokens=tokens, **params)
        wanted = generate(prompt, max_tokens=tokens, **params)
        return [each.text for each in answer.choices], [each.text for each in wanted]

    with ThreadPoolExecutor(32) as pool:
        answers = [each.result() for each in [pool.submit(ask, place) for place in range(32)]]
    assert len(answers) == 32
    for served, wanted in answers:
        assert served == wanted


def test_errors_are_the_clients_own(server, client):
    asked = {"model": "tiny", "messages": TURNS}
    with pytest.raises(openai.BadRequestError, match="temperature"):
        client.chat.completions.create(**asked, temperature=5)
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**asked, max_tokens=100_000)
    assert caught.value.code == "context_length_exceeded"
    assert "in the messages, 100000 in the completion" in str(caught.value)
    with pytest.raises(openai.BadRequestError, match="echo"):
        client.completions.create(model="tiny", prompt="a", echo=True)
    with pytest.raises(openai.NotFoundError, match="gpt-9"):
        client.completions.create(model="gpt-9", prompt="a")
    with pytest.raises(openai.AuthenticationError, match="Incorrect API key"):
        server.client("another").models.list()
    assert KEY not in server.said


def test_a_client_that_breaks_off_frees_its_slot(client):
    stream = client.completions.create(
        model="tiny", prompt=PROMPT, max_tokens=900, stream=True, temperature=1
    )
    next(iter(stream))
    stream.close()
    deadline = time.monotonic() + SECONDS
    health = str(client.base_url).replace("/v1/", "/health")
    while client._client.get(health).json()["running"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_running_requests_end_and_tells_by_the_exit_code(number):
    server = Server("stage.shutdown_seconds=60", key="")
    stream = server.client("none").completions.create(
        model="tiny", prompt=PROMPT, max_tokens=300, stream=True, temperature=1, extra_body={"top_k": 0}
    )
    first = next(iter(stream))
    server.process.send_signal(number)
    assert first.choices[0].text + "".join(chunk.choices[0].text for chunk in stream)
    assert server.process.wait(SECONDS) == 128 + number
    server.process.stdout.close()


@pytest.mark.slow
def test_rollout_hf_serves_the_same_text(generate):
    server = Server("rollout=hf", "stage.reasoning=split", "stage.chat_template=chatml", key="")
    try:
        (wanted,) = generate(PROMPT, max_tokens=30, temperature=0.0)
        client = server.client("none")
        answer = client.completions.create(model="tiny", prompt=PROMPT, max_tokens=30, temperature=0)
        assert answer.choices[0].text == wanted.text
        said = client.chat.completions.create(model="tiny", messages=TURNS, max_tokens=30, temperature=0)
        assert isinstance(said.choices[0].message.reasoning_content, str)
    finally:
        assert server.end() == 143


@pytest.mark.slow
def test_greedy_text_is_that_of_stage_sample(client, tmp_path):
    words = [
        "stage=sample", "trainer=cpu", "trainer.threads=1", "stage.limit=4", "stage.n=1",
        "stage.temperature=0", "stage.max_tokens=60", f"hydra.run.dir={tmp_path}/run",
    ]  # fmt: skip
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", "r1light", *words], env=env, check=True, timeout=300)
    rows = [json.loads(line) for line in (tmp_path / "run" / "completions.jsonl").read_text().splitlines()]
    assert len(rows) == 4
    for row in rows:
        answer = client.completions.create(model="tiny", prompt=row["prompt"], max_tokens=60, temperature=0)
        assert answer.choices[0].text == row["completion"]
