from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.errors import DataError
from r1light.core.types import Problem
from r1light.training.problems import ProblemStream, PromptEncoder

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


def test_a_prompt_that_fills_the_context_is_refused_by_name(whole_text):
    with pytest.raises(DataError, match=r"problem '3': its prompt has 2 tokens .* context of 2"):
        encoder(whole_text, 2).check([PROBLEMS[3]])
    encoder(whole_text, 3).check(PROBLEMS)
