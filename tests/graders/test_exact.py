import pytest

from r1light.core.types import Problem
from r1light.graders.exact import Exact


def grade(reference, answer, **config):
    problem = Problem(id="e", prompt="", grader="exact", answer=reference)
    return Exact(Exact.Config(**config)).grade(problem, answer)


@pytest.mark.parametrize(
    ("reference", "answer", "config", "score"),
    [
        ("Paris", " paris.\n", {}, 1.0),
        ("Paris", "Paris, France", {}, 0.0),
        ("New  York", "new\tyork", {}, 1.0),
        ("ＡＢＣ", "abc", {}, 1.0),  # full-width letters are the same by NFKC
        ("Straße", "STRASSE", {}, 1.0),
        ("Paris", "paris", {"case_sensitive": True}, 0.0),
        ("Paris", "Paris", {"case_sensitive": True}, 1.0),
        ("yes!", "yes", {"strip_punctuation": False}, 0.0),
        ("yes!", "yes!", {"strip_punctuation": False}, 1.0),
        ("答案。", "答案", {}, 1.0),
        ("x", "", {}, 0.0),
    ],
)
def test_spelling(reference, answer, config, score):
    assert grade(reference, answer, **config).score == score


@pytest.mark.parametrize("reference", [None, "", " ", "..."])
def test_no_reference_is_an_error_never_a_pass(reference):
    assert grade(reference, reference or "").status == "error"


def test_answers_that_are_equal_have_one_canonical_form():
    problem, grader = Problem(id="1", prompt="", grader="exact", answer="yes"), Exact(Exact.Config())
    assert grader.canonical(problem, " Paris. ") == grader.canonical(problem, "paris") == "paris"
    assert grader.canonical(problem, " . ") is None


def test_many_equal_one_by_one():
    grader = Exact(Exact.Config())
    items = [(Problem(id=str(n), prompt="", grader="exact", answer=str(n % 2)), "1") for n in range(4)]
    assert [verdict.score for verdict in grader.grade_many(items)] == [0.0, 1.0, 0.0, 1.0]
    grader.close()
