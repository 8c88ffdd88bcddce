"""Where Hydra finds YAML: this package's conf/, and the conf/ of installed distributions.

A distribution brings YAML by an entry point in group `r1light.conf` whose value is a package, such as
`r1light_brevity.conf`. It is searched after ours; a file that two of them bring is an error, as Hydra would
take the first in silence. A package that cannot be imported is left out with a line that names it: what is
broken in one distribution is to stop no run that does not use it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

from r1light.core.errors import PluginError

CONF_GROUP = "r1light.conf"


@dataclass(frozen=True, slots=True)
class ConfPackage:
    """A package of YAML files that a distribution brings.

    Attributes:
        distribution: The distribution's name.
        package: The package's name.
        folders: Where it lies; nowhere for one that is broken.
        error: Why it is broken, in one line; empty where it is not.
    """

    distribution: str
    package: str
    folders: tuple[Path, ...] = ()
    error: str = ""

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
    """The YAML packages of installed distributions, broken ones too, in a fixed order."""
    points = sorted(entry_points(group=CONF_GROUP), key=lambda point: (point.value, point.name))
    return [_package(point) for point in points]


def _package(point: EntryPoint) -> ConfPackage:
    distribution = point.dist.name if point.dist else "unknown"
    try:
        spec = find_spec(point.value)  # imports the package that it stands in
    except Exception as error:
        why = " ".join(f"does not import: {type(error).__name__}: {error}".split())
    else:
        if spec is not None and spec.submodule_search_locations:
            folders = dict.fromkeys(Path(place).resolve() for place in spec.submodule_search_locations)
            return ConfPackage(distribution, point.value, tuple(folders))
        why = "is no package"
    return ConfPackage(distribution, point.value, error=f"{CONF_GROUP} {point.value} of {distribution} {why}")


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
            if package.error:
                continue
            search_path.append(f"plugin {package.distribution}", f"pkg://{package.package}")


def register() -> None:
    """Make Hydra search plugins' YAML, in this process; may be called again. Says what is broken, on stderr.

    Raises:
        PluginError: If a file is brought twice.
    """
    packages = plugin_packages()
    for package in packages:
        if package.error:
            print(f"warning: {package.error}; its YAML is left out", file=sys.stderr)  # noqa: T201
    check_packages([ConfPackage("r1light", "r1light.conf", (conf_dir(),)), *packages])
    Plugins.instance().register(PluginConfs)
