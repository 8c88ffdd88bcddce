"""`data=conversations`: texts and conversations to learn to write from, for supervised fine-tuning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from r1light.data.conversations import Conversation, ConversationColumns, read_conversations
from r1light.data.rows import HubSplit
from r1light.data.splits import Split, canonical
from r1light.data.text_table import TextTable, TextTableConfig


class Conversations:
    """The rows of a table as conversations. It gives no problems: there is nothing to be graded.

    Example:
        >>> Conversations.Config(path="rows.jsonl").max_bad_rows
        0
    """

    @dataclass(frozen=True, slots=True)
    class Config(TextTableConfig):
        """Where the rows stand, which column holds what, and which rows are taken."""

        columns: ConversationColumns = field(default_factory=ConversationColumns)
        """Which column holds what."""

    def __init__(self, config: Config, split: Split = "train") -> None:
        self.config = config
        self.split = split

    def __iter__(self) -> Iterator[Conversation]:
        return iter(TextTable(self.config, self.split, "conversations", self._read, _before))

    def _read(self, path: str, hub: HubSplit) -> Iterator[Conversation]:
        return read_conversations(path, hub, self.config.max_bad_rows, self.config.columns)


def _before(row: Conversation) -> str:
    """What stands before the completion, spelling apart."""
    text = row.prompt if row.prompt is not None else "\n".join(turn.content for turn in row.messages)
    return canonical(text)
