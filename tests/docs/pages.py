"""The blocks of the README and the pages, and the commands in them.

A command that cannot run just anywhere says so in a comment, `# needs a GPU`: at its end for itself, or on a
line of its own for the commands below it in the block. A block that cannot be checked has a comment on the
line before it, which says why:

    <!-- unchecked: needs a plugin of the reader's own -->
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MARK = re.compile(r"<!-- unchecked: (.+) -->")
NEEDS = (
    "a GPU",
    "GPUs",
    "a cluster",
    "a judge's server",
    "Docker",
    "TRL",
    "vLLM",
    "the hub",
    "the network",
)
"""What a comment may say that a command needs."""
_VARIABLE = re.compile(r"[A-Z_\d]+=")
_NEEDS = re.compile(rf"#.*\bneeds ({'|'.join(NEEDS)})\b")
_COMMAND = re.compile(r"(?:\w+=\S+ )*(?:python|r1light|make|pip|torchrun|srun|git|eval|\./\S+)(?: \S|$)")


@dataclass(frozen=True)
class Command:
    """A command line of a page, without its comment."""

    text: str
    needs: str | None = None

    def variables(self) -> Iterator[tuple[str, str]]:
        """Those that are set in front of it, with their values."""
        for word in itertools.takewhile(_VARIABLE.match, shlex.split(self.text)):
            name, _, value = word.partition("=")
            yield name, value

    def words(self) -> list[str]:
        """As a shell would split it, without those variables."""
        return list(itertools.dropwhile(_VARIABLE.match, shlex.split(self.text)))

    def r1light(self) -> list[str] | None:
        """What follows `r1light` if the command calls it."""
        found = re.fullmatch(r"(?:.*\s-m )?r1light(?: (.+))?", self.text)
        return shlex.split(found[1] or "") if found else None


@dataclass(frozen=True)
class Block:
    """Code of a page: indented by four, between fences, or a command in its text."""

    page: str
    line: int
    text: str
    mark: str | None = None

    def commands(self) -> Iterator[Command]:
        """The block's command lines, in order; in code of another language there are none."""
        above = None
        for line in self.text.replace("\\\n", " ").splitlines():
            needs = _NEEDS.search(line)
            if line.strip().startswith("#"):
                above = needs[1] if needs else None
            elif _COMMAND.match(line.strip()):
                text = re.sub(r"\s+", " ", re.sub(r"\s+#\s.*", "", line)).strip()
                yield Command(text, needs[1] if needs else above)


def blocks(path: Path, text: str) -> Iterator[Block]:
    """The blocks of a page, in order; a mark is for the next one."""
    mark, found, fenced, begun = None, [], False, 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        fence = line.strip().startswith("```")
        inside = not fence and (fenced or line.startswith("    "))
        if inside:
            begun = begun or number
            found.append(line)
        elif found and (fence or line.strip()):
            yield Block(path.name, begun, "\n".join(found), mark)
            mark, found, begun = None, [], 0
        if fence:
            fenced = not fenced
        elif not inside:
            marked = MARK.fullmatch(line.strip())
            mark = marked[1] if marked else mark
            for inline in re.findall(r"`(python -m r1light [^`]+)`", line):
                yield Block(path.name, number, inline)
    if found:
        yield Block(path.name, begun, "\n".join(found), mark)


ALL = [block for path in PAGES for block in blocks(path, path.read_text(encoding="utf-8"))]
