"""`stage=plugins`: every component and package of YAML there is, who brings it, and whether it imports."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from r1light.config.schema import RunConfig
from r1light.config.search_path import ConfPackage, plugin_packages
from r1light.core.errors import PluginError
from r1light.core.registry import GROUPS, Entry, registry
from r1light.core.run_folder import RunFolder, StageResult

if TYPE_CHECKING:
    from rich.table import Table

MAKES_RUN_FOLDER = False
USES_COMPONENTS = False  # a broken component is to be listed, not to stop the listing


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Print the table of components, and below it the error of each one that does not import.

    Args:
        config: The run's configuration; nothing of it is used.
        folder: Not written to.

    Returns:
        The number of components and of broken ones, as metrics.
    """
    del config, folder
    from rich.console import Console

    found = [(entry, import_error(entry)) for group in GROUPS for entry in registry(group).entries()]
    found += [(_of_conf(package), package.error or None) for package in plugin_packages()]
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(_table(found))
    broken = [error for _, error in found if error is not None]
    for error in broken:
        console.print(error, style="red", markup=False, highlight=False, soft_wrap=True)
    return StageResult("plugins", {"components": len(found), "broken": len(broken)})


def _of_conf(package: ConfPackage) -> Entry:
    return Entry("conf", "*.yaml", package.package, package.distribution)


def import_error(entry: Entry) -> str | None:
    """Why a component does not import, in one line; None where it does."""
    try:
        entry.load()
    except PluginError as error:
        return " ".join(str(error).split())
    return None


def _table(found: list[tuple[Entry, str | None]]) -> Table:
    from rich.table import Table

    table = Table(title="r1light components")
    for heading in ("group", "name", "distribution", "object", "imports"):
        table.add_column(heading, overflow="fold")
    for entry, error in found:
        imports = "yes" if error is None else "NO"
        table.add_row(f"r1light.{entry.group}", entry.name, entry.distribution, entry.target, imports)
    return table
