from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.errors import DataError
from r1light.core.types import Problem
from r1light.templates.r1_zero import R1Zero
from r1light.training.problems import ProblemSchedule, ProblemStream, PromptEncoder

PROBLEMS = [Problem(id=str(index), prompt="", grader="exact") for index in range(7)]


def ids(stream, count):
    return [problem.id for problem in stream.take(count)[0]]


def test_every_epoch_has_every_problem_in_an_order_of_its_own():
    stream = ProblemStream(PROBLEMS, seed=3)
    first, second = ids(stream, 7), ids(stream, 7)
    assert sorted(first) == sorted(second) == [problem.id for problem in PROBLEMS]
    assert first != second


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(0, 5))
def test_the_cursor_is_the_whole_state(takes, seed):
    stream = ProblemStream(PROBLEMS, seed)
    for count in takes:
        stream.take(count)
    resumed = ProblemStream(PROBLEMS, seed)
    resumed.cursor = stream.cursor
    assert ids(stream, 9) == ids(resumed, 9)


def test_seeds_give_different_orders():
    assert ids(ProblemStream(PROBLEMS, 0), 7) != ids(ProblemStream(PROBLEMS, 1), 7)


def encoder(template, context):
    return PromptEncoder(template, lambda text: [ord(character) for character in text], context)


def test_a_request_has_the_ids_of_the_rendered_prompt(whole_text):
    request, prompt = encoder(whole_text, 10).request(PROBLEMS[3], (1, 2))
    assert prompt.text == "Q3"
    assert request.prompt_ids == (ord("Q"), ord("3"))
    assert request.key == (1, 2)


def test_an_example_shows_the_form_and_not_the_question():
    problem = Problem(id="1", prompt="What did somebody ask?", grader="exact")
    shown = encoder(R1Zero(R1Zero.Config(prefill="<think>")), context=100).example(problem)
    assert shown.endswith("User: Compute 2+3. Assistant: <think>")
    assert "somebody" not in shown


def test_a_prompt_that_fills_the_context_is_refused_by_name(whole_text):
    with pytest.raises(DataError, match=r"problem '3': its prompt has 2 tokens .* context of 2"):
        encoder(whole_text, 2).check([PROBLEMS[3]])
    encoder(whole_text, 3).check(PROBLEMS)


GENERAL = [
    Problem(id=f"g{index}", prompt="", grader="none", meta={"preference": "helpful"}) for index in range(4)
]


def drawn(schedule, iterations, count=5):
    """The ids that each iteration draws."""
    return {number: ids(schedule.at(number), count) for number in iterations}


def test_problems_for_reward_models_wait_for_the_switch():
    mixed = [*PROBLEMS, *GENERAL]
    found = drawn(ProblemSchedule(mixed, 3, switch=4), range(1, 8))
    early = [name for number in (1, 2, 3) for name in found[number]]
    assert not any(name.startswith("g") for name in early)
    assert sorted(early[:7]) == sorted(problem.id for problem in PROBLEMS), "a whole epoch of the others"
    late = [name for number in (4, 5, 6, 7) for name in found[number]]
    assert sorted(late[:11]) == sorted(problem.id for problem in mixed), "a whole epoch of all"


def test_without_a_switch_the_order_is_that_of_one_stream():
    mixed = [*PROBLEMS, *GENERAL]
    found = drawn(ProblemSchedule(mixed, 5), range(1, 4))
    assert [name for names in found.values() for name in names] == ids(ProblemStream(mixed, 5), 15)


@given(st.integers(1, 7), st.integers(1, 6), st.integers(0, 3))
def test_a_schedule_resumed_anywhere_draws_the_same(broken, switch, seed):
    mixed = [*PROBLEMS, *GENERAL]
    whole = drawn(ProblemSchedule(mixed, seed, switch), range(1, 9))
    first = ProblemSchedule(mixed, seed, switch)
    begun = drawn(first, range(1, broken + 1))
    second = ProblemSchedule(mixed, seed, switch)
    second.cursors = first.cursors
    assert begun | drawn(second, range(broken + 1, 9)) == whole


def test_a_schedule_with_nothing_to_keep_back_or_nothing_else_is_refused():
    with pytest.raises(DataError, match=r"none of the 7 problems to train on has meta.preference; set it to"):
        ProblemSchedule(PROBLEMS, 0, switch=4)
    with pytest.raises(DataError, match=r"until iteration 4, and all 4 problems to train on have it"):
        ProblemSchedule(GENERAL, 0, switch=4)
    assert ids(ProblemSchedule(GENERAL, 0, switch=1).at(1), 1), "nothing comes before the first iteration"
