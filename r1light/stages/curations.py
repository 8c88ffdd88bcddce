"""The curations of `stage=sample`, and what they are given, ready built."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from r1light.config.convert import to_plain
from r1light.config.schema import RunConfig
from r1light.config.validate import component_config
from r1light.core.errors import ConfigError, unknown_name
from r1light.core.protocols import Composer, Template
from r1light.core.types import Message, Problem, Verdict
from r1light.curation.curator import ChatModel, Curator, Tools
from r1light.curation.grading import verdicts
from r1light.curation.writing import RowWriter
from r1light.stages.build import named_template
from r1light.stages.graders import Graders

T = TypeVar("T")
R = TypeVar("R")

CURATIONS: Mapping[str, str] = {
    "cold_start": "r1light.curation.cold_start:ColdStart",
    "general": "r1light.curation.general:General",
    "none": "r1light.curation.keep_all:KeepAll",
    "pairs": "r1light.curation.pairs:Pairs",
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


def build_curator(config: RunConfig, template: Template, graders: Graders) -> Curator:
    """The curation that the run names.

    Args:
        config: The configuration of `stage=sample`.
        template: How the model that is sampled from is asked.
        graders: What grades answers.

    Raises:
        ConfigError: `stage.write_as` names no template that can write.
    """
    from r1light.rewards.language import share_in
    from r1light.rewards.repetition import repeated_share

    def open_judge() -> ChatModel:
        return _open_judge(config)

    kind = _kind(config)
    tools = Tools(
        template=template,
        writer=RowWriter(row_template(config)),
        consistency=share_in,
        repeated_share=repeated_share,
        grade=_one_at_a_time(graders),
        open_judge=open_judge,
        seed=config.seed,
    )
    curator: Curator = kind(getattr(config.stage, config.stage.curation, None) or kind.Config(), tools)
    return curator


def _kind(config: RunConfig) -> Any:
    module, _, name = CURATIONS[config.stage.curation].partition(":")
    return getattr(importlib.import_module(module), name)


def _open_judge(config: RunConfig) -> ChatModel:
    """The model of `stage.judge`, whose replies are kept where the judge's are; a local one is asked in turn.

    Raises:
        ConfigError: `stage.judge` names no model, or two.
    """
    from r1light.graders.judge import Judge
    from r1light.graders.judge_cache import CachedModel

    options = config.stage.judge
    if not (options.base_url or options.model_path):
        raise ConfigError(
            f"stage.curation={config.stage.curation} asks another model: name it by "
            "stage.judge.base_url and stage.judge.model, or by stage.judge.model_path"
        )
    judge = Judge(options)
    ask = judge.chat_model.ask
    reply = _locked(ask) if options.model_path else ask
    if judge.cache is None:
        return Asked(reply)
    return CachedModel(reply, options.model_path or options.model, judge.cache)


@dataclass(frozen=True, slots=True)
class Asked:
    """A model that replies by a function."""

    reply: Callable[[Sequence[Message]], str]

    def ask(self, messages: Sequence[Message]) -> str:
        """The reply to a conversation."""
        return self.reply(messages)


def _locked(function: Callable[[T], R]) -> Callable[[T], R]:
    """The function, for one thread at a time."""
    lock = threading.Lock()

    def call(value: T) -> R:
        with lock:
            return function(value)

    return call


def _one_at_a_time(graders: Graders) -> Callable[[Problem, str], Verdict]:
    """The verdict of a problem's grader on an answer, from any thread."""

    def grade(item: tuple[Problem, str]) -> Verdict:
        problem, _ = item
        graders.add([problem])
        return verdicts([item], graders.by_name)[0]

    locked = _locked(grade)
    return lambda problem, answer: locked((problem, answer))


def row_template(config: RunConfig) -> Composer | None:
    """The template that rows are written in; None for the very text that the model read and wrote.

    It is that of `stage.write_as`, else the curation's own. It has the options of `template` where that is
    the same one, over them the curation's, and over these `stage.write_options`.

    Raises:
        ConfigError: The template cannot write.
    """
    own_name, own_options = getattr(_kind(config), "WRITE_AS", (None, {}))
    name = config.stage.write_as or own_name
    if name is None:
        if config.stage.write_options:
            raise ConfigError("stage.write_options are of stage.write_as, which names no template")
        return None
    options = to_plain(config.template.config) or {} if name == config.template.name else {}
    options |= {**(own_options if name == own_name else {}), **config.stage.write_options}
    checked = component_config("templates", name, options, "stage.write_options")
    template = named_template(config, name, checked)
    if not isinstance(template, Composer):
        raise ConfigError(
            f"stage.write_as={name}: that template only reads completions and cannot write them"
        )
    return template
