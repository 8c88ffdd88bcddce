"""Every command that the README and the pages show: its configuration composes and validates.

A block that cannot be checked has a comment on the line before it, which says why:

    <!-- unchecked: needs a plugin of the reader's own -->
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hydra._internal.utils import get_args_parser

from r1light.config.compose import Source, compose_jobs
from r1light.config.search_path import register
from r1light.config.validate import validate
from r1light.scaffold.new import Plugin
from r1light.stages import stage_module

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MARK = re.compile(r"<!-- unchecked: (.+) -->")
MARKED = 2  # blocks; whoever marks one more says so here


@dataclass(frozen=True)
class Block:
    """Code of a page: indented by four, between fences, or a command in its text."""

    page: str
    line: int
    text: str
    mark: str | None = None

    def commands(self) -> Iterator[list[str]]:
        """What follows `r1light` on each command line that calls it."""
        for line in self.text.replace("\\\n", " ").splitlines():
            found = re.match(r"\s*(?:[^#]*\s-m )?r1light (.+)", line)
            if found:
                yield shlex.split(found[1], comments=True)


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
COMMANDS = [
    pytest.param(words, id=f"{block.page}:{block.line}:{' '.join(words)[:60]}")
    for block in ALL
    if block.mark is None
    for words in block.commands()
]


def check(words: list[str]) -> int:
    """What the command line does before anything runs; returns the number of jobs."""
    if words[:1] == ["new"]:
        return len([Plugin(*words[1:])])
    args = get_args_parser().parse_args(words)
    register()
    composed = compose_jobs(args.overrides, Source(config_dir=args.config_dir), multirun=args.multirun)
    for plain in composed.jobs:
        validate(plain, stage_module)
    return len(composed.jobs)


@pytest.mark.slow
@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_validates(words):
    assert check(words) >= 1


def test_a_wrong_command_would_not_pass():
    with pytest.raises(Exception, match=r"stage\.itterations"):
        check(["stage=grpo", "stage.itterations=3"])


def test_commands_are_found_in_every_form():
    text = """
    python -m r1light stage=a \\
        seed=1      # a comment

```sh
KEY=1 python -m r1light -m "seed=0,1"
torchrun -m r1light trainer=ddp
```
<!-- unchecked: why -->

    python -m r1light b=...

    pip install r1light

Say `python -m r1light stage=c`.
"""
    found = list(blocks(Path("page.md"), text))
    assert [(each.mark, list(each.commands())) for each in found] == [
        (None, [["stage=a", "seed=1"]]),
        (None, [["-m", "seed=0,1"], ["trainer=ddp"]]),
        ("why", [["b=..."]]),
        (None, [["stage=c"]]),
    ]


def test_marks_are_counted():
    marks = [f"{block.page}:{block.line}: {block.mark}" for block in ALL if block.mark]
    assert len(marks) == MARKED, "\n".join(marks)
    assert len(COMMANDS) >= 100
