"""Turns of conversations, as tables have them: their roles, their texts, and their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from r1light.core.errors import DataError
from r1light.core.types import Message, Role

ROLES: Mapping[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}
"""Who speaks, where turns are `{"role", "content"}`."""
SPEAKERS: Mapping[str, Role] = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
}
"""Who speaks, where turns are `{"from", "value"}`."""


def messages_of(value: Any, where: str) -> list[Message]:
    """A list of `{"role", "content"}` as messages, in whatever order they are.

    Args:
        value: What stands in the column.
        where: The place to name in an error.

    Raises:
        DataError: It is no such list, or a turn's role is unknown or its text empty.
    """
    return _turns(value, where, ("role", "content"), ROLES)


def said_by(value: Any, where: str) -> list[Message]:
    """The same of a list of `{"from", "value"}`."""
    return _turns(value, where, ("from", "value"), SPEAKERS)


def check_order(turns: Sequence[Message], where: str) -> None:
    """See that user and assistant take turns, after at most one of system, and the assistant has the last.

    Raises:
        DataError: They do not.
    """
    roles = [turn.role for turn in turns]
    spoken = roles[1:] if roles[:1] == ["system"] else roles
    in_turn = all(role == ("user", "assistant")[index % 2] for index, role in enumerate(spoken))
    if not spoken or not in_turn or spoken[-1] != "assistant":
        raise DataError(
            f"{where}: the turns are {', '.join(roles):.100}; they must be user and assistant in turn, after "
            "at most one of system, and end with assistant"
        )


def text_of(value: Any, where: str, *, blank: bool = False) -> str:
    """A text that can be encoded and, unless it may be `blank`, has something in it.

    Raises:
        DataError: It is not.
    """
    if not isinstance(value, str):
        raise DataError(f"{where}={shown(value)} must be a text")
    if not blank and not value.strip():
        raise DataError(f"{where} is empty; it must have something in it")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{where} is no Unicode text: half a surrogate pair stands at character {error.start}"
        ) from error
    return value


def shown(value: Any) -> str:
    """A value for an error message, cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _turns(value: Any, where: str, keys: tuple[str, str], roles: Mapping[str, Role]) -> list[Message]:
    """A list of turns as messages, in whatever order they are."""
    if not isinstance(value, list) or not value:
        raise DataError(f"{where}={shown(value)} must be a list of turns, and not empty")
    turns = []
    for number, turn in enumerate(value, start=1):
        role, content = map(turn.get, keys) if isinstance(turn, dict) else (None, None)
        if not isinstance(role, str) or role not in roles or not isinstance(content, str):
            raise DataError(
                f'{where}: turn {number} is {shown(turn)}; it must be {{"{keys[0]}": "{next(iter(roles))}", '
                f'"{keys[1]}": "..."}} with a {keys[0]} of {", ".join(roles)} and a text'
            )
        blank = roles[role] == "system"
        turns.append(Message(roles[role], text_of(content, f"{where}: turn {number}", blank=blank)))
    return turns
