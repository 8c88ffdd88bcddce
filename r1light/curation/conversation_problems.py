"""Rows that have an answer already, as problems that a curation can ask again."""

from __future__ import annotations

import json
from typing import Any

from r1light.core.types import Problem
from r1light.data.conversations import Conversation


def as_problem(row: Conversation) -> Problem:
    """A conversation as a problem: its turns or text are the prompt, its completion the answer.

    No rule can grade it: the grader is `none`. What else the row has is its meta, as far as JSON holds it.

    Example:
        >>> as_problem(Conversation("a.jsonl:1", (), "Hello!", "Hi")).answer
        'Hello!'
    """
    meta = {str(key): value for key, value in row.meta.items() if _is_json(value)}
    return Problem(
        id=row.where,
        prompt=row.messages if row.prompt is None else row.prompt,
        grader="none",
        answer=row.completion,
        meta=meta,
    )


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
