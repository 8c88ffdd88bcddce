"""A composed configuration, as plain data, into a RunConfig. Imports component modules, but no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from r1light.config.convert import UnknownKeyError, convert, mapping, to_plain, unknown_key
from r1light.config.logger_schema import LoggerSpec
from r1light.config.meant import meant
from r1light.config.option_owners import naming
from r1light.config.pipeline_schema import PipelineSpec, check_members
from r1light.config.reward_mix import FindConfig, Mix, reward_mix
from r1light.config.schema import (
    Component,
    DataSpec,
    Decontamination,
    LoraSpec,
    ModelSpec,
    Recommended,
    RecommendedRate,
    RewardMixSpec,
    RunConfig,
    TrainerSpec,
)
from r1light.core.errors import ConfigError, PluginError
from r1light.core.manifest import fingerprint
from r1light.core.registry import ComponentGroup, registry
from r1light.core.sandbox import SandboxConfig

FindStage = Callable[[str], ModuleType]
"""A stage's name to its module; raises UnknownNameError."""

_COMPONENTS: Mapping[str, ComponentGroup] = {
    "model": "models",
    "data": "data",
    "template": "templates",
    "rollout": "rollouts",
}
_BESIDE: Mapping[str, tuple[str, ...]] = {
    "model": ("recommended", "lora"),
    "data": ("recommended", "decontaminate"),
}
"""What stands beside a component's own options."""
_SCALARS = ("seed", "seeds", "resume", "debug", "objective")
_KEYS = ("stage", *_COMPONENTS, "reward", "trainer", "logger", "sandbox", "pipeline", *_SCALARS)


@dataclass(frozen=True, slots=True)
class _Top:
    """The keys of the top that are no groups."""

    seed: int = 0
    seeds: int = 1
    resume: str = "auto"
    debug: bool = False
    objective: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed={self.seed} must be in [0, 2**32)")
        if not 1 <= self.seeds <= 2**32 - self.seed:
            raise ValueError(f"seeds={self.seeds} must be at least 1, and seed + seeds at most 2**32")
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
    try:
        return _validated(plain, find_stage)
    except UnknownKeyError as error:
        if places := meant(error.key, _types(plain, find_stage)):
            raise error.meaning(places) from error
        raise


def _types(plain: Mapping[str, Any], find_stage: FindStage) -> dict[str, type[Any] | None]:
    """The classes of a configuration's options by where they stand, of what can be found."""
    found: dict[str, type[Any] | None] = {"": _Top}
    with suppress(ConfigError):
        found["stage"] = getattr(find_stage(_named(plain, "stage")[0]), "Config", None)
    for key, group in _COMPONENTS.items():
        with suppress(ConfigError, PluginError):
            found[key] = registry(group).config_type(_named(plain, key)[0])
    return found | {
        "model.lora": LoraSpec,
        "data.recommended": Recommended,
        "data.decontaminate": Decontamination,
        "reward": Mix,
        "trainer": TrainerSpec,
        "logger": LoggerSpec,
        "sandbox": SandboxConfig,
    }


def _validated(plain: Mapping[str, Any], find_stage: FindStage) -> RunConfig:
    for key in plain:
        if key not in _KEYS:
            raise unknown_key(str(key), _KEYS, "")
    top = convert(_Top, {key: plain[key] for key in _SCALARS if key in plain}, "")
    stage_name, stage_options = _named(plain, "stage")
    if "lora" in stage_options:
        raise ConfigError("stage.lora is model.lora, for every stage that trains; give model.lora.rank=16")
    module = find_stage(stage_name)
    stage = _config(getattr(module, "Config", None), stage_options, "stage", ("name",))
    pipeline = _pipeline(plain, top, runs_one=getattr(module, "RUNS_PIPELINE", False))
    find = component_config if getattr(module, "USES_COMPONENTS", True) else _unchecked
    model, data, template, rollout = (_component(plain, key, find) for key in _COMPONENTS)
    rates = _beside(plain, "model.recommended", RecommendedRate)
    specs: dict[str, Any] = {
        "model": ModelSpec(model.name, model.config, rates, _beside(plain, "model.lora", LoraSpec)),
        "data": DataSpec(
            data.name,
            data.config,
            _beside(plain, "data.recommended", Recommended),
            _beside(plain, "data.decontaminate", Decontamination),
        ),
        "template": template,
        "reward": reward_mix(mapping(plain, "reward"), find),
        "rollout": rollout,
        "trainer": convert(TrainerSpec, mapping(plain, "trainer"), "trainer"),
        "logger": convert(LoggerSpec, mapping(plain, "logger"), "logger"),
        "sandbox": convert(SandboxConfig, plain.get("sandbox") or {}, "sandbox"),
    }
    resolved = {"stage": {"name": stage_name, **(to_plain(stage) or {})}}
    resolved |= {key: _flat(spec) for key, spec in specs.items()} | to_plain(top)
    del resolved["seeds"]  # of a pipeline they stand in its stage
    if pipeline is not None:
        resolved["pipeline"] = to_plain(pipeline)
    return RunConfig(
        stage_name=stage_name,
        stage=stage,
        resolved=resolved,
        fingerprint=fingerprint(resolved),
        **specs,
        pipeline=pipeline,
        seed=top.seed,
        resume=top.resume,
        debug=top.debug,
        objective=top.objective,
    )


