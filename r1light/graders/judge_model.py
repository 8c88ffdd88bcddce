"""The model that judges: where it is asked, how patiently, and many questions at once."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar
from urllib.parse import urlsplit

from r1light.core.errors import ConfigError
from r1light.core.types import Message
from r1light.graders.judge_cache import JudgeCache
from r1light.graders.judge_client import Endpoint, JudgeFailed
from r1light.graders.judge_local import LocalModel

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class ChatModel(Protocol):
    """Anything that replies to a conversation."""

    def ask(self, messages: Sequence[Message]) -> str:
        """The reply; raises JudgeFailed where there is none."""
        ...


class LabelModel(Protocol):
    """A model that can say how likely each label is as its whole reply."""

    def label(self, messages: Sequence[Message], labels: Sequence[str]) -> str:
        """The reading of one token, as `label_reply` writes it; raises JudgeFailed where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class JudgeConfig:
    """Which model judges, and how long it may take."""

    base_url: str = ""
    """An OpenAI-compatible server, such as http://localhost:8000/v1. This or `model_path`."""
    model: str = ""
    """The model's name on that server."""
    api_key_env: str = "R1LIGHT_JUDGE_API_KEY"
    """The environment variable that holds the server's key; unset where it needs none."""
    model_path: str = ""
    """A model directory or hub name to load into this process instead of asking a server."""
    max_tokens: int = 1024
    """Tokens of a reply at most."""
    logprobs: bool = True
    """Whether preferences are weighted by the log-probabilities of a one-token verdict, which a server may
    not give; false asks for a written verdict, as judges that think before they reply need it."""
    request_seconds: float = 60.0
    """Wall-clock seconds of one request."""
    deadline_seconds: float = 240.0
    """Wall-clock seconds of one answer, retries included; after them it is an error."""
    retries: int = 4
    """Requests after the first where the server is busy or away."""
    backoff_seconds: float = 1.0
    """Seconds before the first retry; they double with each."""
    concurrency: int = 16
    """Requests in flight at once."""
    max_chars: int = 16384
    """Answers longer than this many characters are wrong unread, or lose a comparison unread."""
    cache: str = "~/.cache/r1light/judge"
    """The folder of kept replies; empty for none."""

    def __post_init__(self) -> None:
        if min(self.request_seconds, self.deadline_seconds) <= 0 or self.backoff_seconds < 0:
            raise ValueError(
                f"request_seconds={self.request_seconds} and deadline_seconds={self.deadline_seconds} "
                f"must be above 0, backoff_seconds={self.backoff_seconds} not below"
            )
        if min(self.max_tokens, self.concurrency, self.max_chars) < 1 or self.retries < 0:
            raise ValueError(
                f"max_tokens={self.max_tokens}, concurrency={self.concurrency} and "
                f"max_chars={self.max_chars} must be at least 1, retries={self.retries} at least 0"
            )
        if self.base_url and not _is_plain_url(self.base_url):
            raise ValueError("base_url must be http://host/path or https://host/path, without user or key")


@dataclass(frozen=True, slots=True)
class Asked(Generic[R_co]):
    """A question to a judge model.

    Attributes:
        messages: The conversation. Questions with equal ones are asked once.
        read: Reads the reply; raises ValueError where it has another form than was asked for.
        labels: Where not empty, the reply is one token, and is weighed between these.
    """

    messages: tuple[Message, ...]
    read: Callable[[str], R_co]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no verdict, in a few words and without the key."""

    detail: str


class JudgeModel:
    """The model of a config. Replies in the form that was asked for are kept on disk and asked for once.

    Attributes:
        config: The config.
        chat_model: The model itself.
        cache: Kept replies, or None.
    """

    def __init__(self, grader: str, config: JudgeConfig, chat_model: ChatModel | None = None) -> None:
        """Connect to nothing yet.

        Args:
            grader: Who asks, for errors.
            config: Where the model is, and how patiently it is asked.
            chat_model: Replaces the one that the config describes.

        Raises:
            ConfigError: If the config names no model, or two.
        """
        if chat_model is None and bool(config.base_url and config.model) == bool(config.model_path):
            raise ConfigError(
                f"the grader {grader} needs base_url and model of an OpenAI-compatible server, or else "
                "model_path: stage.judge.base_url=http://HOST:PORT/v1 stage.judge.model=NAME, and the key, "
                f"if any, in the environment variable {config.api_key_env}"
            )
        self.config = config
        self.chat_model = chat_model or _chat_model(config)
        self.cache = JudgeCache(Path(os.path.expanduser(config.cache))) if config.cache else None

    @property
    def labels(self) -> bool:
        """Whether it is asked for verdicts of one token with log-probabilities."""
        return self.config.logprobs and hasattr(self.chat_model, "label")

    def ask_all(self, questions: Sequence[Asked[R]]) -> list[R | Failure]:
        """What each was answered, in their order, `concurrency` at once; equal ones are asked once.

        What fails, from the connection to a reply of another form, is a Failure of its question only.
        """
        apart = {question.messages: question for question in questions}
        found = self._in_threads(list(apart.values()))
        late = Failure("no verdict before the deadline")
        return [found.get(question.messages, late) for question in questions]

    def close(self) -> None:
        """Free a local model."""
        if isinstance(self.chat_model, LocalModel):
            self.chat_model.close()

    def _in_threads(self, questions: list[Asked[R]]) -> dict[tuple[Message, ...], R | Failure]:
        """The answers by question; threads, as all they do is wait for the server."""
        if not questions:
            return {}
        waiting, answers = deque(questions), dict[tuple[Message, ...], R | Failure]()
        count = min(len(questions), self.config.concurrency) if not self.config.model_path else 1

        def work() -> None:
            while waiting:
                try:
                    question = waiting.popleft()
                except IndexError:
                    return
                answers[question.messages] = self._ask(question)

        # daemons: one that a server keeps beyond all deadlines must not keep the program from ending
        threads = [threading.Thread(target=work, name="judge", daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        rounds = -(-len(questions) // count)
        due = time.monotonic() + rounds * (self.config.deadline_seconds + self.config.request_seconds)
        for thread in threads:
            thread.join(max(0.0, due - time.monotonic()))
        waiting.clear()
        return dict(answers)

    def _ask(self, question: Asked[R]) -> R | Failure:
        """One answer, from the cache or the model."""
        name = self.config.model_path or self.config.model
        try:
            kept = self.cache.get(name, question.messages) if self.cache else None
            reply = kept if kept is not None else self._reply(question)
            answer = question.read(reply)
            if self.cache and kept is None:
                self.cache.put(name, question.messages, reply)
        except (JudgeFailed, ValueError) as error:
            return Failure(f"judge: {error}")
        except Exception as error:  # a thread that dies would lose the other answers
            return Failure(f"judge: {type(error).__name__}: {error}")
        return answer

    def _reply(self, question: Asked[R]) -> str:
        if not question.labels:
            return self.chat_model.ask(question.messages)
        model: LabelModel = self.chat_model  # type: ignore[assignment]  # `labels` said so
        return model.label(question.messages, question.labels)


def _is_plain_url(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.username or parts.query)


def _chat_model(config: JudgeConfig) -> ChatModel:
    if config.model_path:
        return LocalModel(config.model_path, config.max_tokens, config.deadline_seconds)
    return Endpoint(
        base_url=config.base_url,
        model=config.model,
        key_variable=config.api_key_env,
        max_tokens=config.max_tokens,
        request_seconds=config.request_seconds,
        deadline_seconds=config.deadline_seconds,
        retries=config.retries,
        backoff_seconds=config.backoff_seconds,
    )
