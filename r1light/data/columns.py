"""From a row to a problem: which column holds what, and what a cell may hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, get_args

from r1light.core.errors import DataError, nearest
from r1light.core.types import Message, Problem, Role
from r1light.data.rows import Row
from r1light.data.splits import canonical

_ROLES: tuple[Role, ...] = get_args(Role)
_ABSENT = object()


class IncompleteRowError(DataError):
    """A row lacks what a problem needs: a cell is null or empty."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The column of each thing; a name with dots goes into objects (`reward_model.ground_truth`)."""

    prompt: str = "prompt"
    """The question: a text, or a conversation as a list of `{"role", "content"}` that ends with the user."""
    answer: str | None = "answer"
    """The reference answer, a text or a number; null where graders need none."""
    id: str | None = None
    """A name of the row, unique in the split; null takes the file's name and the row's number."""
    grader: str | None = None
    """The grader of the row; null where one grader judges all."""
    language: str | None = None
    """The language asked of the thinking (ISO 639-1); null where all rows have one, or none is asked for."""
    source: str | None = None
    """What the row belongs to, kept as `meta.source`: rewards may be limited to it; null for none."""
    meta: list[str] = field(default_factory=list)
    """Other columns to keep in the problem's meta, for graders, rewards and reports."""


def cell(row: Row, column: str, option: str) -> Any:
    """The value in a column.

    Args:
        row: The row.
        column: Its name, or a path into objects.
        option: The field of `Columns` that names the column, for the error.

    Raises:
        DataError: The row has no such column; lists those it has and the nearest.
    """
    value = _look_up(row.values, column)
    if value is not _ABSENT:
        return value
    names = sorted(str(name) for name in row.values)
    near = nearest(column, names) or "NAME"
    raise DataError(
        f"{row.where} has no column {column!r}; it has: {', '.join(names) or 'none'}. Say "
        f"which it is by data.columns.{option}={near}, where the data source has that option"
    )


def has_cell(row: Row, column: str) -> bool:
    """Whether a row has something in a column."""
    return _look_up(row.values, column) not in (_ABSENT, None)


def text_cell(row: Row, column: str, option: str) -> str:
    """A text, or a number as text, that is not empty; a list of one such thing will do.

    Raises:
        IncompleteRowError: It is null or empty.
        DataError: It is something else.
    """
    value = cell(row, column, option)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    text = plain_text(value)
    if value is None or (text is not None and not text.strip()):
        raise _incomplete(row, column, value)
    if text is None:
        raise DataError(f"{row.where}: {column}={_shown(value)} must be a text or a number")
    return text


def plain_text(value: Any) -> str | None:
    """A text as it is, a finite number in plain digits; None for anything else.

    Example:
        >>> plain_text("x "), plain_text(27.0), plain_text(1e-7), plain_text(True)
        ('x ', '27', '0.0000001', None)
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return None
    digits = format(Decimal(repr(value)) if isinstance(value, float) else value, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def prompt_cell(row: Row, column: str) -> str | tuple[Message, ...]:
    """A question as text, or a conversation.

    Raises:
        IncompleteRowError: It is null or empty.
        DataError: It is neither, a role is unknown, or the conversation does not end with the user.
    """
    value = cell(row, column, "prompt")
    if value is None or value == [] or (isinstance(value, str) and not value.strip()):
        raise _incomplete(row, column, value)
    if isinstance(value, list):
        return _conversation(value, f"{row.where}: {column}")
    if not isinstance(value, str):
        raise DataError(
            f"{row.where}: {column} is {_shown(value)}; a prompt is a text, or a list of messages such as "
            '[{"role": "user", "content": "2+3?"}]'
        )
    return value


def canonical_prompt(prompt: str | Sequence[Message]) -> str:
    """A prompt apart from its spelling; of a conversation, what its turns say.

    Example:
        >>> canonical_prompt((Message("user", "2 + 3  ?"),)) == canonical_prompt("2 + 3 ?")
        True
    """
    if isinstance(prompt, str):
        return canonical(prompt)
    return canonical("\n".join(message.content for message in prompt))


Answer = Callable[[Row], str | None]
"""A row's reference answer."""


def answer_of(columns: Columns) -> Answer:
    """The reference answer in the column that is named for it; None where none is."""

    def answer(row: Row) -> str | None:
        column = columns.answer
        return None if column is None else text_cell(row, column, "answer")

    return answer


def problem_of(row: Row, name: str, columns: Columns, fixed: Fixed, answer: str | None) -> Problem:
    """A row as a problem.

    Args:
        row: The row.
        name: Its id where no column holds one.
        columns: Which column holds what.
        fixed: What all rows have alike.
        answer: The reference answer.

    Raises:
        DataError: A column is absent, or holds what it must not.
    """
    meta = {column: cell(row, column, "meta") for column in columns.meta}
    if columns.source is not None:
        meta["source"] = text_cell(row, columns.source, "source")
    return Problem(
        id=name if columns.id is None else text_cell(row, columns.id, "id"),
        prompt=prompt_cell(row, columns.prompt),
        grader=_or_fixed(row, columns.grader, "grader", fixed.grader) or fixed.grader,
        answer=answer,
        language=_or_fixed(row, columns.language, "language", fixed.language),
        meta=meta,
    )


@dataclass(frozen=True, slots=True)
class Fixed:
    """What all rows have alike where no column says otherwise."""

    grader: str
    language: str | None


def _incomplete(row: Row, column: str, value: Any) -> IncompleteRowError:
    what = "null" if value is None else "empty"
    return IncompleteRowError(
        f"{row.where}: {column} is {what}; fill it in, or leave such rows out by data.incomplete=skip"
    )


def _or_fixed(row: Row, column: str | None, option: str, fixed: str | None) -> str | None:
    return fixed if column is None else text_cell(row, column, option)


def _look_up(values: Mapping[str, Any], column: str) -> Any:
    if column in values:
        return values[column]
    first, dotted, rest = column.partition(".")
    inner = values.get(first) if dotted else None
    return _look_up(inner, rest) if isinstance(inner, Mapping) else _ABSENT


def _conversation(turns: list[Any], where: str) -> tuple[Message, ...]:
    messages = []
    for number, turn in enumerate(turns, start=1):
        role, content = (turn.get("role"), turn.get("content")) if isinstance(turn, dict) else (None, None)
        if role not in _ROLES or not isinstance(content, str):
            raise DataError(
                f'{where}: message {number} is {_shown(turn)}; it must be {{"role": "user", "content": ""}} '
                f"with a role of {', '.join(_ROLES)} and a text"
            )
        messages.append(Message(role, content))
    if not messages or messages[-1].role != "user" or not messages[-1].content.strip():
        raise DataError(f"{where}: a conversation must end with what the user says")
    return tuple(messages)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
