"""Every choice (`group=option`) and every option (`group.key`) that the pages name is there."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from r1light.config import schema
from r1light.config.search_path import conf_dir
from r1light.core.registry import registry
from r1light.core.sandbox import SandboxConfig
from r1light.stages import STAGES, stage_module

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PLUGINS = {path.stem for path in (ROOT / "plugins").rglob("conf/*/*.yaml")}
NO_CHOICES = PLUGINS | {"short_answers", "null", "gr"}
"""Plugins' own, the one that a page makes, and what is shown as wrong or as half a word."""
CHOICE_OF = "|".join(sorted(path.parent.name for path in conf_dir().glob("*/*.yaml")))
COMPONENTS = {"data": "data", "model": "models", "template": "templates", "rollout": "rollouts"}


def classes_in(hint: object) -> Iterator[type]:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        yield hint
    for inner in typing.get_args(hint):
        yield from classes_in(inner)


def options_of(config: type, path: str = "") -> Iterator[str]:
    """The dotted names of a dataclass's fields, those of nested ones too."""
    hints = typing.get_type_hints(config)
    for field in dataclasses.fields(config):
        yield f"{path}{field.name}"
        for nested in classes_in(hints[field.name]):
            yield from options_of(nested, f"{path}{field.name}.")


@cache
def known(group: str) -> frozenset[str]:
    """The options below a group, of whatever stage or component has them."""
    shared = {
        "trainer": schema.TrainerSpec, "sandbox": SandboxConfig, "logger": schema.LoggerSpec,
        "data": schema.DataSpec, "model": schema.ModelSpec, "reward": schema.RewardMixSpec,
    }  # fmt: skip
    configs = [shared.get(group)]
    if group == "stage":
        configs += [getattr(stage_module(name), "Config", None) for name in STAGES]
    if group in COMPONENTS:
        components = registry(COMPONENTS[group])
        configs += [components.config_type(entry.name) for entry in components.entries()]
    return frozenset(name for each in configs if each is not None for name in options_of(each))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_choices_are_there(page):
    found = re.findall(rf"(?<![\w.+/~@-])({CHOICE_OF})=([a-z][\w.-]*\w)", page.read_text(encoding="utf-8"))
    wrong = [
        f"{group}={option}"
        for group, option in found
        if option not in NO_CHOICES and not (conf_dir() / group / f"{option}.yaml").is_file()
    ]
    assert wrong == []


FREE = {"stage": ("task", "lm_eval"), "data": ("sources",), "reward": ("components",)}
"""What goes on below them is chosen by name."""
NO_OPTIONS = ("md", "yaml", "json", "jsonl", "html", "py", "generate")
"""Endings of files that are called like a group, and a method of transformers."""


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_options_are_there(page):
    groups = "stage|trainer|sandbox|logger|data|model|template|rollout|reward"
    pattern = rf"(?<![\w./@-])({groups})\.([a-z]\w*(?:\.[a-z]\w*)*)"
    text = page.read_text(encoding="utf-8")
    if page.name == "coming-from.md":  # the first cell of a row has the others' options
        text = re.sub(r"^\|.*?\|", "", text, flags=re.MULTILINE)
    wrong = [
        f"{group}.{option}"
        for group, option in re.findall(pattern, text)
        if option not in known(group)
        and option not in NO_OPTIONS
        and option.partition(".")[0] not in FREE.get(group, ())
    ]
    assert wrong == []
