"""A composed configuration, as plain data, into a RunConfig. Imports component modules, but no torch."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from r1light.config.convert import convert, join, to_plain, unknown_key
from r1light.config.schema import (
    Component,
    DataSpec,
    LoggerSpec,
    ModelSpec,
    Recommended,
    RecommendedRate,
    RewardMixSpec,
    RewardSpec,
    RunConfig,
    TrainerSpec,
)
from r1light.core.errors import ConfigError
from r1light.core.manifest import fingerprint
from r1light.core.registry import ComponentGroup, registry

FindStage = Callable[[str], ModuleType]
"""A stage's name to its module; raises UnknownNameError."""

_FindConfig = Callable[[ComponentGroup, str, Mapping[str, Any], str, tuple[str, ...]], Any]
"""Group, name, options, path and the keys beside them to the component's validated `Config`."""

_COMPONENTS: Mapping[str, ComponentGroup] = {
    "model": "models",
    "data": "data",
    "template": "templates",
    "rollout": "rollouts",
}
_SCALARS = ("seed", "resume", "debug", "objective")
_KEYS = ("stage", "model", "data", "template", "reward", "rollout", "trainer", "logger", *_SCALARS)


@dataclasses.dataclass(frozen=True, slots=True)
class _Top:
    """The keys of the top that are no groups."""

    seed: int = 0
    resume: str = "auto"
    debug: bool = False
    objective: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed={self.seed} must be in [0, 2**32)")
        if not self.resume:
            raise ValueError("resume is empty; it must be auto, none or a path")


def validate(plain: Mapping[str, Any], find_stage: FindStage) -> RunConfig:
    """Check every key, type and value, and build what the stages are given.

    Args:
        plain: The composed configuration without Hydra's own node.
        find_stage: Finds a stage's module.

    Raises:
        ConfigError: A key, type or value is wrong; the message names the key's path and what would be right.
        PluginError: A component that the configuration names does not import.
    """
    for key in plain:
        if key not in _KEYS:
            raise unknown_key(str(key), _KEYS, "")
    top = convert(_Top, {key: plain[key] for key in _SCALARS if key in plain}, "")
    stage_name, stage_options = _named(plain, "stage")
    module = find_stage(stage_name)
    stage = _config(getattr(module, "Config", None), stage_options, "stage", ("name",))
    find = _component_config if getattr(module, "USES_COMPONENTS", True) else _unchecked
    model, data, template, rollout = (_component(plain, key, find) for key in _COMPONENTS)
    specs: dict[str, Any] = {
        "model": ModelSpec(model.name, model.config, _recommended(plain, "model", RecommendedRate)),
        "data": DataSpec(data.name, data.config, _recommended(plain, "data", Recommended)),
        "template": template,
        "reward": _reward_mix(_mapping(plain, "reward"), find),
        "rollout": rollout,
        "trainer": convert(TrainerSpec, _mapping(plain, "trainer"), "trainer"),
        "logger": convert(LoggerSpec, _mapping(plain, "logger"), "logger"),
    }
    resolved = {"stage": {"name": stage_name, **(to_plain(stage) or {})}}
    resolved |= {key: _flat(spec) for key, spec in specs.items()} | to_plain(top)
    return RunConfig(
        stage_name=stage_name,
        stage=stage,
        resolved=resolved,
        fingerprint=fingerprint(resolved),
        **specs,
        seed=top.seed,
        resume=top.resume,
        debug=top.debug,
        objective=top.objective,
    )


def _mapping(plain: Mapping[str, Any], key: str, path: str = "") -> Mapping[str, Any]:
    value = plain.get(key)
    if not isinstance(value, Mapping):
        raise ConfigError(f"{join(path, key)} is missing, or no group of keys: {value!r}")
    return value


def _named(plain: Mapping[str, Any], key: str) -> tuple[str, dict[str, Any]]:
    """The `name` that a group's mapping holds, and its other keys."""
    options = dict(_mapping(plain, key))
    name = options.pop("name", None)
    if not isinstance(name, str):
        raise ConfigError(f"{key}.name={name!r} must be a name")
    return name, options


def _component(plain: Mapping[str, Any], key: str, find: _FindConfig) -> Component:
    name, options = _named(plain, key)
    beside = ("name", "recommended") if key in ("data", "model") else ("name",)
    for reserved in beside:
        options.pop(reserved, None)
    return Component(name, find(_COMPONENTS[key], name, options, key, beside))


def _component_config(
    group: ComponentGroup, name: str, options: Mapping[str, Any], path: str, beside: tuple[str, ...]
) -> Any:
    return _config(registry(group).config_type(name), options, path, beside)


def _unchecked(
    group: ComponentGroup, name: str, options: Mapping[str, Any], path: str, beside: tuple[str, ...]
) -> None:
    """For stages that use no components: none is imported."""
    del group, name, options, path, beside


def _config(
    config_type: type[Any] | None, options: Mapping[str, Any], path: str, beside: tuple[str, ...]
) -> Any:
    if config_type is not None:
        return convert(config_type, options, path, beside=beside)
    for key in options:
        raise unknown_key(key, beside, path)
    return None


def _recommended(plain: Mapping[str, Any], key: str, kind: type[Any]) -> Any:
    options = _mapping(plain, key).get("recommended")
    if options is None:
        return kind()
    if not isinstance(options, Mapping):
        raise ConfigError(f"{key}.recommended={options!r} must be a group of keys")
    return convert(kind, options, f"{key}.recommended")


@dataclasses.dataclass(frozen=True, slots=True)
class _Mix:
    max_error_rate: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.max_error_rate <= 1:
            raise ValueError(f"max_error_rate={self.max_error_rate} must be in [0, 1]")


@dataclasses.dataclass(frozen=True, slots=True)
class _Weight:
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.weight):
            raise ValueError(f"weight={self.weight} must be finite")


def _reward_mix(plain: Mapping[str, Any], find: _FindConfig) -> RewardMixSpec:
    for key in plain:
        if key not in ("components", "max_error_rate"):
            raise unknown_key(str(key), ["components", "max_error_rate"], "reward")
    mix = convert(_Mix, {key: plain[key] for key in plain if key == "max_error_rate"}, "reward")
    components = _mapping(plain, "components", "reward")
    if not components:
        raise ConfigError("reward.components is empty; name at least one reward, such as reward=accuracy")
    specs = tuple(_reward(str(key), components, find) for key in components)
    return RewardMixSpec(specs, mix.max_error_rate)


def _reward(key: str, components: Mapping[str, Any], find: _FindConfig) -> RewardSpec:
    path = f"reward.components.{key}"
    options = dict(_mapping(components, key, "reward.components"))
    name = options.pop("name", key)
    if not isinstance(name, str):
        raise ConfigError(f"{path}.name={name!r} must be a name")
    weight = convert(_Weight, {"weight": options.pop("weight")} if "weight" in options else {}, path).weight
    config = find("rewards", name, options, path, ("name", "weight"))
    return RewardSpec(key, name, weight, config)


def _flat(spec: Any) -> dict[str, Any]:
    """A spec as the configuration writes it: the component's parameters beside its name."""
    if isinstance(spec, RewardMixSpec):
        components = {reward.key: _flat(reward) for reward in spec.components}
        for key, reward in components.items():
            del reward["key"]
            if reward["name"] == key:
                del reward["name"]
        return {"max_error_rate": spec.max_error_rate, "components": components}
    plain: dict[str, Any] = to_plain(spec)
    if "config" in plain:
        plain |= plain.pop("config") or {}
    return plain
