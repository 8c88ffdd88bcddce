from dataclasses import dataclass
from pathlib import Path

import pytest
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl

from r1light.config import search_path as module
from r1light.config.search_path import ConfPackage, check_packages, conf_dir, plugin_packages
from r1light.core.errors import PluginError


@dataclass
class Distribution:
    name: str


@dataclass
class Point:
    name: str
    value: str
    dist: Distribution | None


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Pretend that distributions with YAML are installed."""
    points = []

    def add(distribution, package, *files):
        for name in files:
            path = tmp_path / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("name: x\n")
        points.append(Point("conf", package, Distribution(distribution)))

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "entry_points", lambda group: points if group == "r1light.conf" else [])
    return add


def test_our_configuration_is_found():
    assert (conf_dir() / "config.yaml").is_file()


def test_packages_of_plugins_are_found_with_their_files(install):
    install("r1light-demo", "demo_conf", "reward/brevity.yaml", "data/demo.yaml")
    (package,) = plugin_packages()
    assert (package.distribution, package.package) == ("r1light-demo", "demo_conf")
    assert list(package.files()) == ["data/demo.yaml", "reward/brevity.yaml"]
    module.register()


def test_a_file_that_two_distributions_bring_names_both(install):
    install("first", "first_conf", "reward/brevity.yaml")
    install("second", "second_conf", "reward/brevity.yaml", "reward/other.yaml")
    with pytest.raises(PluginError, match=r"conf/reward/brevity.yaml is brought by first .* and by second"):
        module.register()


def test_a_plugin_cannot_take_the_place_of_a_file_of_ours(install):
    install("bold", "bold_conf", "reward/accuracy.yaml")
    with pytest.raises(PluginError, match=r"conf/reward/accuracy.yaml is brought by r1light .* and by bold"):
        module.register()


def test_a_package_that_does_not_exist_is_named(install):
    install("gone", "gone_conf")
    (package,) = plugin_packages()
    assert package.error == "r1light.conf gone_conf of gone is no package"


def test_a_package_that_raises_is_named_and_the_others_are_searched(install, tmp_path, capsys):
    install("r1light-demo", "demo_conf", "reward/brevity.yaml")
    install("r1light-broken", "broken_plugin.conf", "reward/broken.yaml")
    (tmp_path / "broken_plugin").mkdir()
    (tmp_path / "broken_plugin" / "__init__.py").write_text("1 / 0\n")
    module.register()
    warning = (
        "warning: r1light.conf broken_plugin.conf of r1light-broken does not import: "
        "ZeroDivisionError: division by zero; its YAML is left out\n"
    )
    assert capsys.readouterr().err == warning
    path = ConfigSearchPathImpl()
    module.PluginConfs().manipulate_search_path(path)
    assert [each.path for each in path.get_path()] == ["pkg://demo_conf"]


def test_packages_of_different_files_live_together():
    check_packages([ConfPackage("a", "a", (Path("/nonexistent"),)), ConfPackage("b", "b", ())])
