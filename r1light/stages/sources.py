"""Data sources from a validated configuration, and what rewards ask of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from r1light.config.schema import RunConfig
from r1light.config.validate import component_config
from r1light.core.errors import ConfigError, unknown_name
from r1light.core.preference import KIND, REWARDS, kind_of
from r1light.core.registry import registry
from r1light.core.types import Problem


def build_source(name: str, options: Any, split: Literal["train", "test"]) -> Iterable[Problem]:
    """A data source for one split; a mixture is given what builds the sources inside it.

    Args:
        name: Its registered name.
        options: Its validated `Config`.
        split: Which split.
    """

    def make_source(inner: str, plain: Mapping[str, Any], path: str) -> Iterable[Problem]:
        return build_source(inner, component_config("data", inner, plain, path), split)

    source: Iterable[Problem] = registry("data").create(name, options, split=split, make_source=make_source)
    return source


def check_reward_sources(config: RunConfig, problems: Iterable[Problem]) -> None:
    """Refuse a reward that is limited to sources of which the data have no problem.

    Raises:
        UnknownNameError: Names the reward and the sources that there are.
    """
    named = [(spec.key, source) for spec in config.reward.components for source in spec.sources or ()]
    known = (
        {str(problem.meta["source"]) for problem in problems if "source" in problem.meta} if named else set()
    )
    for key, source in named:
        if source not in known:
            raise unknown_name(f"source of data={config.data.name} in reward.components.{key}", source, known)


def check_preferences(config: RunConfig, problems: Iterable[Problem]) -> None:
    """Refuse problems for a reward model where the run does not have it: nothing would judge their answers.

    Raises:
        ConfigError: Names a problem, and the reward that it needs.
    """
    names = {spec.name for spec in config.reward.components}
    for problem in problems:
        kind = kind_of(problem)
        if kind is not None and REWARDS[kind] not in names:
            raise ConfigError(
                f"problem {problem.id!r} is to be scored by the reward {REWARDS[kind]}, which this run does "
                f"not have; take reward=r1_all with reward.components.{REWARDS[kind]}.path=<a reward model>, "
                f"or problems without meta.{KIND}"
            )
