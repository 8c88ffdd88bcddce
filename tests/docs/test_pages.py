"""What the pages say of the code is there: files, symbols, tests, numbers, and a place in the site's menu."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from r1light.config.compose import Source, compose_jobs

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
NAMED = re.compile(r"`((?:r1light|conf|tests|tools|docs|examples|plugins)/[\w./-]+?\.\w+)(?::+(\w+))?`")
TOP_LEVEL = re.compile(r"^(?:(?:async )?def |class )?(\w+)(?=[(:\[]| *=| *:)", re.MULTILINE)
INDEX = (DOCS / "paper-index.md").read_text(encoding="utf-8")
NUMBERS = [
    (found[1], dict(re.findall(r"`([\w.]+)=([^`]+)`", found[2])))
    for line in INDEX.partition("## Numbers")[2].splitlines()
    if (found := re.fullmatch(r"\| .+ \| .+ \| `([\w.]+)` \| (.+) \|", line))
]


@cache
def symbols(path: Path) -> frozenset[str]:
    """The functions, classes and values at the top of a module."""
    return frozenset(TOP_LEVEL.findall(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda path: path.name)
def test_files_and_symbols_that_a_page_names_are_there(page):
    wrong = [
        f"{name}:{symbol}" if symbol else name
        for name, symbol in NAMED.findall(page.read_text(encoding="utf-8"))
        if not (ROOT / name).is_file() or (symbol and symbol not in symbols(ROOT / name))
    ]
    assert wrong == []


def test_each_of_the_twenty_complaints_has_something_to_show():
    rows = re.findall(r"^\| (\d+) \|.*\| (.+) \|$", (DOCS / "complaints.md").read_text(), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 21))
    assert all(NAMED.search(shown) for _, shown in rows)


def test_the_index_names_places_of_every_part_of_the_paper():
    assert len(NUMBERS) >= 25
    for place in ("Fig. 2", "Table 1", "2.2", "3.1", "3.2.2", "B.3.2", "B.4.3", "D.1", "Table 7"):
        assert place in INDEX


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({name for name, _ in NUMBERS}))
def test_the_papers_numbers_are_those_of_the_experiment(name):
    wanted = {key: value for each, values in NUMBERS if each == name for key, value in values.items()}
    overrides = [f"experiment={name}", "data.path=x", "model.path=y"]
    if name == "r1_scenarios":
        overrides += [f"reward.components.{key}.path=z" for key in ("helpfulness", "harmlessness")]
    (plain,) = compose_jobs(overrides, Source(), multirun=False).jobs
    for key, value in wanted.items():
        node = plain
        for part in key.split("."):
            node = node[part]
        assert node == yaml.safe_load(value) or float(node) == float(value), key


def test_every_page_has_a_place_in_the_menu():
    def entries(node):
        if isinstance(node, str):
            yield node
        for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from entries(inner)

    menu = list(entries(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    assert sorted(menu) == sorted(page.relative_to(DOCS).as_posix() for page in PAGES)


def test_links_between_pages_lead_somewhere():
    """The site's builder checks those below docs/; those of the README and their anchors are checked here."""
    wrong = []
    for page in (ROOT / "README.md", *PAGES):
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path = target.partition("#")[0]
            if path and "://" not in target and not (page.parent / path).exists():
                wrong.append(f"{page.name}: {target}")
    assert wrong == []
