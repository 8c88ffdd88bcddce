"""What requests may say, and the fields that refusals name."""

from __future__ import annotations

import json

import pytest

from r1light.serving.asked import Defaults, read_chat, read_completion
from r1light.serving.refusal import RefusalError

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


def chat(**fields):
    return read_chat(json.dumps({"model": "m", **HELLO, **fields}).encode(), Defaults())


def text(**fields):
    return read_completion(json.dumps({"model": "m", "prompt": "a", **fields}).encode(), Defaults(0.6, 0.95))


def test_what_is_not_said_is_the_default():
    asked = chat(temperature=None, user="me", tools=[], response_format={"type": "text"})
    assert (asked.n, asked.temperature, asked.top_p, asked.max_tokens) == (1, 1.0, 1.0, None)
    assert (asked.seed, asked.likeliest, asked.stream, asked.stop) == (None, None, False, ())
    asked = text()
    assert (asked.temperature, asked.top_p, asked.max_tokens) == (0.6, 0.95, 16)  # OpenAI's 16


def test_what_is_said_is_taken():
    asked = chat(
        stop="x", seed=4, logprobs=True, top_logprobs=2, max_tokens=5, max_completion_tokens=6, n=3, top_k=-1
    )
    assert (asked.stop, asked.seed, asked.likeliest, asked.max_tokens, asked.n) == (("x",), 4, 2, 6, 3)
    assert asked.top_k == 0
    assert chat(logprobs=True).likeliest == 0
    assert chat(stream=True, stream_options={"include_usage": True}).usage
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    asked = chat(messages=[{"role": "developer", "content": parts}, {"role": "user", "content": "c"}])
    assert asked.messages == ({"role": "system", "content": "ab"}, {"role": "user", "content": "c"})
    assert text(prompt=["a", "b"], logprobs=0).prompts == ("a", "b")
    assert text(prompt=[1, 2]).prompts == ((1, 2),)
    assert text(prompt=[[1], [2, 3]]).prompts == ((1,), (2, 3))


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ({"temperature": 3}, "temperature", "from 0 to 2"),
        ({"temperature": True}, "temperature", "must be a number"),
        ({"top_p": 0}, "top_p", "above 0"),
        ({"max_tokens": 0}, "max_tokens", "integer from 1"),
        ({"max_tokens": 1.5}, "max_tokens", "integer"),
        ({"n": 129}, "n", "from 1 to 128"),
        ({"seed": "1"}, "seed", "integer"),
        ({"stop": [""]}, "stop", "empty string"),
        ({"stop": ["a"] * 17}, "stop", "at most 16"),
        ({"stop": "\ud800"}, "stop", "no valid Unicode"),
        ({"top_logprobs": 2}, "top_logprobs", "needs logprobs=true"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "from 0 to 20"),
        ({"stream": "yes"}, "stream", "true or false"),
        ({"stream_options": {}}, "stream_options", "needs stream=true"),
        ({"messages": []}, "messages", "not empty"),
        ({"messages": None}, "messages", "missing"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role", "system, user or assistant"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "must be a string, not null"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content[0]",
            "type text",
        ),
        ({"tools": [{}]}, "tools", "not supported"),
        ({"presence_penalty": 0.5}, "presence_penalty", "not supported"),
        ({"response_format": {"type": "json_object"}}, "response_format", "not supported"),
        ({"temprature": 1}, "temprature", "Unrecognized request argument supplied: temprature"),
    ],
)
def test_refusals_of_chats_name_the_field(fields, param, says):
    with pytest.raises(RefusalError) as caught:
        chat(**fields)
    error = caught.value.body()["error"]
    assert caught.value.status == 400
    assert error["param"] == param
    assert says in error["message"]
    assert param in error["message"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"echo": True}, "echo"),
        ({"best_of": 2}, "best_of"),
        ({"suffix": "x"}, "suffix"),
        ({"prompt": None}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [1, "a"]}, "prompt[0]"),
        ({"prompt": ["a"] * 65, "n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
    ],
)
def test_refusals_of_completions_name_the_field(fields, param):
    with pytest.raises(RefusalError) as caught:
        text(**fields)
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"n": NaN}', b"[" * 100_000, b"\xff", b"1" * 5000])
def test_what_is_no_json_object_is_refused(body):
    with pytest.raises(RefusalError, match="the body"):
        read_chat(body, Defaults())
