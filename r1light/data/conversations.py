"""Rows to learn to write from: what stands before a completion, and the completion.

The forms that data sets have, told apart by their columns, in this order:
    {"messages": [{"role": "user", "content": "2+3?"}, {"role": "assistant", "content": "5"}]}
    {"conversations": [{"from": "human", "value": "2+3?"}, {"from": "gpt", "value": "5"}], "system": ""}
    {"prompt": "2+3?", "completion": "5"}, where each may be a list of messages
    {"instruction": "Add.", "input": "2+3", "output": "5", "system": "", "history": [["1+1", "2"]]}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from r1light.core.errors import DataError
from r1light.core.types import Message
from r1light.data.rows import MAX_ROW_BYTES, HubSplit, Row
from r1light.data.text_table import read_as
from r1light.data.turns import check_order, messages_of, said_by, shown, text_of


@dataclass(frozen=True, slots=True)
class Conversation:
    """One row to learn from. What stands before the completion is either `prompt` or `messages`.

    Attributes:
        where: The place to name in an error, such as "train.jsonl:17".
        messages: The turns before the completion, which is the assistant's next one; empty where there is
            a `prompt`. A system turn may come first; then user and assistant take turns, the user last.
        completion: What is to be written. Not empty.
        prompt: Text that is read as it is, with no template around it; None where there are `messages`.
        meta: What else the row has.

    Example:
        >>> Conversation("a:1", (Message("user", "2+3?"),), "5").prompt is None
        True
    """

    where: str
    messages: tuple[Message, ...]
    completion: str
    prompt: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.prompt is None) != bool(self.messages):
            raise ValueError("a conversation has a prompt or messages, and not both")


@dataclass(frozen=True, slots=True)
class ConversationColumns:
    """The column of each thing; which of them a row has tells its form."""

    messages: str = "messages"
    """The whole conversation, as a list of `{"role", "content"}` that ends with the assistant."""
    conversations: str = "conversations"
    """The same as a list of `{"from", "value"}`, said by human, gpt and system."""
    prompt: str = "prompt"
    """What stands before the completion: a text that is read as it is, or a list of messages."""
    completion: str = "completion"
    """What is to be written: a text, or a list with the assistant's message."""
    instruction: str = "instruction"
    """What the user asks."""
    input: str = "input"
    """What the instruction is about; it may be absent or empty."""
    output: str = "output"
    """What is to be written for an instruction."""
    system: str = "system"
    """A system message beside `conversations` or `instruction`; it may be absent or empty."""
    history: str = "history"
    """Earlier turns beside `instruction`, as pairs of what was asked and answered; it may be absent."""


def read_conversations(
    path: str,
    hub: HubSplit,
    max_bad_rows: int = 0,
    columns: ConversationColumns | None = None,
    max_row_bytes: int = MAX_ROW_BYTES,
) -> Iterator[Conversation]:
    """The rows of a table as conversations, in their order.

    Args:
        path: A .jsonl, .ndjson, .json, .csv or .parquet file, a folder of such, or `owner/name` on the hub.
        hub: Which part, where it is on the hub.
        max_bad_rows: How many rows that cannot be used are left out, each with a warning.
        columns: Which column holds what; by default as the forms have them.
        max_row_bytes: The longest line of a JSON-lines file that is taken for a row.

    Raises:
        DataError: There is nothing of that name, or more rows cannot be used than may be left out; the
            message names the file and the line.
    """
    forms = columns or ConversationColumns()
    return read_as(lambda row: conversation_of(row, forms), path, hub, max_bad_rows, max_row_bytes)


