"""The rewards of a run, from their configuration to one mix."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from r1light.config.schema import RewardMixSpec, RewardSpec, RunConfig
from r1light.core.errors import ConfigError
from r1light.core.registry import registry
from r1light.stages.build import device_of
from r1light.stages.graders import Graders


def build_mix(config: RunConfig, graders: Graders, min_samples: int | None = None) -> Any:
    """The rewards, weighted. Close it: some hold processes.

    Args:
        config: The run's configuration.
        graders: What grades answers.
        min_samples: Samples that a reward must have seen before its error rate counts; None for 64, or for
            one where no error is borne.

    Raises:
        ConfigError: If there are none, or overlong completions would be punished twice.
    """
    from r1light.rewards.mix import RewardMix

    mix = config.reward
    if not mix.components:
        raise ConfigError("reward.components is empty: name at least one reward, such as reward=r1_zero")
    buffer = getattr(config.stage, "overlong_tokens", 0)
    if buffer and any(spec.name == "overlong" and spec.weight for spec in mix.components):
        raise ConfigError(
            f"overlong completions are punished twice: by reward.components.overlong and by "
            f"stage.overlong_buffer={buffer}; set stage.overlong_buffer=0 or leave the reward out"
        )
    resources = {
        "graders": graders.by_name,
        "max_tokens": getattr(config.stage, "max_tokens", None),
        "run_device": partial(device_of, config),
    }
    least = min_samples or (64 if mix.max_error_rate else 1)
    return RewardMix([_weighted(spec, mix, resources) for spec in mix.components], mix.max_error_rate, least)


def _weighted(spec: RewardSpec, mix: RewardMixSpec, resources: Mapping[str, Any]) -> Any:
    """One reward with its weight and its deadline; one that `keeps_deadline` is not guarded from outside."""
    from r1light.rewards.mix import WeightedReward

    deadline = mix.deadline_s if spec.deadline is None else spec.deadline
    reward = registry("rewards").create(spec.name, spec.config, **resources, deadline=deadline)
    guarded = None if getattr(reward, "keeps_deadline", False) else deadline
    return WeightedReward(spec.key, reward, spec.weight, spec.sources, guarded)
