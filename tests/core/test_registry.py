from dataclasses import dataclass

import pytest

from r1light.core import registry as module
from r1light.core.errors import PluginError, UnknownNameError
from r1light.core.registry import GROUPS, Entry, Registry, registry

HERE = "fake_components"


@pytest.fixture
def fakes(tmp_path, monkeypatch):
    """A module of components that is imported from a file, as a distribution's would be."""
    (tmp_path / f"{HERE}.py").write_text(
        "from dataclasses import dataclass\n"
        "class Brevity:\n"
        "    @dataclass(frozen=True, slots=True)\n"
        "    class Config:\n"
        "        limit: int = 3\n"
        "    def __init__(self, config, grader):\n"
        "        self.made_of = (config, grader)\n"
        "class Bare:\n"
        "    pass\n"
        "def plain(samples):\n"
        "    return []\n"
        "def built(config, tokenizer=None):\n"
        "    return (config, tokenizer)\n"
        "@dataclass(frozen=True)\n"
        "class Limit:\n"
        "    limit: int = 7\n"
        "built.Config = Limit\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    names = {"brevity": "Brevity", "bare": "Bare", "plain": "plain", "built": "built", "gone": "Gone"}
    entries = [Entry("rewards", name, f"{HERE}:{target}", "demo") for name, target in names.items()]
    return Registry("rewards", [*entries, Entry("rewards", "broken", "no_such_module:X", "demo")])


def test_listing_imports_nothing(fakes):
    assert [entry.name for entry in fakes.entries()] == sorted(
        ["brevity", "bare", "plain", "built", "gone", "broken"]
    )


def test_a_component_gets_its_config_and_the_resources_it_names(fakes):
    config = fakes.config_type("brevity")(limit=5)
    made = fakes.create("brevity", config, grader="g", tokenizer="unused")
    assert made.made_of == (config, "g")


def test_a_function_without_config_is_the_component_and_one_with_config_builds_it(fakes):
    assert fakes.create("plain") is fakes.get("plain")
    config = fakes.config_type("built")()
    assert fakes.create("built", config, tokenizer="t", grader="unused") == (config, "t")


def test_a_component_without_config_is_built_without_one(fakes):
    assert fakes.config_type("bare") is None
    assert type(fakes.create("bare", None, grader="g")).__name__ == "Bare"


def test_a_missing_resource_is_named(fakes):
    with pytest.raises(PluginError, match=r"'brevity' needs grader; it can have: config, tokenizer"):
        fakes.create("brevity", None, tokenizer="t")


@pytest.mark.parametrize(("name", "why"), [("broken", "no_such_module"), ("gone", "Gone")])
def test_a_component_that_does_not_import_names_itself_and_its_distribution(fakes, name, why):
    with pytest.raises(PluginError, match=f"reward '{name}' of demo .* does not import: .*{why}"):
        fakes.get(name)


def test_an_unknown_name_tells_the_nearest(fakes):
    with pytest.raises(UnknownNameError, match=r"unknown reward 'brevty'; did you mean 'brevity'"):
        fakes.get("brevty")


def test_a_name_that_two_distributions_bring_names_both():
    entries = [Entry("rewards", "x", "a:A", "first"), Entry("rewards", "x", "b:B", "second")]
    with pytest.raises(PluginError, match=r"'x' in r1light.rewards is claimed by first .* and by second"):
        Registry("rewards", entries)


def test_a_data_source_is_called_one():
    with pytest.raises(UnknownNameError, match=r"unknown data source 'x'"):
        Registry("data", []).get("x")
    with pytest.raises(PluginError, match=r"^data source 'x' of demo"):
        Entry("data", "x", "no_such_module:X", "demo").load()


def test_every_builtin_table_is_read_and_installed_entry_points_come_after_it(monkeypatch):
    @dataclass
    class Distribution:
        name: str = "demo"

    @dataclass
    class Point:
        name: str = "brevity"
        value: str = "demo:Brevity"
        dist: Distribution | None = None

    points = {"r1light.rewards": [Point(dist=Distribution()), Point(name="orphan")]}
    monkeypatch.setattr(module, "entry_points", lambda group: points.get(group, []))
    registry.cache_clear()
    try:
        found = {group: {entry.name: entry for entry in registry(group).entries()} for group in GROUPS}
    finally:
        registry.cache_clear()
    assert {"accuracy", "format", "brevity", "orphan"} <= found["rewards"].keys()
    assert found["rewards"]["brevity"].distribution == "demo"
    assert found["rewards"]["orphan"].distribution == "unknown"
    assert found["rewards"]["accuracy"].distribution == "r1light"
    assert {"tiny", "hf"} <= found["models"].keys()
