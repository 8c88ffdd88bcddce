"""Every task whose file is here: it loads, its references earn full marks, and those of others do not."""

from __future__ import annotations

import math
import os
import random
import re
from itertools import pairwise
from pathlib import Path

import pytest

from r1light.core.registry import registry
from r1light.core.types import Problem
from r1light.curation.perfect import gold_answer
from r1light.data.bad_references import BAD_REFERENCES
from r1light.graders.answer_text import read_answer
from r1light.graders.verbatim import tokens
from r1light.stages.graders import Graders
from r1light.templates.chat import Chat

DATA = os.environ.get("R1LIGHT_SHARED_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="R1LIGHT_SHARED_DATA names no folder of real data")
UNPRICED = re.compile(r"(?<!\\)\$")
PATHS = {
    "mmlu": "mmlu/mmlu_sample.jsonl",
    "c_eval": "c_eval/ceval_dev_val.jsonl",
    "cmmlu": "cmmlu/cmmlu_sample.jsonl",
}
"""Files that are named by `stage.task.NAME.path`; the others stand where `stage.data_dir` looks."""
MATHS = {
    "aime24": 30, "aime25": 30, "amc23": 40, "cmath": 600, "cnmo2024": 30, "college_math": 2818,
    "gaokao2023en": 385, "gsm8k": 1319, "math500": 500, "minerva_math": 272, "olympiadbench": 675,
    "asdiv": 2215, "svamp": 1000,
}  # fmt: skip
CHOICE = {"aqua": 254, "c_eval": 1346, "cmmlu": 670, "mmlu": 1140, "mmlu_stem": 3018, "sat_math": 32}


class Tokenizer:
    """A chat template, and nothing else."""

    chat_template = "..."

    def apply_chat_template(self, turns, **options):
        return "".join(f"<{turn['role']}>{turn['content']}" for turn in turns) + "<assistant>"


TEMPLATE = Chat(Chat.Config(prefill="<think>\n"), Tokenizer)


def problems(name):
    tasks = registry("tasks")
    plain = {"path": f"{DATA}/{PATHS[name]}"} if name in PATHS else {}
    task = tasks.create(name, tasks.config_type(name)(**plain), data_dir=Path(DATA or "."))
    return list(task)


def completion(problem: Problem, answer: str) -> str:
    """What a model writes that does as it is told."""
    last = {
        "choice": f"{'答案：' if problem.language == 'zh' else 'Answer: '}{answer}",
        "knights_and_knaves": f"Answer:\n{answer}",
    }.get(problem.grader, f"\\boxed{{{UNPRICED.sub('', answer)}}}")
    return f"Let me see, A or B?\n</think>\n\nIt comes from 1 and $x$.\n\n{last}"


def scores(pairs):
    """What each problem's grader says of the answer, by way of the template."""
    graders, items = Graders(), []
    graders.add(problem for problem, _ in pairs)
    for problem, answer in pairs:
        prompt = TEMPLATE.render(problem)
        assert problem.meta.get("question", problem.prompt) in prompt.text
        parsed = TEMPLATE.parse(prompt.prefill, completion(problem, answer))
        assert parsed.well_formed
        items.append((problem, parsed.answer))
    try:
        return graders.by_name[pairs[0][0].grader].grade_many(items)
    finally:
        graders.close()


def others(found):
    """Each problem with the answer of another, by a seed."""
    shuffled = random.Random(0).sample(found, len(found))
    return [(one, gold_answer(other)) for one, other in pairwise([*shuffled, shuffled[0]])]


def same(one, other):
    """Whether two references are one text, or one number, in other spellings."""
    left, right = read_answer(one), read_answer(other)
    return tokens(one) == tokens(other) or (left.kind == "number" and left == right)


def sampled(name, most=600):
    """The task's problems, or so many of them by a seed where algebra is slow."""
    found = problems(name)
    return random.Random(0).sample(found, most) if name == "college_math" else found


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize("name", MATHS)
def test_references_of_maths_are_right_and_those_of_others_are_not(name):
    left_out = sum(row.startswith(f"{name}/") for row in BAD_REFERENCES)
    assert len(problems(name)) == MATHS[name] - left_out
    found = sampled(name)
    verdicts = scores([(problem, gold_answer(problem)) for problem in found])
    assert [(p.id, v.detail) for p, v in zip(found, verdicts, strict=True) if not v.correct] == []
    pairs = others(found)
    verdicts = scores(pairs)
    assert {verdict.status for verdict in verdicts} == {"ok"}
    right = [(p.answer, a) for (p, a), v in zip(pairs, verdicts, strict=True) if v.correct]
    assert [pair for pair in right if not same(*pair)] == []


@needs_data
@pytest.mark.parametrize("name", CHOICE)
def test_letters_are_right_and_those_of_others_only_where_they_are_the_same(name):
    found = problems(name)
    assert len(found) == CHOICE[name]
    assert all(verdict.correct for verdict in scores([(each, each.answer) for each in found]))
    pairs = others(found)
    coincide = sum(problem.answer == letter for problem, letter in pairs)
    assert sum(verdict.score for verdict in scores(pairs)) == coincide
    options = len(found[0].meta["options"])
    chance, error = 1 / options, math.sqrt((options - 1) / options**2 / len(found))
    assert coincide / len(found) <= chance + 3 * error  # letters are not quite evenly spread


@needs_data
def test_puzzles_are_right_by_their_own_answers_alone():
    found = problems("knights_and_knaves")
    assert [each.meta["size"] for each in found] == [size for size in (3, 4, 5, 6, 7) for _ in range(100)]
    assert all(verdict.correct for verdict in scores([(each, each.answer) for each in found]))
    assert sum(verdict.score for verdict in scores(others(found))) == 0
    other = {"knight": "knave", "knave": "knight"}
    turned = [(one, re.sub("knight|knave", lambda kind: other[kind[0]], one.answer)) for one in found]
    assert sum(verdict.score for verdict in scores(turned)) == 0


@pytest.mark.parametrize("name", ["arithmetic", "countdown"])
def test_generated_problems_are_right_by_their_own_answers_alone(name):
    found = problems(name)
    assert len(found) == 512
    assert all(verdict.correct for verdict in scores([(each, gold_answer(each)) for each in found]))
    pairs = others(found)
    coincide = sum(name == "arithmetic" and one.answer == answer for one, answer in pairs)
    assert sum(verdict.score for verdict in scores(pairs)) == coincide
