"""Every command that the README and the pages show is run, with options behind it that make it small.

What is not run here says in the page what it needs, `# needs a GPU`, or another test runs it, which is named
below.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from r1light.__main__ import main
from r1light.config.compose import Source, compose_jobs
from r1light.config.search_path import register


def _beside(name):
    spec = importlib.util.spec_from_file_location(f"docs_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


pages, files = _beside("pages"), _beside("readers_files")

EVERY = ("trainer.threads=1", "resume=none")
UPDATES = ("stage.max_updates=1", "stage.batch_size=4", "stage.max_length=256", "stage.too_long=cut")
HELD_OUT = ("stage.max_tokens=16", "stage.eval_problems=2", "stage.test_problems=2")
SMALL = {
    "base": ("stage.windows=60", "stage.window_tokens=32", "stage.held_out_windows=2"),
    "chat": ("stage.max_tokens=8",),
    "compare": (),
    "distill": (*UPDATES, *HELD_OUT),
    "on_policy": ("stage.iterations=1", *UPDATES[1:], *HELD_OUT),
    "doctor": ("stage.trial=false", "stage.hub_seconds=0.1"),
    "evaluate": ("stage.limit=2", "stage.k=2", "stage.max_tokens=8"),
    "export": (),
    "grpo": (
        "stage.iterations=1", "stage.prompts_per_iteration=2", "stage.group_size=2", "stage.minibatches=1",
        *HELD_OUT,
    ),
    "pipeline": (),
    "plugins": (),
    "report": (),
    "reward_model": UPDATES,
    "sample": ("stage.limit=64", "stage.n=2", "stage.max_tokens=96"),
    "score": (),
    "serve": ("stage.host=127.0.0.1",),
    "sft": UPDATES,
    "validate": ("stage.check_problems=8",),
}  # fmt: skip
"""What makes a stage small, by its name or its mode. Options that a sweep is over are left as they are."""
FURTHER = {
    # a model that learnt for a moment writes nothing worth keeping
    "runs/held-out": ("stage.curation=none",),
    "n_trials=20": ("hydra.sweeper.n_trials=2",),
}
"""Further options for commands with some words."""
TOOLS = {
    "chaos.py": "--runs 1",
    "memory.py": "--tokens 64 --vocabulary 1000 --hidden 32 --rounds 1 --threads 1",
    "memory_estimate.py": """--models small --cases checkpointing stage.iterations=1 stage.max_tokens=16
        stage.eval_problems=2 stage.test_problems=2""",
    "overlap.py": "--rounds 1 --iterations 2 --prompts 2 --group 2 --max-tokens 16",
    "scaling.py": "--most 512 --rounds 1 --threads 1",
}
MINI = "tests/e2e/test_r1_mini.py::test_every_step_is_done_and_every_question_has_a_verdict"
RANKS = "tests/e2e/test_ranks.py::test_a_run_is_the_same_on_one_and_two_processes_and_across_them"
LAUNCHERS = "tests/e2e/test_launchers.py::test_a_launcher_runs_the_jobs_and_the_sweep_ends_in_a_comparison"
SHELL = "tests/e2e/test_command_line.py::test_the_shell_completes_groups_and_their_choices"
INSTALLED = (
    "tests/plugins/test_installed.py::"
    "test_a_run_with_rewards_data_template_and_model_of_plugins_beside_the_broken_one"
)
ELSEWHERE = {
    "make test": ".ci/run::make test",
    "make test-slow": ".ci/run::make test-slow",
    "make docs": ".ci/run::make docs",
    "pip install -e r1light-reward-": INSTALLED,
    "python -m r1light reward.components.brevity.weight=": INSTALLED,
    "python -m r1light reward.components.short_answers.weight=": INSTALLED,
    "python -m r1light stage=pipeline pipeline=r1_mini": MINI,
    # another plan of the same pipeline, half a minute long too, is run from this page
    "python -m r1light stage=pipeline pipeline=r1 ": "docs/experiments.md::experiment=r1_paper",
    "python -m r1light trainer=ddp trainer.devices=2": RANKS,
    "python -m r1light -m seed=0,1,2,3 hydra/launcher=": LAUNCHERS,
    'eval "$(r1light -sc': SHELL,
}
"""Beginnings of commands, and the test that runs them."""
COMMANDS = {command.text: (block, command) for block in reversed(pages.ALL) for command in block.commands()}


def elsewhere(command):
    """The test that runs it, if another one does."""
    return next((place for start, place in ELSEWHERE.items() if command.text.startswith(start)), None)


RUN = [block for block in pages.ALL
       if any(COMMANDS[each.text][0] is block and not each.needs and not elsewhere(each)
              for each in block.commands())]  # fmt: skip


def small(words):
    """What is appended to a command of r1light."""
    if "new" in words[:1] or "--cfg" in words:
        return []
    register()
    line, overrides = " ".join(words), [word for word in words if not word.startswith("-")]
    swept = overrides if "-m" in words else []
    (plain, *_) = compose_jobs(overrides, Source(), multirun="-m" in words).jobs
    given = {word.partition("=")[0] for word in swept}
    stage = plain["stage"]
    more = [*(SMALL.get(stage.get("mode")) or SMALL[stage["name"]]), *EVERY]
    more = [each for each in more if each.partition("=")[0] not in given]
    return [*more, *(each for key, some in FURTHER.items() if key in line for each in some)]


class Shell:
    """A reader's, in a folder with what the commands name: commands of r1light run in this process."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.monkeypatch = folder, monkeypatch

    def run(self, command):
        words = command.r1light()
        if words is not None:
            self._r1light(command, words)
        else:
            self._script(command.words())

    def _r1light(self, command, words):
        for name, value in command.variables():
            self.monkeypatch.setenv(name, value)
        self.monkeypatch.setattr("sys.stdin", io.StringIO("Compute 668+9523\n"))
        words = [*words, *small(words)]
        if "stage=serve" in words:
            with served(words) as more:
                assert main([*words, *more]) == 128 + signal.SIGTERM
        else:
            assert main(words) == 0

    def _script(self, words):
        script = pages.ROOT / words[1]
        done = subprocess.run(
            [sys.executable, script, *words[2:], *TOOLS[script.name].split()],
            cwd=self.folder, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


@contextlib.contextmanager
def served(words):
    """The options of a free port, at which somebody asks whether it is well, and ends the service."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    answers = []

    def ask():
        end = time.monotonic() + 60
        while time.monotonic() < end and not answers:
            with contextlib.suppress(OSError), \
                 urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:  # fmt: skip
                answers.append(answer.status)
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    yield [f"stage.port={port}"]
    asking.join()
    assert answers == [200]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with all that the commands name."""
    folder = tmp_path_factory.mktemp("home")
    files.write_files(folder)
    files.write_reward_functions(folder, (pages.ROOT / "docs/rewards.md").read_text(encoding="utf-8"))
    files.write_models(folder)
    with contextlib.chdir(folder):
        files.make_runs(folder, lambda line: main(shlex.split(line)))
    return folder


@pytest.fixture
def shell(home, monkeypatch):
    monkeypatch.chdir(home)
    return Shell(home, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("block", RUN, ids=lambda block: f"{block.page}:{block.line}")
def test_the_commands_of_a_block_run(block, shell):
    for command in block.commands():
        if COMMANDS[command.text][0] is block and not command.needs and not elsewhere(command):
            shell.run(command)


def test_a_new_command_is_run_or_says_what_it_needs():
    run = [each for _, each in COMMANDS.values() if not each.needs and not elsewhere(each)]
    assert len(run) >= 100
    for command in run:
        assert command.r1light() is not None or Path(command.words()[1]).name in TOOLS, command.text


def test_what_runs_elsewhere_is_there():
    for start, place in ELSEWHERE.items():
        assert any(text.startswith(start) for text in COMMANDS), f"no page has {start} any more"
        path, _, name = place.partition("::")
        shown = f"def {name}(" if path.endswith(".py") else name
        assert shown in (pages.ROOT / path).read_text(encoding="utf-8"), place
