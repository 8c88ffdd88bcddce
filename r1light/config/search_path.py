"""Where Hydra finds YAML: this package's conf/, and the conf/ of installed distributions.

A distribution brings YAML by an entry point in group `r1light.conf` whose value is a package, such as
`r1light_brevity.conf`. It is searched after ours; a file that two of them bring is an error, as Hydra would
take the first in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

from r1light.core.errors import PluginError

CONF_GROUP = "r1light.conf"


@dataclass(frozen=True, slots=True)
class ConfPackage:
    """A package of YAML files that a distribution brings."""

    distribution: str
    package: str
    folders: tuple[Path, ...]

    def files(self) -> Iterator[str]:
        """The YAML files in it, such as "reward/brevity.yaml"."""
        for folder in self.folders:
            for path in sorted(folder.rglob("*.yaml")):
                yield path.relative_to(folder).as_posix()


def conf_dir() -> Path:
    """The folder of config.yaml: inside the installed package, or beside it in a checkout.

    Raises:
        PluginError: If it is in neither place, as in a broken installation.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "conf", package.parent / "conf"):
        if (folder / "config.yaml").is_file():
            return folder
    raise PluginError(
        f"no config.yaml in {package / 'conf'} nor in {package.parent / 'conf'}; reinstall r1light"
    )


def plugin_packages() -> list[ConfPackage]:
    """The YAML packages of installed distributions, in a fixed order.

    Raises:
        PluginError: If one of them cannot be found.
    """
    found = []
    for point in sorted(entry_points(group=CONF_GROUP), key=lambda point: (point.value, point.name)):
        distribution = point.dist.name if point.dist else "unknown"
        try:
            spec = find_spec(point.value)
        except ImportError:
            spec = None
        if spec is None or not spec.submodule_search_locations:
            raise PluginError(
                f"{distribution} names {point.value} in {CONF_GROUP}, but there is no such package"
            )
        folders = tuple(dict.fromkeys(Path(place).resolve() for place in spec.submodule_search_locations))
        found.append(ConfPackage(distribution, point.value, folders))
    return found


def check_packages(packages: Iterable[ConfPackage]) -> None:
    """Refuse a YAML file that two packages bring.

    Raises:
        PluginError: Names the file and both distributions.
    """
    brought: dict[str, ConfPackage] = {}
    for package in packages:
        for name in package.files():
            other = brought.setdefault(name, package)
            if other is not package:
                raise PluginError(
                    f"conf/{name} is brought by {other.distribution} ({other.package}) and by "
                    f"{package.distribution} ({package.package}); uninstall one"
                )


class PluginConfs(SearchPathPlugin):
    """Appends the conf packages of installed distributions to Hydra's search path."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append one `pkg://` entry a package."""
        for package in plugin_packages():
            search_path.append(f"plugin {package.distribution}", f"pkg://{package.package}")


def register() -> None:
    """Make Hydra search plugins' YAML, in this process; may be called again.

    Raises:
        PluginError: If a plugin's package is missing, or a file is brought twice.
    """
    check_packages([ConfPackage("r1light", "r1light.conf", (conf_dir(),)), *plugin_packages()])
    Plugins.instance().register(PluginConfs)
