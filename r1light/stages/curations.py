"""The curations of `stage=sample`, and what they are given, ready built."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from r1light.config.schema import RunConfig
from r1light.config.validate import component_config
from r1light.core.errors import ConfigError, unknown_name
from r1light.core.protocols import Composer, Template
from r1light.core.registry import registry
from r1light.curation.curator import ChatModel, Curator, Tools
from r1light.curation.writing import RowWriter

CURATIONS: Mapping[str, str] = {
    "none": "r1light.curation.keep_all:KeepAll",
    "rejection": "r1light.curation.rejection:Rejection",
}
"""Every curation's name, and its class. Its options are the field of its name in the stage's `Config`."""


def check_curation(name: str) -> None:
    """Refuse a name that no curation has.

    Raises:
        UnknownNameError: Lists those there are and the nearest.
    """
    if name not in CURATIONS:
        raise unknown_name("curation", name, CURATIONS)


def build_curator(config: RunConfig, template: Template) -> Curator:
    """The curation that the run names.

    Args:
        config: The configuration of `stage=sample`.
        template: How the model that is sampled from is asked.

    Raises:
        ConfigError: `stage.write_as` names no template that can write.
    """
    from r1light.rewards.language import consistency, is_known, language_code
    from r1light.rewards.repetition import repeated_share

    def share(text: str, language: str) -> float | None:
        code = language_code(language)
        return consistency(text, code) if is_known(code) else None

    def open_judge() -> ChatModel:
        from r1light.graders.judge import Judge

        return Judge(config.stage.judge).chat_model

    module, _, name = CURATIONS[config.stage.curation].partition(":")
    kind: Any = getattr(importlib.import_module(module), name)
    tools = Tools(template, RowWriter(_write_as(config)), share, repeated_share, open_judge, config.seed)
    curator: Curator = kind(getattr(config.stage, config.stage.curation, None) or kind.Config(), tools)
    return curator


def _write_as(config: RunConfig) -> Composer | None:
    """The template that rows are written in, with its default options; None for the run's own."""
    name = config.stage.write_as
    if name is None:
        return None
    options = component_config("templates", name, {}, "stage.write_as")
    template: Template = registry("templates").create(name, options)
    if not isinstance(template, Composer):
        raise ConfigError(
            f"stage.write_as={name}: that template only reads completions and cannot write them"
        )
    return template
