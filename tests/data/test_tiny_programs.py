"""The miniature world's programs: what is asked, what judges, and that held-out functions are held out."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from r1light.core.errors import DataError
from r1light.data.tiny_programs import HIDDEN, Riddle, Rule, TinyPrograms, program, riddles
from r1light.graders.code import Code


def problems(split="train", **sizes):
    return list(TinyPrograms(TinyPrograms.Config(**sizes), split))


def test_the_question_shows_three_values_and_the_tests_look_elsewhere_too():
    problem = next(each for each in problems() if each.id.endswith("/2*x+3@1"))
    # f(x) = 2x + 3: 5, 7, 9 at 1, 2, 3; 17 at 7, 23 at 10, 49 at 23
    assert problem.prompt == "Write f(x) with f(1)=5, f(2)=7, f(3)=9"
    assert [case.assertion for case in problem.tests] == [
        "assert f(1) == 5",
        "assert f(2) == 7",
        "assert f(3) == 9",
        "assert f(7) == 17",
        "assert f(10) == 23",
        "assert f(23) == 49",
    ]
    assert problem.answer == "def f(x): return 2*x+3"


def test_squares_are_among_them():
    assert Riddle(Rule(None, 4), 2).question == "Write f(x) with f(2)=8, f(3)=13, f(4)=20"
    assert any(problem.answer.startswith("def f(x): return x*x+") for problem in problems())


@pytest.mark.sandbox
def test_the_reference_passes_and_a_table_of_the_shown_values_does_not():
    problem = problems(train_size=1)[0]
    shown = dict(re.findall(r"f\((\d+)\)=(\d+)", problem.prompt))
    table = "def f(x): return {" + ", ".join(f"{x}: {value}" for x, value in shown.items()) + "}.get(x)"
    with closing(Code(Code.Config())) as grader:
        verdicts = grader.grade_many([(problem, problem.answer), (problem, table), (problem, program("x"))])
    assert [verdict.score for verdict in verdicts] == [1.0, 0.0, 0.0]


def test_a_function_is_in_one_split_with_all_its_values():
    train, test = ({riddle.rule for riddle in riddles(split)} for split in ("train", "test"))
    assert not train & test
    assert len(train) + len(test) == 9 * 31  # eight factors and the square, offsets from 0 to 30
    assert not set(HIDDEN) & {x for riddle in riddles("train") for x in riddle.shown}


def test_problems_repeat_by_seed_and_are_all_different():
    assert problems(train_size=50) == problems(train_size=50)
    assert problems(train_size=50) != problems(train_size=50, seed=1)
    assert len({problem.id for problem in problems()}) == 900


def test_more_than_there_are_is_refused():
    with pytest.raises(DataError, match=r"data=tiny_programs has 80 problems in its test split, not 81"):
        problems("test", test_size=81)
    with pytest.raises(ValueError, match="not negative"):
        TinyPrograms.Config(train_size=-1)
