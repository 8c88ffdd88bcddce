"""Problems in files."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.errors import DataError
from r1light.core.types import Message, Problem, TestCase
from r1light.data.problem_json import RowProblems, problem_from_json, problem_to_json

TEXT = st.text(min_size=1).filter(lambda text: text.strip())
PROBLEMS = st.builds(
    Problem,
    id=TEXT,
    prompt=TEXT | st.builds(lambda a, b: (Message("system", a), Message("user", b)), st.text(), TEXT),
    grader=TEXT,
    answer=st.none() | st.text(),
    tests=st.none()
    | st.lists(
        st.builds(TestCase, stdin=st.text(), stdout=st.text()) | st.builds(TestCase, assertion=st.text())
    ).map(tuple),
    language=st.none() | st.text(),
    meta=st.dictionaries(st.text(), st.integers() | st.text()),
)


@given(PROBLEMS)
def test_a_problem_comes_back_from_its_json_as_it_was(problem):
    assert problem_from_json(json.loads(json.dumps(problem_to_json(problem))), "x:1") == problem


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "problem=None must be an object"),
        ({"id": "1", "prompt": "x"}, "problem has no 'grader'"),
        (
            {"id": "1", "prompt": "x", "grader": "math", "anser": 1},
            "unknown key 'anser'.*did you mean 'answer'",
        ),
        ({"id": "1", "prompt": 5, "grader": "math"}, "prompt is 5; a prompt is a text"),
        ({"id": "1", "prompt": "x", "grader": "math", "answer": [1]}, r"problem.answer=\[1\] must be"),
        ({"id": "1", "prompt": "x", "grader": "code", "tests": {}}, "problem.tests={} must be a list"),
        (
            {"id": "1", "prompt": "x", "grader": "code", "tests": [{"stdin": ""}]},
            r"tests\[0\]: a test case has",
        ),
        ({"id": "1", "prompt": "x", "grader": "code", "tests": [{"in": ""}]}, r"tests\[0\] must be"),
        ({"id": "1", "prompt": "x", "grader": "math", "meta": 3}, "problem.meta=3 must be an object"),
    ],
)
def test_what_is_no_problem_is_named(value, says):
    with pytest.raises(DataError, match=f"in.jsonl:3.*{says}"):
        problem_from_json(value, "in.jsonl:3")


@pytest.mark.parametrize("before", [None, {"id": "b", "prompt": "x", "grader": "math"}])
def test_an_id_alone_stands_behind_its_own_problem_only(before):
    problems = RowProblems()
    if before:
        problems.read(before, "in.jsonl:1")
    with pytest.raises(DataError, match=r"in\.jsonl:2: problem 'a' has nothing but its id"):
        problems.read({"id": "a"}, "in.jsonl:2")
