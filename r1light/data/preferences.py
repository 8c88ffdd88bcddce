r"""Judgments of answers: pairs of which one is better, and answers that are safe or not.

The forms that pairs have, told apart by their columns, in this order:
    {"prompt": "2+3?", "chosen": "5", "rejected": "6"}, where each may be a list of messages, and the answers
        the whole conversation too
    {"conversations": [{"from": "human", "value": "2+3?"}], "system": "", "chosen": {"from": "gpt", "value":
        "5"}, "rejected": {...}}
    {"chosen": [{"role": "user", "content": "2+3?"}, {"role": "assistant", ...}], "rejected": [...]}
    {"chosen": "\n\nHuman: 2+3?\n\nAssistant: 5", "rejected": "..."}

and those of judged answers:
    {"prompt": "2+3?", "response": "5", "label": "safe"}, where prompt may be a list of messages
    {"messages": [{"role": "user", ...}, {"role": "assistant", ...}], "label": false}
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from r1light.core.errors import DataError
from r1light.core.types import Message
from r1light.data.rows import Row
from r1light.data.turns import check_order, messages_of, said_by, shown, text_of

_SPEAKER = re.compile(r"(?:\A|\n\n)(Human|Assistant):[ \t]?")
_LABELS: Mapping[Any, bool] = {"safe": True, "unsafe": False, True: True, False: False}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one prompt, of which one is better.

    Attributes:
        where: The place to name in an error, such as "train.jsonl:17".
        messages: The turns before the answers: at most one of system, then user and assistant in turn, the
            user last.
        chosen: The better answer. Not empty.
        rejected: The other. Not empty, and not the same.
        meta: What else the row has.

    Example:
        >>> Pair("a:1", (Message("user", "2+3?"),), "5", "6").rejected
        '6'
    """

    where: str
    messages: tuple[Message, ...]
    chosen: str
    rejected: str
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.chosen.strip() == self.rejected.strip():
            raise DataError(
                f"{self.where}: chosen and rejected are the same, and nothing says which is better"
            )


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer that is safe or not.

    Attributes:
        where: The place to name in an error.
        messages: The turns before the answer, as in `Pair`.
        response: The answer. Not empty.
        safe: Whether it is.
        meta: What else the row has.
    """

    where: str
    messages: tuple[Message, ...]
    response: str
    safe: bool
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PairColumns:
    """The column of each thing; which of them a row has tells its form."""

    prompt: str = "prompt"
    """What was asked: a text, which is one turn of the user, or a list of messages."""
    conversations: str = "conversations"
    """The same as a list of `{"from", "value"}`, said by human, gpt and system."""
    system: str = "system"
    """A system message beside `conversations`; it may be absent or empty."""
    chosen: str = "chosen"
    """The better answer: a text, a message, or the whole conversation."""
    rejected: str = "rejected"
    """The other answer, in the same form."""


@dataclass(frozen=True, slots=True)
class JudgedColumns:
    """The column of each thing."""

    prompt: str = "prompt"
    """What was asked: a text, which is one turn of the user, or a list of messages."""
    messages: str = "messages"
    """The whole conversation, as a list of `{"role", "content"}` that ends with the answer."""
    response: str = "response"
    """The answer beside `prompt`."""
    label: str = "label"
    """Whether it is safe: "safe" or "unsafe", true or false, 1 or 0."""


def pair_of(row: Row, columns: PairColumns) -> Pair:
    """One row as a pair.

    Args:
        row: The row.
        columns: Which column holds what.

    Raises:
        DataError: It has none of the forms, a role is unknown or out of turn, a text is empty, the two
            answers belong to different prompts, or they are the same.
    """
    values = row.values
    if columns.chosen not in values or columns.rejected not in values:
        raise _lacks(row, f"{columns.chosen} and {columns.rejected}", columns.chosen)
    before = _before(row, columns)
    chosen, rejected = (
        _answered(values[column], f"{row.where}: {column}", before)
        for column in (columns.chosen, columns.rejected)
    )
    if chosen[:-1] != rejected[:-1]:
        raise DataError(
            f"{row.where}: {columns.chosen} and {columns.rejected} differ before the last turn; a pair is "
            "two answers to one prompt"
        )
    used = (columns.prompt, columns.conversations, columns.system, columns.chosen, columns.rejected)
    rest = {key: value for key, value in values.items() if key not in used}
    return Pair(row.where, tuple(chosen[:-1]), chosen[-1].content, rejected[-1].content, rest)


def judged_of(row: Row, columns: JudgedColumns) -> Judged:
    """One row as a judged answer.

    Args:
        row: The row.
        columns: Which column holds what.

    Raises:
        DataError: It has none of the forms, a role is unknown or out of turn, a text is empty, or the label
            is none.
    """
    values, where = row.values, row.where
    if values.get(columns.messages) is not None:
        turns = messages_of(values[columns.messages], f"{where}: {columns.messages}")
    elif columns.prompt in values and columns.response in values:
        asked = _asked(values[columns.prompt], f"{where}: {columns.prompt}")
        answer = text_of(values[columns.response], f"{where}: {columns.response}")
        turns = [*asked, Message("assistant", answer)]
    else:
        needed = f"{columns.messages}, or {columns.prompt} and {columns.response}"
        raise _lacks(row, needed, columns.response)
    check_order(turns, where)
    used = (columns.messages, columns.prompt, columns.response, columns.label)
    rest = {key: value for key, value in values.items() if key not in used}
    return Judged(where, tuple(turns[:-1]), turns[-1].content, _label(row, columns.label), rest)


def both_judged(pair: Pair) -> tuple[Judged, Judged]:
    """A pair as two judged answers: the chosen one is safe, the rejected one is not."""
    return (
        Judged(pair.where, pair.messages, pair.chosen, True, pair.meta),
        Judged(pair.where, pair.messages, pair.rejected, False, pair.meta),
    )


def _label(row: Row, column: str) -> bool:
    value = row.values.get(column)
    key = value.strip().lower() if isinstance(value, str) else value
    if not isinstance(key, str | int | float) or key not in _LABELS:
        raise DataError(
            f"{row.where}: {column}={shown(value)} must be safe or unsafe, true or false, or 1 or 0; tell "
            f"which column it is by data.columns, such as data.columns.label=is_safe"
        )
    return _LABELS[key]


def _lacks(row: Row, needed: str, column: str) -> DataError:
    has = ", ".join(sorted(map(str, row.values))) or "none"
    return DataError(
        f"{row.where} has the columns {has:.200}; it needs {needed}; tell which columns they are by "
        f"data.columns, such as data.columns.{column}=answer"
    )


def _before(row: Row, columns: PairColumns) -> list[Message]:
    """The turns that stand in columns of their own; none where each answer is the whole conversation."""
    values, where = row.values, row.where
    if values.get(columns.prompt) is not None:
        return _asked(values[columns.prompt], f"{where}: {columns.prompt}")
    if values.get(columns.conversations) is None:
        return []
    turns = said_by(values[columns.conversations], f"{where}: {columns.conversations}")
    system = values.get(columns.system)
    if system in (None, ""):
        return turns
    return [Message("system", text_of(system, f"{where}: {columns.system}")), *turns]


def _asked(value: Any, where: str) -> list[Message]:
    return messages_of(value, where) if isinstance(value, list) else [Message("user", text_of(value, where))]


def _answered(value: Any, where: str, before: Sequence[Message]) -> list[Message]:
    """A whole conversation from what one answer's column holds and the turns before it.

    Raises:
        DataError: The roles are out of turn, or a text is empty.
    """
    if isinstance(value, dict):
        value = [value]
    if isinstance(value, list):
        spoken = bool(value) and isinstance(value[0], dict) and "from" in value[0]
        turns = said_by(value, where) if spoken else messages_of(value, where)
    elif before:
        turns = [Message("assistant", text_of(value, where))]
    else:
        turns = transcript(text_of(value, where), where)
    whole = turns if turns[: len(before)] == list(before) else [*before, *turns]
    check_order(whole, where)
    return whole


def transcript(text: str, where: str) -> list[Message]:
    r"""A text in which turns begin with "\n\nHuman: " and "\n\nAssistant: ", as messages.

    Args:
        text: The text.
        where: The place to name in an error.

    Raises:
        DataError: It begins with neither, or a turn is empty.

    Example:
        >>> [turn.content for turn in transcript("\n\nHuman: 2+3?\n\nAssistant: 5", "a:1")]
        ['2+3?', '5']
    """
    pieces = _SPEAKER.split(text)
    if len(pieces) < 3 or pieces[0].strip():
        raise DataError(
            f"{where}={shown(text)} is an answer without a prompt: it must begin with Human: and have turns "
            "of Human: and Assistant: on lines of their own, or a prompt must stand beside it"
        )
    roles = {"Human": "human", "Assistant": "gpt"}
    turns = zip(pieces[1::2], pieces[2::2], strict=True)
    return said_by([{"from": roles[speaker], "value": said.strip()} for speaker, said in turns], where)
