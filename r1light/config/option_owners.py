"""Whose option it is that another component was given, such as `data.path` beside `data=arithmetic`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from r1light.core.errors import PluginError, UnknownNameError
from r1light.core.registry import Registry


@contextmanager
def naming(components: Registry, name: str, options: Mapping[str, Any], path: str) -> Iterator[None]:
    """Have the error for an unknown option say whose options they are, and which others of the group have it.

    Args:
        components: Those of the group.
        name: The registered name of the one that is given options.
        options: The options.
        path: Where they stand in the configuration, such as "data".
    """
    try:
        yield
    except UnknownNameError as error:
        unknown = sorted(options.keys() - _options(components, name))
        asked = unknown[0] if unknown else None
        others = [each.name for each in components.entries() if asked in _options(components, each.name)]
        if not others:
            raise
        having = ", ".join(f"{path}={other}" for other in others)
        raise UnknownNameError(f"{error}. They are those of {path}={name}; {asked} is of {having}") from error


def _options(components: Registry, name: str) -> set[str]:
    """The names of a component's options; none of one that does not import."""
    try:
        kind = components.config_type(name)
    except PluginError:
        return set()
    return {field.name for field in fields(kind)} if kind is not None else set()
