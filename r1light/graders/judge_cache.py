"""Replies of judge models on disk, so that no question is paid for twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from r1light.core.run_folder import write_atomic
from r1light.core.types import Message


@dataclass(frozen=True, slots=True)
class JudgeCache:
    """A folder with one file a reply, named by the hash of the model's name and the prompt.

    Several processes may share it. A file that is damaged counts as absent.
    """

    folder: Path

    def get(self, model: str, messages: Sequence[Message]) -> str | None:
        """The stored reply, or None."""
        try:
            row = json.loads(self._path(model, messages).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        reply = row.get("reply") if isinstance(row, dict) else None
        return reply if isinstance(reply, str) else None

    def put(self, model: str, messages: Sequence[Message], reply: str) -> None:
        """Store a reply.

        Raises:
            StorageError: If it cannot be written.
        """
        row = {"model": model, "reply": reply}
        write_atomic(self._path(model, messages), json.dumps(row, ensure_ascii=False).encode())

    def _path(self, model: str, messages: Sequence[Message]) -> Path:
        turns = [[message.role, message.content] for message in messages]
        name = hashlib.sha256(json.dumps([model, turns]).encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.json"


@dataclass(frozen=True, slots=True)
class CachedModel:
    """A judge model whose every reply is kept, whatever it says.

    Attributes:
        reply: Asks the model.
        name: The model's name.
        cache: Where replies are kept.
    """

    reply: Callable[[Sequence[Message]], str]
    name: str
    cache: JudgeCache

    def ask(self, messages: Sequence[Message]) -> str:
        """The kept reply to a conversation, or the model's, which is then kept.

        Raises:
            StorageError: If it cannot be kept.
            Exception: What the model raises where it does not reply.
        """
        kept = self.cache.get(self.name, messages)
        if kept is not None:
            return kept
        reply = self.reply(messages)
        self.cache.put(self.name, messages, reply)
        return reply
