"""Calls of tools in a text: `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`, one after another."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
MARKERS = ("<tool_call>", "</tool_call>")


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        name: The tool's name.
        arguments: JSON values by name.
    """

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


def canonical(calls: Sequence[Call]) -> str:
    """The calls as one text, equal for equal calls: what a problem's reference answer is to be.

    Example:
        >>> canonical([Call("add", {"b": 3, "a": 2})])
        '[{"arguments": {"a": 2, "b": 3}, "name": "add"}]'
    """
    plain = [{"name": call.name, "arguments": call.arguments} for call in calls]
    return json.dumps(plain, sort_keys=True, ensure_ascii=False)


def from_canonical(text: str) -> list[Call] | None:
    """The calls of `canonical`; None where the text is something else."""
    plain = _json(text)
    if not isinstance(plain, list) or not plain:
        return None
    calls = [_call(each) for each in plain]
    return None if None in calls else [call for call in calls if call is not None]


def written(calls: Sequence[Call]) -> str:
    """The calls as a model is to write them."""
    plain = ({"name": call.name, "arguments": call.arguments} for call in calls)
    return "\n".join(f"<tool_call>\n{json.dumps(each, ensure_ascii=False)}\n</tool_call>" for each in plain)


def read(text: str) -> list[Call] | None:
    """The calls that a text consists of; None where there are none, one is broken, or there is other text.

    Example:
        >>> read('<tool_call>{"name": "now"}</tool_call>'), read("It is noon.")
        ([Call(name='now', arguments={})], None)
    """
    if _CALL.sub("", text).strip():
        return None
    calls = [_call(_json(inside)) for inside in _CALL.findall(text)]
    return None if not calls or None in calls else [call for call in calls if call is not None]


def _call(plain: Any) -> Call | None:
    if not isinstance(plain, dict) or not plain.keys() <= {"name", "arguments"}:
        return None
    name, arguments = plain.get("name"), plain.get("arguments", {})
    if not isinstance(name, str) or not name or not isinstance(arguments, dict):
        return None
    return Call(name, arguments)


def _json(text: str) -> Any:
    """The value, or None: a model's text may be no JSON, nested too deep, or a number of too many digits."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
