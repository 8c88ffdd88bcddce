"""Writing a plugin's distribution from the files in skeleton/.

A file there is a `string.Template`. Its place in the distribution is its path in skeleton/common/ or
skeleton/KIND/, without `.txt`, in which NAME and PACKAGE stand for the component's name and its package's.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from r1light.core.errors import ConfigError, UserError, unknown_name
from r1light.core.registry import ComponentGroup, registry

SKELETON = Path(__file__).parent / "skeleton"

GROUPS: Mapping[str, ComponentGroup] = {
    "reward": "rewards",
    "data": "data",
    "template": "templates",
    "grader": "graders",
    "task": "tasks",
}
"""What can be made, and the registry's group of each."""

USAGE = "r1light new reward|data|template|grader|task NAME"


@dataclass(frozen=True, slots=True)
class Plugin:
    """What is to be written.

    Attributes:
        kind: "reward", "data", "template", "grader" or "task".
        name: The component's name.
    """

    kind: str
    name: str

    def __post_init__(self) -> None:
        if self.kind not in GROUPS:
            raise unknown_name("kind of component", self.kind, GROUPS)
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", self.name):
            raise ConfigError(
                f"the name {self.name!r} must be lower-case letters, digits and single underscores, and "
                "begin with a letter, such as short_answers"
            )
        if keyword.iskeyword(self.name) or self.name == "conf":
            raise ConfigError(f"the name {self.name!r} has a meaning of its own in a package; choose another")
        for entry in registry(GROUPS[self.kind]).entries():
            if entry.name == self.name:
                raise ConfigError(
                    f"there is a {self.kind} {self.name!r} already, of {entry.distribution}; choose another"
                )

    @property
    def distribution(self) -> str:
        """Its name for pip, and its folder's."""
        return f"r1light-{self.kind}-{self.name.replace('_', '-')}"

    @property
    def package(self) -> str:
        """Its name for import."""
        return self.distribution.replace("-", "_")

    def words(self) -> dict[str, str]:
        """What the placeholders stand for."""
        class_name = "".join(part.title() for part in self.name.split("_"))
        return {
            "kind": self.kind,
            "group": GROUPS[self.kind],
            "name": self.name,
            "class_name": class_name,
            "distribution": self.distribution,
            "package": self.package,
        }


def main(words: Sequence[str]) -> None:
    """Write the distribution that a command line asks for, and say what to do with it.

    Args:
        words: What follows `r1light new`.

    Raises:
        ConfigError: A kind or a name that cannot be, or a folder that is there already.
    """
    if {"-h", "--help"} & set(words):
        print(f"{USAGE}: writes a distribution with a component that works, and its tests")  # noqa: T201
        return
    if len(words) != 2 or any(word.startswith("-") for word in words):
        raise UserError(f"say what to make and its name: {USAGE}")
    plugin = Plugin(*words)
    folder = write(plugin, Path())
    print(f"made {folder}/: {plugin.package}/{plugin.name}.py is where your code goes")  # noqa: T201
    print(f"  pip install -e {folder} && python -m pytest {folder}")  # noqa: T201


def write(plugin: Plugin, where: Path) -> Path:
    """Write a distribution.

    Args:
        plugin: What it brings.
        where: The folder to make its folder in.

    Returns:
        Its folder.

    Raises:
        ConfigError: The folder is there already, or cannot be made.
    """
    folder = where / plugin.distribution
    try:
        folder.mkdir()
        for kind in ("common", plugin.kind):
            for path in sorted((SKELETON / kind).rglob("*.txt")):
                target = folder / _place(path.relative_to(SKELETON / kind), plugin)
                target.parent.mkdir(parents=True, exist_ok=True)
                text = Template(path.read_text(encoding="utf-8")).substitute(plugin.words())
                target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot make {folder}: {error.strerror}; choose another name or folder") from error
    return folder


def _place(path: Path, plugin: Plugin) -> str:
    """Where a file of the skeleton goes."""
    place = path.as_posix().removesuffix(".txt")
    return place.replace("PACKAGE", plugin.package).replace("NAME", plugin.name)
