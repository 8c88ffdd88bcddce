"""Every option that a YAML file can set is documented: below its field, or among its class's Attributes."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
import typing

import pytest
import yaml

from r1light.config import pipeline_schema, reward_mix, schema, validate
from r1light.config.search_path import conf_dir
from r1light.core.registry import GROUPS, registry
from r1light.core.sandbox import SandboxConfig
from r1light.stages import STAGES, stage_module

OTHERS = [
    schema.TrainerSpec, schema.Recommended, schema.RecommendedRate, schema.Decontamination,
    schema.LoggerSpec, SandboxConfig, pipeline_schema.PipelineSpec,
]  # fmt: skip
BESIDE = [validate._Top, reward_mix.Mix, reward_mix._Beside]
"""Their keys are documented in conf/config.yaml and docs/rewards.md."""


def dataclasses_in(hint):
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        yield hint
    for inner in typing.get_args(hint):
        yield from dataclasses_in(inner)


def configs():
    """The classes that hold options, nested ones too, each once."""
    waiting = [*OTHERS]
    waiting += [getattr(stage_module(name), "Config", None) for name in STAGES]
    for group in GROUPS:
        names = [entry.name for entry in registry(group).entries() if entry.distribution == "r1light"]
        waiting += [registry(group).config_type(name) for name in names]
    seen = []
    for each in waiting:
        if each is not None and each not in seen:
            seen.append(each)
            hints = typing.get_type_hints(each)
            waiting += [
                inner for field in dataclasses.fields(each) for inner in dataclasses_in(hints[field.name])
            ]
    return seen


def is_section(hint):
    """Whether a field is a group of options, which that group's own class documents."""
    return any(each.__doc__ for each in dataclasses_in(hint))


CONFIGS = configs()


def documented(config):
    """The fields that have a docstring, in the class or in those that it builds on."""
    names = set()
    for each in config.__mro__[:-1]:
        tree = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0]
        assert isinstance(tree, ast.ClassDef)
        for field, below in zip(tree.body, tree.body[1:], strict=False):
            told = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            if isinstance(field, ast.AnnAssign) and told:
                names.add(field.target.id)
        attributes = (each.__doc__ or "").partition("Attributes:\n")[2]
        names |= set(re.findall(r"^\s*(\w+):", attributes, re.MULTILINE))
    return names


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{config.__module__}.{config.__qualname__}")
def test_every_option_is_documented(config):
    hints = typing.get_type_hints(config)
    fields = {
        field.name for field in dataclasses.fields(config) if field.init and not is_section(hints[field.name])
    }
    assert fields - documented(config) == set()


def test_keys_beside_components_are_documented():
    top = (conf_dir() / "config.yaml").read_text()
    page = (conf_dir().parent / "docs" / "rewards.md").read_text()
    for config in BESIDE:
        for field in dataclasses.fields(config):
            shown = re.search(rf"^ *{field.name}: .*# ", top, re.MULTILINE)
            assert shown or re.search(rf"`[\w.<>]*\b{field.name}\b", page), field.name


def test_every_file_says_what_it_is_or_is_one_of_a_kind():
    """A YAML file has a comment, unless it only picks a component or a model of its own name."""
    silent = []
    for path in sorted(conf_dir().rglob("*.yaml")):
        text = path.read_text()
        plain = yaml.safe_load(text)
        if (
            "#" not in text
            and len(plain) > 1
            and set(plain) - {"defaults", "path", "name", "accelerator", "precision"}
        ):
            silent.append(path.relative_to(conf_dir()).as_posix())
    assert silent == []
