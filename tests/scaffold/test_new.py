"""What `r1light new` writes: distributions whose tests pass as they are."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from r1light.core.errors import ConfigError, UnknownNameError, UserError
from r1light.scaffold.new import GROUPS, Plugin, main, write

ROOT = Path(__file__).resolve().parents[2]


def test_the_tests_of_every_kind_pass_as_they_are_written(tmp_path):
    folders = [write(Plugin(kind, f"my_{kind}"), tmp_path) for kind in GROUPS]
    where = os.pathsep.join([str(ROOT), *map(str, folders)])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, f"--rootdir={tmp_path}", *map(str, folders)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": where}, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 passed" in done.stdout


@pytest.mark.parametrize("kind", GROUPS)
def test_a_distribution_names_what_is_in_it(kind, tmp_path):
    folder = write(Plugin(kind, "two_words"), tmp_path)
    assert folder.name == f"r1light-{kind}-two-words"
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    points = project["project"]["entry-points"]
    target = points[f"r1light.{GROUPS[kind]}"]["two_words"]
    assert target == f"r1light_{kind}_two_words.two_words:TwoWords"
    for package in project["tool"]["setuptools"]["packages"]:
        assert (folder / package.replace(".", "/") / "__init__.py").is_file()
    assert not [path for path in folder.rglob("*") if "NAME" in path.name or "PACKAGE" in path.name]
    assert "two_words" in (folder / "README.md").read_text()
    assert "rewrite this test" in next(folder.glob("tests/test_*.py")).read_text()


def test_the_command_line_says_what_to_do_next(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(["reward", "short"])
    assert "pip install -e r1light-reward-short && python -m pytest" in capsys.readouterr().out
    with pytest.raises(ConfigError, match=r"cannot make r1light-reward-short: File exists; choose another"):
        main(["reward", "short"])


@pytest.mark.parametrize(
    ("words", "error", "line"),
    [
        ([], UserError, r"r1light new reward\|data\|template\|grader\|task NAME"),
        (["reward", "-x"], UserError, r"r1light new reward"),
        (["rewrd", "x"], UnknownNameError, r"did you mean 'reward'\?"),
        (["reward", "Not-This"], ConfigError, r"'Not-This' must be lower-case letters"),
        (["reward", "class"], ConfigError, r"'class' has a meaning of its own"),
        (["reward", "accuracy"], ConfigError, r"there is a reward 'accuracy' already, of r1light"),
    ],
)
def test_what_cannot_be_is_one_line_and_writes_nothing(words, error, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=line):
        main(words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [["--help"], ["reward", "-h"]])
def test_help_says_what_it_does_and_writes_nothing(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(words)
    assert capsys.readouterr().out.startswith("r1light new reward|data|template|grader|task NAME: writes")
    assert not list(tmp_path.iterdir())
