"""What a request asks for, checked: of /v1/chat/completions and of /v1/completions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from r1light.serving.fields import Fields, shown, unicode
from r1light.serving.refusal import RefusalError, wrong

MOST_CHOICES = 128
"""Completions of one request, over all its prompts."""
MOST_STOPS = 16
MOST_LIKELIEST = 20

IGNORED = ("user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key")
"""Fields that say nothing of the text."""
NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "repetition_penalty": (1,),
    "min_p": (0,),
    "logit_bias": ({},),
}
"""What would change the distribution, and the values that do not."""
NEUTRAL_CHAT: Mapping[str, tuple[Any, ...]] = {
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "audio": (),
    "prediction": (),
    "reasoning_effort": (),
    "verbosity": ("medium",),
    "web_search_options": (),
}
NEUTRAL_TEXT: Mapping[str, tuple[Any, ...]] = {"suffix": ("",), "best_of": (1,)}


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for a request that does not say.

    Attributes:
        temperature: Divides the logits.
        top_p: Nucleus mass.
    """

    temperature: float = 1.0
    top_p: float = 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A request.

    Attributes:
        model: The model that is asked; None where none is named.
        messages: The conversation, of a chat; else None.
        prompts: The texts or token ids to complete; none of a chat.
        n: Completions a prompt.
        temperature: Divides the logits; 0 is greedy.
        top_p: Nucleus mass in (0, 1].
        top_k: 0 for off.
        max_tokens: The cap on sampled tokens; None for what the context leaves.
        stop: Strings that end a completion.
        seed: What draws hang on; None for one of the server's.
        likeliest: How many likeliest tokens to tell at each place; None for no log-probabilities.
        stream: Whether the answer comes token by token.
        usage: Whether a stream ends with the counts of tokens.
        special_tokens: Whether the tokenizer puts its special tokens around a prompt.
    """

    model: str | None
    messages: tuple[dict[str, str], ...] | None
    prompts: tuple[str | tuple[int, ...], ...]
    n: int
    temperature: float
    top_p: float
    top_k: int
    max_tokens: int | None
    stop: tuple[str, ...]
    seed: int | None
    likeliest: int | None
    stream: bool
    usage: bool
    special_tokens: bool = False


def read_chat(body: bytes, defaults: Defaults) -> Asked:
    """A request to /v1/chat/completions.

    Raises:
        RefusalError: It is malformed, or asks for what is not done here; names the field.
    """
    fields = Fields.read(body)
    messages = _messages(fields.take("messages"))
    wanted, count = fields.flag("logprobs"), fields.whole("top_logprobs", None, 0, MOST_LIKELIEST)
    if count is not None and not wanted:
        raise wrong("top_logprobs", "needs logprobs=true")
    caps = [fields.whole(name, None, 1, 2**31) for name in ("max_completion_tokens", "max_tokens")]
    cap = caps[0] if caps[0] is not None else caps[1]
    fields.only(NEUTRAL_CHAT)
    likeliest = (count or 0) if wanted else None
    return _asked(fields, defaults, messages=messages, prompts=(), max_tokens=cap, likeliest=likeliest)


def read_completion(body: bytes, defaults: Defaults) -> Asked:
    """A request to /v1/completions; without `max_tokens` 16 tokens are written, as OpenAI's API has it.

    Raises:
        RefusalError: See `read_chat`.
    """
    fields = Fields.read(body)
    prompts = _prompts(fields.take("prompt"))
    likeliest = fields.whole("logprobs", None, 0, MOST_LIKELIEST)
    if fields.flag("echo"):
        raise RefusalError(
            400,
            "echo=true is not supported: the log-probabilities of a prompt are not computed; leave it out",
            "echo",
            "unsupported_parameter",
        )
    cap = fields.whole("max_tokens", 16, 1, 2**31)
    special = fields.flag("add_special_tokens")
    fields.only(NEUTRAL_TEXT)
    return _asked(
        fields,
        defaults,
        messages=None,
        prompts=prompts,
        max_tokens=cap,
        likeliest=likeliest,
        special_tokens=special,
    )


def _asked(fields: Fields, defaults: Defaults, **own: Any) -> Asked:
    """What both kinds have in common."""
    n = fields.whole("n", 1, 1, MOST_CHOICES) or 1
    total = n * max(1, len(own["prompts"]))
    if total > MOST_CHOICES:
        raise wrong("n", f"{total} completions in one request are too many; at most {MOST_CHOICES}")
    temperature = fields.number("temperature", defaults.temperature, 0.0, 2.0)
    top_p = fields.number("top_p", defaults.top_p, 0.0, 1.0)
    if top_p == 0.0:
        raise wrong("top_p", "must be above 0")
    top_k = fields.whole("top_k", 0, -1, 2**31) or 0
    stop = _stop(fields.take("stop"))
    seed = fields.whole("seed", None, -(2**63), 2**63 - 1)
    stream = fields.flag("stream")
    usage = _usage(fields.take("stream_options"), stream)
    model = fields.text("model")
    fields.ignore(IGNORED)
    fields.only(NEUTRAL)
    fields.end()
    return Asked(
        model=model,
        n=n,
        temperature=temperature,
        top_p=top_p,
        top_k=max(top_k, 0),
        stop=stop,
        seed=seed,
        stream=stream,
        usage=usage,
        **own,
    )


def _messages(value: Any) -> tuple[dict[str, str], ...]:
    if value is None:
        raise RefusalError(400, "messages is missing", "messages", "missing_required_parameter")
    if not isinstance(value, list) or not value:
        raise wrong("messages", f"must be a list of messages, and not empty; it is {shown(value)}")
    return tuple(_message(f"messages[{place}]", each) for place, each in enumerate(value))


def _message(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise wrong(name, f"must be an object with role and content, not {shown(value)}")
    role = unicode(f"{name}.role", value.get("role"))
    if role not in ("system", "developer", "user", "assistant"):
        raise wrong(f"{name}.role", f"must be system, user or assistant, not {shown(role)}")
    for other in value.keys() - {"role", "content", "name", "refusal", "reasoning_content"}:
        if value[other]:
            raise wrong(f"{name}.{other}", "is not supported by this server; leave it out")
    content = _content(f"{name}.content", value.get("content"))
    return {"role": "system" if role == "developer" else role, "content": content}


def _content(name: str, value: Any) -> str:
    """A string, or a list of text parts, which are joined."""
    if not isinstance(value, list):
        return unicode(name, value)
    texts = []
    for place, part in enumerate(value):
        if not isinstance(part, dict) or part.get("type") != "text":
            raise wrong(f"{name}[{place}]", f"must be a part of type text, not {shown(part)}")
        texts.append(unicode(f"{name}[{place}].text", part.get("text")))
    return "".join(texts)


def _prompts(value: Any) -> tuple[str | tuple[int, ...], ...]:
    """One text, some texts, one list of ids, or some of those."""
    if value is None:
        raise RefusalError(400, "prompt is missing", "prompt", "missing_required_parameter")
    if isinstance(value, str):
        return (unicode("prompt", value),)
    if not isinstance(value, list) or not value:
        raise wrong("prompt", f"must be a string, a list of strings, or token ids; it is {shown(value)}")
    if _are_ids(value):
        return (tuple(value),)
    return tuple(
        tuple(each) if isinstance(each, list) and _are_ids(each) else unicode(f"prompt[{place}]", each)
        for place, each in enumerate(value)
    )


def _are_ids(value: list[Any]) -> bool:
    return all(isinstance(each, int) and not isinstance(each, bool) for each in value) and bool(value)


def _stop(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    stops = value if isinstance(value, list) else [value]
    if len(stops) > MOST_STOPS:
        raise wrong("stop", f"has {len(stops)} strings; at most {MOST_STOPS}")
    texts = tuple(unicode("stop", each) for each in stops)
    if "" in texts:
        raise wrong("stop", "has an empty string, which would end every text before it begins")
    return texts


def _usage(value: Any, stream: bool) -> bool:
    if value is None:
        return False
    if not stream:
        raise wrong("stream_options", "needs stream=true")
    if not isinstance(value, dict):
        raise wrong("stream_options", f"must be an object, not {shown(value)}")
    fields = Fields(value)
    usage = fields.flag("include_usage")
    fields.ignore(("include_obfuscation", "continuous_usage_stats"))
    fields.end()
    return usage
