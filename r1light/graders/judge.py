"""A generative grader: a language model compares the answer with the reference answer."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from r1light.core.errors import ConfigError
from r1light.core.types import Message, Problem, Verdict
from r1light.graders.judge_cache import JudgeCache
from r1light.graders.judge_client import Endpoint, JudgeFailed
from r1light.graders.judge_local import LocalModel
from r1light.graders.judge_prompt import JudgePrompt, judge_prompt, parse_verdict


class ChatModel(Protocol):
    """Anything that replies to a conversation."""

    def ask(self, messages: Sequence[Message]) -> str:
        """The reply; raises JudgeFailed where there is none."""
        ...


class Judge:
    """Right is an answer that a judge model finds to agree with the reference answer.

    The idea is the paper's (DeepSeek-R1 v2, Listing 4): question, reference and answer go to a model, which
    writes an analysis and a verdict as JSON. What fails, from the connection to a verdict that is not exactly
    in its form, is an error and never a wrong answer. Replies with a valid verdict are kept on disk and asked
    for once. See `judge_prompt` for how the judged answer is kept from writing its own verdict; a judge model
    can still be talked into one, so prefer a rule wherever there is one.
    """

    @dataclass(frozen=True, slots=True)
    class Config:
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
        """Answers longer than this many characters are wrong unread."""
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
                raise ValueError(
                    "base_url must be http://host/path or https://host/path, without user or key"
                )

    def __init__(self, config: Config, chat_model: ChatModel | None = None) -> None:
        """Connect to nothing yet; `chat_model` replaces the one that the config describes.

        Raises:
            ConfigError: If the config names no model, or two.
        """
        if chat_model is None and bool(config.base_url and config.model) == bool(config.model_path):
            raise ConfigError("the grader judge needs base_url and model of a server, or else model_path")
        self.config = config
        self.chat_model = chat_model or _chat_model(config)
        self.cache = JudgeCache(Path(os.path.expanduser(config.cache))) if config.cache else None

    def grade(self, problem: Problem, answer: str) -> Verdict:
        """Judge one answer."""
        return self.grade_many([(problem, answer)])[0]

    def grade_many(self, items: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """Judge several, in their order, `concurrency` at once; equal ones once."""
        found = [self._at_once(problem, answer) for problem, answer in items]
        prompts = {one.mark: one for one in found if isinstance(one, JudgePrompt)}
        judged = self._ask_all(list(prompts.values()))
        return [judged[one.mark] if isinstance(one, JudgePrompt) else one for one in found]

    def close(self) -> None:
        """Free a local model."""
        if isinstance(self.chat_model, LocalModel):
            self.chat_model.close()

    def _at_once(self, problem: Problem, answer: str) -> Verdict | JudgePrompt:
        if problem.answer is None or not problem.answer.strip():
            return Verdict(None, "error", f"problem {problem.id!r} has no reference answer")
        if len(answer) > self.config.max_chars:
            return Verdict(0.0, detail=f"longer than {self.config.max_chars} characters")
        return judge_prompt(problem, answer) if answer.strip() else Verdict(0.0, detail="no answer")

    def _ask_all(self, prompts: list[JudgePrompt]) -> dict[str, Verdict]:
        """The verdict of each prompt by its mark; threads, as all they do is wait for the server."""
        if not prompts:
            return {}
        waiting, verdicts = deque(prompts), dict[str, Verdict]()
        count = min(len(prompts), self.config.concurrency) if not self.config.model_path else 1

        def work() -> None:
            while waiting:
                try:
                    prompt = waiting.popleft()
                except IndexError:
                    return
                verdicts[prompt.mark] = self._judge(prompt)

        # daemons: one that a server keeps beyond all deadlines must not keep the program from ending
        threads = [threading.Thread(target=work, name="judge", daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        rounds = -(-len(prompts) // count)
        due = time.monotonic() + rounds * (self.config.deadline_seconds + self.config.request_seconds)
        for thread in threads:
            thread.join(max(0.0, due - time.monotonic()))
        waiting.clear()
        late = Verdict(None, "error", "no verdict before the deadline")
        return {prompt.mark: verdicts.get(prompt.mark, late) for prompt in prompts}

    def _judge(self, prompt: JudgePrompt) -> Verdict:
        """One verdict, from the cache or the model; whatever goes wrong is its error."""
        model = self.config.model_path or self.config.model
        try:
            kept = self.cache.get(model, prompt.messages) if self.cache else None
            reply = kept if kept is not None else self.chat_model.ask(prompt.messages)
            verdict = parse_verdict(reply, prompt.mark)
            if self.cache and kept is None:
                self.cache.put(model, prompt.messages, reply)
        except (JudgeFailed, ValueError) as error:
            return Verdict(None, "error", f"judge: {error}")
        except Exception as error:  # a thread that dies would lose the other answers
            return Verdict(None, "error", f"judge: {type(error).__name__}: {error}")
        return Verdict(float(verdict.correct), detail=verdict.analysis[:200])


def _is_plain_url(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.username or parts.query)


def _chat_model(config: Judge.Config) -> ChatModel:
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
