"""References in a step's texts: `${output:STEP.NAME}`, `${metric:STEP.NAME}` and `${input:NAME}`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from r1light.core.errors import ConfigError

Kind = Literal["output", "metric", "input"]
Lookup = Callable[["Reference"], str | float]
"""What a reference stands for: a path for an output or an input, a number for a metric."""

_REFERENCE = re.compile(r"\$\{(output|metric|input):([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference.

    Attributes:
        kind: Of what.
        step: The step that it reads; None for an input.
        name: The output's, metric's or input's name; a metric's may hold slashes and dots.
    """

    kind: Kind
    step: str | None
    name: str

    def __str__(self) -> str:
        return f"${{{self.kind}:{self.name if self.step is None else f'{self.step}.{self.name}'}}}"


def references_in(value: Any, path: str) -> Iterator[tuple[str, Reference]]:
    """The references in plain data, each with the path of the text that holds it.

    Args:
        value: Plain data.
        path: Where it stands, such as "pipeline.steps.zero.options".

    Raises:
        ConfigError: A reference names no step, or nothing of it.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from references_in(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from references_in(item, f"{path}.{index}")
    elif isinstance(value, str):
        for found in _REFERENCE.finditer(value):
            yield path, _read(found, path)


def replaced(value: Any, lookup: Lookup) -> Any:
    """Plain data with what its references stand for in their places.

    A text that is one reference and nothing else becomes what that is: a metric stays a number. A whole
    number has no decimal point, so that it suits options that count as well.

    Example:
        >>> replaced({"lr": "${metric:a.lr}", "x": "in ${input:b}/c"}, lambda one: 2.0 if one.step else "d")
        {'lr': 2, 'x': 'in d/c'}
    """
    if isinstance(value, Mapping):
        return {key: replaced(item, lookup) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [replaced(item, lookup) for item in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole is not None:
        return _plain(lookup(_read(whole, value)))
    return _REFERENCE.sub(lambda found: str(_plain(lookup(_read(found, value)))), value)


def _read(found: re.Match[str], where: str) -> Reference:
    kind, text = found[1], found[2].strip()
    if kind == "input":
        step, name = None, text
    else:
        step, _, name = text.partition(".")
    if not name or step == "":
        form = "${input:NAME}" if kind == "input" else f"${{{kind}:STEP.NAME}}"
        raise ConfigError(f"{where}: {found[0]} must be {form}")
    return Reference(kind, step, name)  # type: ignore[arg-type]  # the pattern knows no other kinds


def _plain(value: str | float) -> str | float:
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**63
    return int(value) if whole else value
