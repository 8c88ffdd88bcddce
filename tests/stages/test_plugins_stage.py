from r1light.core import registry as registry_module
from r1light.core.registry import Entry, Registry
from r1light.core.run_folder import RunFolder
from r1light.stages import plugins


def test_every_component_is_listed_and_broken_ones_tell_why(monkeypatch, capsys, tmp_path):
    entries = {
        "rewards": [
            Entry("rewards", "good", "collections:OrderedDict", "r1light-demo"),
            Entry("rewards", "broken", "no_such_module:Thing", "r1light-broken"),
        ],
        "data": [Entry("data", "lacking", "collections:NoSuchThing", "r1light-demo")],
    }
    monkeypatch.setattr(plugins, "registry", lambda group: Registry(group, entries.get(group, [])))
    result = plugins.run(None, RunFolder(tmp_path))
    assert result.metrics == {"components": 3, "broken": 2}
    lines = capsys.readouterr().out.splitlines()
    rows = {cells[1].strip(): cells for cells in (line.split("│")[1:-1] for line in lines) if len(cells) == 5}
    assert [cell.strip() for cell in rows["good"]] == [
        "r1light.rewards", "good", "r1light-demo", "collections:OrderedDict", "yes",
    ]  # fmt: skip
    assert rows["broken"][4].strip() == rows["lacking"][4].strip() == "NO"
    assert any("'broken' of r1light-broken" in line and "no_such_module" in line for line in lines)
    assert any("data source 'lacking'" in line for line in lines)


def test_all_groups_of_the_registry_are_listed(monkeypatch, capsys, tmp_path):
    asked = []
    monkeypatch.setattr(plugins, "registry", lambda group: asked.append(group) or Registry(group, []))
    plugins.run(None, RunFolder(tmp_path))
    assert tuple(asked) == registry_module.GROUPS
    assert "distribution" in capsys.readouterr().out
