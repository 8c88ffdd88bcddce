"""Data sources from a validated configuration, and what rewards ask of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from r1light.config.schema import RunConfig
from r1light.config.validate import component_config
from r1light.core.errors import unknown_name
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
