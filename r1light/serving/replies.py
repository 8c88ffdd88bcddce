"""What is answered, as JSON: chats and completions, whole and in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from r1light.rollout.live import Alternative, Written
from r1light.serving.token_text import TokenText

Tokens = Sequence[tuple[int, Written]]
"""Tokens, each with the place in the text where it begins."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts of tokens; a prompt counts once, whatever the number of its completions."""

    prompt: int
    completion: int

    def json(self) -> dict[str, int]:
        """As the API has it."""
        total = self.prompt + self.completion
        return {"prompt_tokens": self.prompt, "completion_tokens": self.completion, "total_tokens": total}


@dataclass(frozen=True, slots=True)
class Part:
    """A choice, or a piece of one.

    Attributes:
        index: Which choice.
        text: The answer.
        thought: The thought; None where thoughts are not told apart.
        tokens: The tokens; None where no log-probabilities were asked for.
        finish: Why the completion has ended; None while it has not.
    """

    index: int
    text: str
    thought: str | None
    tokens: Tokens | None
    finish: str | None


@dataclass(frozen=True, slots=True)
class Replies:
    """Writes the answers to one request.

    Attributes:
        kind: Which endpoint was asked.
        id: The answer's name.
        created: When, in seconds since 1970.
        model: What writes.
        spell: Tokens to text.
        likeliest: How many likeliest tokens were asked for.
    """

    kind: Literal["chat", "text"]
    id: str
    created: int
    model: str
    spell: TokenText
    likeliest: int

    def whole(self, parts: Iterable[Part], usage: Usage) -> dict[str, Any]:
        """The answer that comes at once."""
        name = "chat.completion" if self.kind == "chat" else "text_completion"
        return self._head(name) | {
            "choices": [self._choice(part, "message") for part in parts],
            "usage": usage.json(),
        }

    def opening(self, index: int) -> dict[str, Any]:
        """The first chunk of a choice of a chat: who speaks."""
        delta = {"role": "assistant", "content": ""}
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
        return self._head(self._chunk_name()) | {"choices": [choice]}

    def chunk(self, part: Part) -> dict[str, Any]:
        """A later chunk."""
        return self._head(self._chunk_name()) | {"choices": [self._choice(part, "delta")]}

    def counts(self, usage: Usage) -> dict[str, Any]:
        """The last chunk of a stream that was asked to end with the counts."""
        return self._head(self._chunk_name()) | {"choices": [], "usage": usage.json()}

    def _chunk_name(self) -> str:
        return "chat.completion.chunk" if self.kind == "chat" else "text_completion"

    def _head(self, name: str) -> dict[str, Any]:
        return {"id": self.id, "object": name, "created": self.created, "model": self.model}

    def _choice(self, part: Part, field: Literal["message", "delta"]) -> dict[str, Any]:
        choice: dict[str, Any] = {"index": part.index, "finish_reason": part.finish}
        if self.kind == "text":
            logprobs = None if part.tokens is None else self._legacy(part.tokens)
            return choice | {"text": part.text, "logprobs": logprobs}
        if field == "message":
            said: dict[str, Any] = {"role": "assistant", "content": part.text, "refusal": None}
        else:
            said = {"content": part.text} if part.text else {}
        if part.thought is not None and (part.thought or field == "message"):
            said["reasoning_content"] = part.thought
        content = None if part.tokens is None else [self._entry(each) for _, each in part.tokens]
        logprobs = None if content is None else {"content": content, "refusal": None}
        return choice | {field: said, "logprobs": logprobs}

    def _entry(self, written: Written) -> dict[str, Any]:
        assert written.chosen is not None  # they were asked for
        return self._told(written.chosen) | {"top_logprobs": [self._told(each) for each in written.likeliest]}

    def _told(self, each: Alternative) -> dict[str, Any]:
        text, raw = self.spell.text(each.token), self.spell.bytes(each.token)
        return {"token": text, "logprob": each.logprob, "bytes": raw}

    def _legacy(self, tokens: Tokens) -> dict[str, Any]:
        """The form of /v1/completions; `top_logprobs` has the token drawn too, as OpenAI's API has it."""
        chosen = [each.chosen for _, each in tokens if each.chosen is not None]
        tops = [
            {self.spell.text(one.token): one.logprob for one in (drawn, *reversed(each.likeliest))}
            for drawn, (_, each) in zip(chosen, tokens, strict=True)
        ]
        return {
            "tokens": [self.spell.text(each.token) for each in chosen],
            "token_logprobs": [each.logprob for each in chosen],
            "top_logprobs": tops if self.likeliest else None,
            "text_offset": [begins for begins, _ in tokens],
        }