def conversation_of(row: Row, columns: ConversationColumns) -> Conversation:
    """One row as a conversation.

    Args:
        row: The row.
        columns: Which column holds what.

    Raises:
        DataError: It has none of the forms, a role is unknown or out of turn, or a text is empty.
    """
    values, where = row.values, row.where
    used: tuple[str, ...]
    if values.get(columns.messages) is not None:
        column = columns.messages
        used, turns = (column,), messages_of(values[column], f"{where}: {column}")
    elif values.get(columns.conversations) is not None:
        used = (columns.conversations, columns.system)
        turns = _said(row, columns)
    elif columns.prompt in values and columns.completion in values:
        return _prompted(row, columns)
    elif columns.instruction in values and columns.output in values:
        used = (columns.instruction, columns.input, columns.output, columns.system, columns.history)
        turns = _instructed(row, columns)
    else:
        raise _no_form(row, columns)
    return _whole(where, turns, _rest(row, used))


def _no_form(row: Row, columns: ConversationColumns) -> DataError:
    has = ", ".join(sorted(map(str, row.values))) or "none"
    return DataError(
        f"{row.where} has the columns {has:.200}; it needs {columns.messages}, {columns.conversations}, "
        f"{columns.prompt} and {columns.completion}, or {columns.instruction} and {columns.output}; tell "
        "which columns they are by data.columns, such as data.columns.prompt=question"
    )


def _prompted(row: Row, columns: ConversationColumns) -> Conversation:
    """A prompt with its completion."""
    prompt, completion = row.values[columns.prompt], row.values[columns.completion]
    where = f"{row.where}: {columns.completion}"
    if isinstance(completion, list):
        turns = messages_of(completion, where)
        if [turn.role for turn in turns] != ["assistant"]:
            raise DataError(f"{where} must be a text, or a list of one message of the assistant")
        completion = turns[0].content
    completion = text_of(completion, where)
    rest = _rest(row, (columns.prompt, columns.completion))
    where = f"{row.where}: {columns.prompt}"
    if not isinstance(prompt, list):
        return Conversation(row.where, (), completion, text_of(prompt, where), rest)
    before = messages_of(prompt, where)
    return _whole(row.where, [*before, Message("assistant", completion)], rest)


def _said(row: Row, columns: ConversationColumns) -> list[Message]:
    """The turns of a conversation by its speakers."""
    column = columns.conversations
    turns = said_by(row.values[column], f"{row.where}: {column}")
    return [*_system(row, columns), *turns]


def _instructed(row: Row, columns: ConversationColumns) -> list[Message]:
    """The turns that an instruction, its input and its output are."""
    values, where = row.values, row.where
    asked = text_of(values[columns.instruction], f"{where}: {columns.instruction}")
    about = values.get(columns.input)
    if about not in (None, ""):
        about = text_of(about, f"{where}: {columns.input}", blank=True)
        asked += f"\n\n{about}" if about.strip() else ""
    answer = text_of(values[columns.output], f"{where}: {columns.output}")
    turns = [*_system(row, columns), *_history(row, columns.history)]
    return [*turns, Message("user", asked), Message("assistant", answer)]


def _history(row: Row, column: str) -> Iterator[Message]:
    pairs = row.values.get(column) or []
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise DataError(f'{row.where}: {column}={shown(pairs)} must be a list of pairs such as ["2+3?", "5"]')
    for asked, answered in pairs:
        yield Message("user", text_of(asked, f"{row.where}: {column}"))
        yield Message("assistant", text_of(answered, f"{row.where}: {column}"))


def _system(row: Row, columns: ConversationColumns) -> list[Message]:
    """The system message that stands beside the turns, if there is one."""
    value = row.values.get(columns.system)
    if value in (None, ""):
        return []
    return [Message("system", text_of(value, f"{row.where}: {columns.system}"))]


def _whole(where: str, turns: Sequence[Message], meta: Mapping[str, Any]) -> Conversation:
    """The conversation that ends with the last turn.

    Raises:
        DataError: The roles are not in order.
    """
    check_order(turns, where)
    return Conversation(where, tuple(turns[:-1]), turns[-1].content, None, meta)


def _rest(row: Row, used: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in row.values.items() if key not in used}
