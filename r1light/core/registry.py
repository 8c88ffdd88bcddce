"""Names to lazily imported components: the built-in ones and those of installed distributions.

A component is a class or a function. Parameters that a user may set stand in a dataclass, its attribute
`Config`; what it needs ready built (graders, a tokenizer, a model) it names as keyword parameters:

    class Brevity:
        @dataclass(frozen=True, slots=True)
        class Config:
            limit: int = 200

        def __init__(self, config: Config): ...

A distribution registers by entry point: group `r1light.rewards`, name `brevity`, value `module:Brevity`.
Listing imports nothing; asking for a name imports that component and no other.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, get_args

from r1light.core.errors import PluginError, unknown_name

ComponentGroup = Literal["rewards", "graders", "templates", "data", "models", "rollouts", "tasks"]
GROUPS: tuple[ComponentGroup, ...] = get_args(ComponentGroup)

BUILTIN_TABLES: Mapping[str, str] = {
    "rewards": "r1light.rewards",
    "graders": "r1light.graders",
    "templates": "r1light.templates",
    "data": "r1light.data",
    "models": "r1light.models",
    "rollouts": "r1light.rollout",
    "tasks": "r1light.evaluation",
}
"""The package of each group; its `BUILTINS` maps names to "module:object"."""

BUILTIN_DISTRIBUTION = "r1light"


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One registered component, not yet imported.

    Attributes:
        group: Its group, such as "rewards".
        name: The name it is asked for by.
        target: "module:object".
        distribution: The installed distribution that brought it.
    """

    group: str
    name: str
    target: str
    distribution: str

    def load(self) -> Any:
        """Import the component.

        Raises:
            PluginError: If its module does not import or lacks the object; the cause is chained.
        """
        module_name, _, attribute = self.target.partition(":")
        try:
            return getattr(importlib.import_module(module_name), attribute)
        except Exception as error:
            raise PluginError(
                f"{self.group[:-1] if self.group != 'data' else 'data source'} {self.name!r} of "
                f"{self.distribution} ({self.target}) does not import: {type(error).__name__}: {error}"
            ) from error


class Registry:
    """The components of one group, by name."""

    def __init__(self, group: ComponentGroup, entries: Iterable[Entry]) -> None:
        """Collect entries; a name that two of them claim is an error at once.

        Raises:
            PluginError: If a name is taken twice; names both distributions.
        """
        self.group = group
        self._entries: dict[str, Entry] = {}
        for entry in entries:
            taken = self._entries.setdefault(entry.name, entry)
            if taken is not entry:
                raise PluginError(
                    f"the name {entry.name!r} in r1light.{group} is claimed by {taken.distribution} "
                    f"({taken.target}) and by {entry.distribution} ({entry.target}); uninstall one"
                )

    def entries(self) -> list[Entry]:
        """All entries by name; imports nothing."""
        return [self._entries[name] for name in sorted(self._entries)]

    def get(self, name: str) -> Any:
        """Import one component.

        Raises:
            UnknownNameError: If there is none of that name; lists the known ones and the nearest.
            PluginError: If it does not import.
        """
        if name not in self._entries:
            kind = {"data": "data source"}.get(self.group, self.group.rstrip("s"))
            raise unknown_name(kind, name, self._entries)
        return self._entries[name].load()

    def config_type(self, name: str) -> type[Any] | None:
        """The component's `Config` dataclass, or None where it takes no parameters."""
        config = getattr(self.get(name), "Config", None)
        return config if isinstance(config, type) and dataclasses.is_dataclass(config) else None

    def create(self, name: str, config: Any = None, **resources: Any) -> Any:
        """Build a component from its config and those of the resources that it names as parameters.

        A plain function without a `Config` is the component itself.

        Raises:
            PluginError: If it needs a parameter that is no resource.
        """
        component = self.get(name)
        if not isinstance(component, type):
            if self.config_type(name) is None:
                return component
            return component(config=config, **_named(component, resources))
        wanted = _named(component, resources)
        if self.config_type(name) is not None:
            wanted["config"] = config
        missing = _required(component) - wanted.keys()
        if missing:
            raise PluginError(
                f"{self.group} {name!r} needs {', '.join(sorted(missing))}; it can have: config, "
                f"{', '.join(sorted(resources)) or 'nothing else'}"
            )
        return component(**wanted)


def _named(component: Any, resources: Mapping[str, Any]) -> dict[str, Any]:
    """Those resources that the component's signature names."""
    parameters = inspect.signature(component).parameters
    return {name: value for name, value in resources.items() if name in parameters}


def _required(component: Any) -> set[str]:
    """Parameters that have no default."""
    return {
        parameter.name
        for parameter in inspect.signature(component).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }


@cache
def registry(group: ComponentGroup) -> Registry:
    """The registry of one group: the built-in table, then every installed entry point."""
    builtins: Mapping[str, str] = importlib.import_module(BUILTIN_TABLES[group]).BUILTINS
    found = [Entry(group, name, target, BUILTIN_DISTRIBUTION) for name, target in builtins.items()]
    found += [_from_entry_point(group, point) for point in entry_points(group=f"r1light.{group}")]
    return Registry(group, found)


def _from_entry_point(group: str, point: EntryPoint) -> Entry:
    return Entry(group, point.name, point.value, point.dist.name if point.dist else "unknown")
