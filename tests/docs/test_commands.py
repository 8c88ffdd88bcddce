"""Every command of r1light that the README and the pages show: its configuration composes and validates.

Those that no test runs, as they need a GPU or the like, are checked so too.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from hydra._internal.utils import get_args_parser

from r1light.config.compose import Source, compose_jobs
from r1light.config.search_path import register
from r1light.config.validate import validate
from r1light.scaffold.new import Plugin
from r1light.stages import stage_module

_spec = importlib.util.spec_from_file_location("docs_pages", Path(__file__).with_name("pages.py"))
pages = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = pages
_spec.loader.exec_module(pages)

MARKED = 2  # blocks; whoever marks one more says so here
COMMANDS = [
    pytest.param(words, id=f"{block.page}:{block.line}:{' '.join(words)[:60]}")
    for block in pages.ALL
    if block.mark is None
    for command in block.commands()
    if (words := command.r1light()) is not None
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
KEY=1 python -m r1light -m "seed=0,1"   # of many; needs the hub
torchrun -m r1light trainer=ddp
# each needs a GPU or several
python tools/bench/x.py
make x            # itself: needs the network
# any machine does
./y
import re
```
<!-- unchecked: why -->

    python -m r1light b=...

    pip install r1light

Say `python -m r1light stage=c`.
"""
    found = list(pages.blocks(Path("page.md"), text))
    lines = [[(each.text, each.needs) for each in block.commands()] for block in found]
    assert [block.mark for block in found] == [None, None, "why", None]
    assert lines == [
        [("python -m r1light stage=a seed=1", None)],
        [
            ('KEY=1 python -m r1light -m "seed=0,1"', "the hub"),
            ("torchrun -m r1light trainer=ddp", None),
            ("python tools/bench/x.py", "a GPU"),
            ("make x", "the network"),
            ("./y", None),
        ],
        [("python -m r1light b=...", None), ("pip install r1light", None)],
        [("python -m r1light stage=c", None)],
    ]
    command = next(found[1].commands())
    assert (dict(command.variables()), command.words()[0]) == ({"KEY": "1"}, "python")
    assert command.r1light() == ["-m", "seed=0,1"]


def test_marks_are_counted():
    marks = [f"{block.page}:{block.line}: {block.mark}" for block in pages.ALL if block.mark]
    assert len(marks) == MARKED, "\n".join(marks)
    assert len(COMMANDS) >= 100
