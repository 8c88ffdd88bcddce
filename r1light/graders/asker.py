"""Many questions to one judge model at once, with what can be read of its replies kept on disk."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from r1light.core.types import Message
from r1light.graders.judge_cache import JudgeCache
from r1light.graders.judge_client import JudgeFailed

T = TypeVar("T")


class ChatModel(Protocol):
    """Anything that replies to a conversation."""

    def ask(self, messages: Sequence[Message]) -> str:
        """The reply; raises JudgeFailed where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Unread:
    """A question without a reply that could be read, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Asker:
    """A judge model with its cache and its deadlines.

    Attributes:
        name: The model's name, part of what names a reply in the cache.
        chat_model: The model.
        cache: Where replies are kept; None for nowhere.
        concurrency: Questions in flight at once; a model in this process takes 1.
        seconds: Wall clock of one question at most, retries included.
    """

    name: str
    chat_model: ChatModel
    cache: JudgeCache | None
    concurrency: int
    seconds: float

    def ask(self, messages: Sequence[Message]) -> str:
        """One reply, straight from the model.

        Raises:
            JudgeFailed: There is none before the deadline.
        """
        return self.chat_model.ask(messages)

    def ask_all(
        self, questions: Sequence[Sequence[Message]], read: Callable[[int, str], T]
    ) -> list[T | Unread]:
        """Ask them all; a reply is kept on disk if `read` can read it, and is not asked for again.

        Args:
            questions: Conversations.
            read: (position, reply) to what is wanted of it; raises ValueError for a reply of another form.

        Returns:
            What was read, in the questions' order. Whatever goes wrong, from the connection to the deadline,
            is an `Unread` of its question only.
        """
        if not questions:
            return []
        waiting, found = deque(range(len(questions))), dict[int, T | Unread]()
        count = min(len(questions), self.concurrency)

        def work() -> None:
            while waiting:
                try:
                    position = waiting.popleft()
                except IndexError:
                    return
                found[position] = self._one(questions[position], position, read)

        # daemons: one that a server keeps beyond all deadlines must not keep the program from ending
        threads = [threading.Thread(target=work, name="judge", daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        due = time.monotonic() + -(-len(questions) // count) * self.seconds
        for thread in threads:
            thread.join(max(0.0, due - time.monotonic()))
        waiting.clear()
        late = Unread("no verdict before the deadline")
        return [found.get(position, late) for position in range(len(questions))]

    def _one(self, messages: Sequence[Message], position: int, read: Callable[[int, str], T]) -> T | Unread:
        """One question, answered by the cache or by the model."""
        try:
            kept = self.cache.get(self.name, messages) if self.cache else None
            reply = kept if kept is not None else self.chat_model.ask(messages)
            value = read(position, reply)
            if self.cache and kept is None:
                self.cache.put(self.name, messages, reply)
        except (JudgeFailed, ValueError) as error:
            return Unread(f"judge: {error}")
        except Exception as error:  # a thread that dies would lose the other answers
            return Unread(f"judge: {type(error).__name__}: {error}")
        return value
