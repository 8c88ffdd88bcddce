import itertools
import random
from dataclasses import replace

import pytest
from r1light_data_logic.answer import read, written
from r1light_data_logic.grader import LogicGrader
from r1light_data_logic.puzzle import NAMES, Claim, Puzzle, from_meta, random_puzzle
from r1light_data_logic.source import Logic
from r1light_data_logic.task import LogicTask
from r1light_data_logic.template import LogicTemplate

from r1light.api import DataError, Problem
from r1light.testing import check_data_source, check_grader, check_task, check_template

# Ada: "Ben and I are of the same kind." True or not, Ben is a knight; he says that Ada is a knave: so she is.
TWO = Puzzle(("Ada", "Ben"), (Claim(0, "same", 1, 0), Claim(1, "knave", 0)))
PROBLEM = Problem("1", TWO.question(), "logic", meta=TWO.to_meta())


def test_a_puzzle_by_hand():
    assert list(TWO.solutions()) == [(False, True)]
    assert TWO.question().endswith(
        'You meet Ada and Ben. Ada says: "Ben and I are of the same kind." Ben says: "Ada is a knave." '
        "Who is a knight, and who is a knave?"
    )


@pytest.mark.parametrize(
    ("form", "true_where"),
    [
        ("same", [(True, True), (False, False)]),
        ("differ", [(True, False), (False, True)]),
        ("some_knave", [(True, False), (False, True), (False, False)]),
    ],
)
def test_what_is_said_of_two(form, true_where):
    claim = Claim(2, form, 0, 1)
    held = [pair for pair in itertools.product((True, False), repeat=2) if claim.holds((*pair, True))]
    assert sorted(held) == sorted(true_where)
    assert "Ada" in claim.said(NAMES)
    assert "Ben" in claim.said(NAMES)


@pytest.mark.parametrize("people", [2, 3, 5, 8])
def test_drawn_puzzles_have_one_solution(people):
    rng = random.Random(people)
    for _ in range(20):
        puzzle = random_puzzle(rng, people)
        assert len(list(puzzle.solutions())) == 1
        assert from_meta(puzzle.to_meta()) == puzzle


def test_answers_are_read_as_they_are_written():
    assert read(written(NAMES[:3], (True, False, True)), NAMES[:3]) == (True, False, True)
    assert read("Ada=knight, Ada=knave, Ben=knave", ["Ada", "Ben"]) is None
    assert read("Ada=knighthood", ["Ada"]) is None


def test_the_graders_contract():
    right = ["Ada=knave, Ben=knight", "ben: Knight; ada: KNAVE", "So Ada = knave, Ben=knight."]
    check_grader(LogicGrader, PROBLEM, right, ["Ada=knight, Ben=knight", "Ada=knave", "Ada=knave, Ben=knave"])


def test_a_wrong_answer_says_who_could_not_speak_so():
    assert LogicGrader().grade(PROBLEM, "Ada=knight, Ben=knave").detail == "then Ada could not say so"


@pytest.mark.parametrize(
    "meta", [{}, {"names": ["Ada"], "claims": [{"speaker": 0, "form": "knave", "about": 7}]}]
)
def test_a_problem_without_claims_is_an_error(meta):
    verdict = LogicGrader().grade(replace(PROBLEM, meta=meta), "Ada=knave")
    assert verdict.status == "error"


def test_the_sources_contract_every_reference_answer_being_right():
    options = Logic.Config(people=[2, 3, 4], train_size=200, test_size=50)
    check_data_source(lambda split: Logic(options, split), LogicGrader())


def test_more_puzzles_than_there_are_is_said(monkeypatch):
    monkeypatch.setattr("r1light_data_logic.source.MOST_MISSES", 300)
    monkeypatch.setattr("r1light_data_logic.puzzle.NAMES", ("Ada", "Ben"))
    with pytest.raises(DataError, match=r"found only \d+ puzzles of 9999 in its test split"):
        list(Logic(Logic.Config(people=[2], test_size=9999), "test"))


@pytest.mark.parametrize("prefill", ["<think>", ""])
def test_the_templates_contract(prefill):
    check_template(lambda: LogicTemplate(LogicTemplate.Config(prefill)), PROBLEM)


def test_the_template_shows_the_form_of_the_answer():
    assert "each: Ada=..., Ben=...\n<think>" in LogicTemplate(LogicTemplate.Config()).render(PROBLEM).text


def test_the_tasks_contract_and_its_puzzles_are_held_out():
    options = LogicTask.Config(size=40)
    check_task(lambda: LogicTask(options), "logic")
    trained = {problem.prompt for problem in Logic(Logic.Config(people=[3], train_size=400))}
    assert not trained & {problem.meta["question"] for problem in LogicTask(options)}
