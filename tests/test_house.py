"""The rules of the house that no linter knows."""

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import r1light.api
import r1light.core
from r1light.core.registry import BUILTIN_TABLES, GROUPS
from r1light.stages import STAGES

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "r1light"
HEAVY = ("torch", "lightning", "transformers", "hydra", "omegaconf", "pydantic", "numpy")
MODULES = sorted(path for folder in ("r1light", "tools") for path in (ROOT / folder).rglob("*.py"))


def short(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_a_reader_can_hold_the_file(path):
    limit = 200 if path.parent == PACKAGE / "stages" else 300
    assert len(path.read_text().splitlines()) <= limit


@pytest.mark.parametrize("path", [path for path in MODULES if path.is_relative_to(PACKAGE)], ids=short)
def test_every_module_and_everything_public_in_it_has_a_docstring(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "the module has none"
    kinds = (ast.FunctionDef, ast.ClassDef)
    lacking = [
        node.name
        for node in tree.body
        if isinstance(node, kinds) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert lacking == []


def test_every_folder_with_modules_is_a_package_that_is_installed():
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [short(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    found = {short(folder).replace("/", ".") for folder in folders} | {"r1light.conf"}
    assert sorted(settings["packages"]) == sorted(found)


def modules_loaded_by(*modules):
    code = f"import sys, {', '.join(modules)}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout)


def test_importing_the_package_and_its_api_is_light():
    assert modules_loaded_by("r1light", "r1light.api") == []


def test_components_and_stages_can_be_checked_without_torch():
    targets = {
        target.partition(":")[0]
        for group in GROUPS
        for target in importlib.import_module(BUILTIN_TABLES[group]).BUILTINS.values()
    }
    loaded = modules_loaded_by(*sorted(targets), *STAGES.values())
    assert set(loaded) & {"torch", "lightning", "transformers"} == set()


def test_what_the_api_exports_is_sorted_and_there():
    assert r1light.api.__all__ == sorted(r1light.api.__all__)
    imported = {
        alias.asname or alias.name
        for node in ast.parse((PACKAGE / "api.py").read_text()).body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }
    assert imported == set(r1light.api.__all__)
    assert all(hasattr(r1light.api, name) for name in r1light.api.__all__)


DOCTESTED = [
    "r1light.api",
    "r1light.config.convert",
    "r1light.config.schema",
    *(f"r1light.core.{module.name}" for module in pkgutil.iter_modules(r1light.core.__path__)),
]


@pytest.mark.parametrize("name", DOCTESTED)
def test_examples_in_docstrings_are_right(name):
    import doctest

    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_constraints_pin_every_dependency_exactly():
    pinned = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if not line.startswith("#"):
            name, _, version = line.partition("==")
            assert re.fullmatch(r"[\w.]+", version), line
            pinned[normal(name)] = version
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + extras["dev"] + extras["docs"]
    names = {normal(re.match(r"[\w.-]+", requirement)[0]) for requirement in wanted}
    assert names - pinned.keys() == set()
    assert pinned["torch"] == "2.13.0"


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def real_tree():
    """Folders and modules to depth 2 that the README is to show."""
    names = set()
    for top in ("conf", "docs", "examples", "plugins", "r1light", "tests", "tools"):
        folder = ROOT / top
        if not folder.is_dir() or not any(path.is_file() for path in folder.rglob("*")):
            continue
        names.add(f"{top}/")
        for inner in folder.iterdir():
            holds_files = inner.is_dir() and any(path.suffix != ".pyc" for path in inner.rglob("*.*"))
            if holds_files and not inner.name.startswith(("__", ".")):
                names.add(f"{top}/{inner.name}/")
            elif top == "r1light" and inner.suffix == ".py" and inner.name != "__init__.py":
                names.add(f"{top}/{inner.name}")
    return names


def readme_tree():
    """The fenced block under the heading "The tree": four spaces a level, a name, two spaces, a phrase."""
    text = (ROOT / "README.md").read_text()
    block = re.search(r"^## The tree\n.*?^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert block, "README.md has no fenced block under '## The tree'"
    names, parents = set(), []
    for line in filter(str.strip, block[1].splitlines()):
        match = re.fullmatch(r"( *)(\S+)  +(\S.*)", line)
        assert match, f"not 'name  phrase': {line!r}"
        depth = len(match[1]) // 4
        parents[depth:] = [match[2]]
        names.add("".join(parents[: depth + 1]))
    return names


def test_the_tree_in_the_readme_is_the_real_one():
    shown = readme_tree()
    assert {name for name in shown if name.count("/") - name.endswith("/") <= 1} == real_tree()
