"""The fields of a request's JSON, taken one by one; what nobody takes is refused by its name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from r1light.serving.refusal import RefusalError, wrong

SHOWN = 40
"""Characters of a wrong value that an error shows."""


class Fields:
    """A JSON object; null is as good as absent."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._left = {name: value for name, value in values.items() if value is not None}

    @classmethod
    def read(cls, body: bytes) -> Fields:
        """Parse a request's body.

        Raises:
            RefusalError: It is no JSON object.
        """
        try:
            values = json.loads(body, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise RefusalError(400, f"the body is no JSON: {error}", code="invalid_json") from error
        if not isinstance(values, dict):
            raise RefusalError(400, "the body must be a JSON object", code="invalid_json")
        return cls(values)

    def take(self, name: str) -> Any:
        """Any value; None where there is none."""
        return self._left.pop(name, None)

    def text(self, name: str) -> str | None:
        """A string that is valid Unicode."""
        value = self.take(name)
        return None if value is None else unicode(name, value)

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean."""
        value = self.take(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise wrong(name, f"must be true or false, not {shown(value)}")
        return value

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """A number in [low, high]."""
        value = self.take(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise wrong(name, f"must be a number from {low:g} to {high:g}, not {shown(value)}")
        return float(value)

    def whole(self, name: str, default: int | None, low: int, high: int) -> int | None:
        """An integer in [low, high]."""
        value = self.take(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise wrong(name, f"must be an integer from {low} to {high}, not {shown(value)}")
        return value

    def ignore(self, names: Iterable[str]) -> None:
        """Drop fields that change nothing of the answer."""
        for name in names:
            self._left.pop(name, None)

    def only(self, neutral: Mapping[str, tuple[Any, ...]]) -> None:
        """Refuse what is known and not done here, unless its value asks for nothing."""
        for name, harmless in neutral.items():
            value = self.take(name)
            if value is not None and value not in harmless:
                raise RefusalError(
                    400,
                    f"{name}={shown(value)} is not supported by this server; leave it out",
                    name,
                    "unsupported_parameter",
                )

    def end(self) -> None:
        """Refuse what is left."""
        for name in self._left:
            raise RefusalError(
                400, f"Unrecognized request argument supplied: {name}", name, "unknown_parameter"
            )


def unicode(name: str, value: Any) -> str:
    """A string that can be encoded.

    Raises:
        RefusalError: It is none, or has half a surrogate pair.
    """
    if not isinstance(value, str):
        raise wrong(name, f"must be a string, not {shown(value)}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise wrong(name, f"is no valid Unicode: {error.reason} at character {error.start}") from error
    return value


def shown(value: Any) -> str:
    """A wrong value, short."""
    text = json.dumps(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")
