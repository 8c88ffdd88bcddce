"""The mix of rewards, as the configuration writes it, into its spec."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

from r1light.config.convert import convert, mapping
from r1light.config.schema import RewardMixSpec, RewardSpec
from r1light.core.errors import ConfigError
from r1light.core.registry import ComponentGroup

FindConfig = Callable[[ComponentGroup, str, Mapping[str, Any], str, tuple[str, ...]], Any]
"""Group, name, options, path and the keys beside them to the component's validated `Config`."""


@dataclasses.dataclass(frozen=True, slots=True)
class Mix:
    """What holds for all rewards of a mix."""

    max_error_rate: float = 0.0
    deadline_s: float | None = 300.0

    def __post_init__(self) -> None:
        if not 0 <= self.max_error_rate <= 1:
            raise ValueError(f"max_error_rate={self.max_error_rate} must be in [0, 1]")
        if self.deadline_s is not None and not self.deadline_s > 0:
            raise ValueError(f"deadline_s={self.deadline_s} must be above 0 seconds, or null for no deadline")


@dataclasses.dataclass(frozen=True, slots=True)
class _Beside:
    """What every reward may have beside its own options."""

    weight: float = 1.0
    sources: list[str] | None = None
    deadline: float | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.weight):
            raise ValueError(f"weight={self.weight} must be finite")
        if self.sources is not None and not self.sources:
            raise ValueError(
                "sources is empty; name at least one source of the data, or leave it null for all"
            )
        if self.deadline is not None and not self.deadline > 0:
            raise ValueError(f"deadline={self.deadline} must be above 0 seconds, or null for the mix's")


def reward_mix(plain: Mapping[str, Any], find: FindConfig) -> RewardMixSpec:
    """The rewards of a run, in the order they stand in.

    Args:
        plain: What stands at `reward`.
        find: Finds the validated `Config` of one.

    Raises:
        ConfigError: A key, type or value is wrong, or there is no reward.
    """
    mix = convert(
        Mix, {key: plain[key] for key in plain if key != "components"}, "reward", beside=("components",)
    )
    components = mapping(plain, "components", "reward")
    if not components:
        raise ConfigError("reward.components is empty; name at least one reward, such as reward=accuracy")
    specs = tuple(_reward(str(key), components, find) for key in components)
    return RewardMixSpec(specs, mix.max_error_rate, mix.deadline_s)


def _reward(key: str, components: Mapping[str, Any], find: FindConfig) -> RewardSpec:
    path = f"reward.components.{key}"
    options = dict(mapping(components, key, "reward.components"))
    name = options.pop("name", key)
    if not isinstance(name, str):
        raise ConfigError(f"{path}.name={name!r} must be a name")
    ours = tuple(each.name for each in dataclasses.fields(_Beside))
    given: dict[str, Any] = {each: options.pop(each) for each in ours if each in options}
    beside = convert(_Beside, given, path)
    config = find("rewards", name, options, path, ("name", *ours))
    sources = None if beside.sources is None else tuple(beside.sources)
    return RewardSpec(key, name, beside.weight, config, sources, beside.deadline)
