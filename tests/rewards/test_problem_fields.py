from __future__ import annotations

import pytest

from r1light.core.types import Message, Problem, TestCase
from r1light.rewards.problem_fields import columns_of, field_of, source_of

PROBLEM = Problem(
    id="gsm8k/7",
    prompt=(Message("user", "2+3?"),),
    grader="math",
    answer="5",
    tests=(TestCase(stdin="1", stdout="2"), TestCase(assertion="assert True")),
    language="en",
    meta={"level": {"name": "easy"}, "solution": "2+3 is 5", "task": "math"},
)


def test_fields_are_plain_data():
    assert field_of(PROBLEM, "answer") == "5"
    assert field_of(PROBLEM, "prompt") == [{"role": "user", "content": "2+3?"}]
    assert field_of(PROBLEM, "tests") == [{"stdin": "1", "stdout": "2"}, {"assertion": "assert True"}]
    assert field_of(PROBLEM, "meta.level.name") == "easy"
    assert field_of(PROBLEM, "meta.level.none") is None
    assert field_of(PROBLEM, "meta.task.none") is None


@pytest.mark.parametrize("place", ["anwser", "meta", "answer.x", ""])
def test_what_is_no_field_is_refused(place):
    with pytest.raises(ValueError, match="is no field of a problem"):
        field_of(PROBLEM, place)


def test_columns_have_the_answers_usual_names_unless_the_meta_has_them():
    columns = columns_of(PROBLEM)
    assert columns["ground_truth"] == columns["target"] == columns["answer"] == "5"
    assert columns["solution"] == "2+3 is 5"
    assert columns["task"] == "math"
    assert "prompt" not in columns


def test_the_source_is_named_or_begins_the_id():
    assert source_of(PROBLEM) == "gsm8k"
    assert source_of(Problem("7", "", "math", meta={"data_source": "openai/gsm8k"})) == "openai/gsm8k"