def _pipeline(plain: Mapping[str, Any], top: _Top, *, runs_one: bool) -> PipelineSpec | None:
    """The pipeline, for the stage that runs one; for others there must be none."""
    value = plain.get("pipeline")
    if runs_one and value is None:
        raise ConfigError("pipeline is missing; name one, such as pipeline=r1_mini")
    if runs_one:
        given = mapping(plain, "pipeline")
        check_members(given)
        return convert(PipelineSpec, given, "pipeline")
    if value is not None or top.seeds != 1:
        key = "pipeline" if value is not None else "seeds"
        raise ConfigError(f"{key} is of stage=pipeline; add stage=pipeline, or leave {key} out")
    return None


def _named(plain: Mapping[str, Any], key: str) -> tuple[str, dict[str, Any]]:
    """The `name` that a group's mapping holds, and its other keys."""
    options = dict(mapping(plain, key))
    name = options.pop("name", None)
    if not isinstance(name, str):
        raise ConfigError(f"{key}.name={name!r} must be a name")
    return name, options


def _component(plain: Mapping[str, Any], key: str, find: FindConfig) -> Component:
    name, options = _named(plain, key)
    beside = ("name", *_BESIDE.get(key, ()))
    for reserved in beside:
        options.pop(reserved, None)
    return Component(name, find(_COMPONENTS[key], name, options, key, beside))


def component_config(
    group: ComponentGroup, name: str, options: Mapping[str, Any], path: str, beside: tuple[str, ...] = ()
) -> Any:
    """A component's validated `Config`, or None where it takes no parameters.

    A `Config` whose method `nested()` gives names, options and paths of other components of its group, as a
    mixture of data sources does, has those checked too.

    Args:
        group: The component's group.
        name: Its registered name.
        options: Its parameters, as plain data.
        path: Where they stand in the configuration, such as "data".
        beside: Keys that stand there too and were taken out before; errors list them.

    Raises:
        ConfigError: A key, type or value is wrong, or there is no component of that name.
        PluginError: The component does not import.
    """
    components = registry(group)
    with naming(components, name, options, path):
        config = _config(components.config_type(name), options, path, beside)
    for inner, inner_options, inner_path in getattr(config, "nested", list)():
        component_config(group, inner, inner_options, inner_path, ("name", "weight"))
    return config


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


def _beside(plain: Mapping[str, Any], path: str, kind: type[Any]) -> Any:
    """What stands beside a component's own options, such as at "data.recommended"."""
    group, _, key = path.partition(".")
    options = mapping(plain, group).get(key)
    if options is None:
        return kind()
    if not isinstance(options, Mapping):
        raise ConfigError(f"{path}={options!r} must be a group of keys")
    return convert(kind, options, path)


def _flat(spec: Any) -> dict[str, Any]:
    """A spec as the configuration writes it: the component's parameters beside its name."""
    if isinstance(spec, RewardMixSpec):
        components = {reward.key: _flat(reward) for reward in spec.components}
        for key, reward in components.items():
            del reward["key"]
            if reward["name"] == key:
                del reward["name"]
            for beside in ("sources", "deadline"):
                if reward[beside] is None:
                    del reward[beside]
        return {
            "max_error_rate": spec.max_error_rate,
            "deadline_s": spec.deadline_s,
            "components": components,
        }
    plain: dict[str, Any] = to_plain(spec)
    if "config" in plain:
        plain |= plain.pop("config") or {}
    return plain
