"""docs/rewards.md: its code runs, and its table names all rewards. tests/docs has its commands."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from r1light.core.registry import registry
from r1light.core.types import Score

PAGE = (Path(__file__).parents[2] / "docs" / "rewards.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_there_is_code():
    assert len(blocks("python")) == 3


def test_the_rewards_that_the_page_writes_work(make_sample):
    short, long, silent = make_sample(tokens=50), make_sample(tokens=100), make_sample(answer=None)
    scope = {}
    exec(blocks("python")[0], scope)
    assert scope["brevity"]([short, long, silent]) == [Score.ok(1.0), Score.ok(0.0), Score.abstain()]
    exec(blocks("python")[1], scope)
    brevity = scope["Brevity"](scope["Brevity"].Config(limit=200))
    assert [score.value for score in brevity([short, long])] == [0.75, 0.5]
    with pytest.raises(ValueError, match="at least 1"):
        scope["Brevity"].Config(limit=0)


def test_the_functions_that_the_page_writes_work():
    scope = {}
    exec(blocks("python")[2], scope)
    texts = ["<think> 2 </think> <answer> 5 </answer>", "5"]
    assert scope["by_reference"](completions=texts, ground_truth=["5", "5"]) == [1.0, 0.0]
    chats = [[{"role": "assistant", "content": text}] for text in texts]
    assert asyncio.run(scope["chat_format"](completions=chats)) == [1.0, 0.0]
    assert scope["compute_score"]("sums", texts[0], "5") == {"score": 1.0, "source": "sums"}


def test_the_table_names_every_reward_of_the_package():
    table = PAGE.partition("| name | what it scores")[2].partition("\n\n")[0]
    named = {
        name
        for row in table.splitlines()
        for name in re.findall(r"`(\w+)`", row.split("|")[1] if "|" in row else "")
    }
    builtin = {entry.name for entry in registry("rewards").entries() if entry.distribution == "r1light"}
    assert named == builtin
