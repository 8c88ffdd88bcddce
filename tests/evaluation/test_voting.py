"""Which answers are the same, and that only what can change a vote is compared."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.core.types import Problem, TestCase, Verdict
from r1light.evaluation.voting import Ballot, votes
from r1light.graders.choice import Choice
from r1light.graders.exact import Exact


class Numbers:
    """Right is an equal number; a reference that is none is an error. Counts what it is asked."""

    equates = True

    def __init__(self):
        self.asked = []

    def grade_many(self, items):
        self.asked += [(problem.answer, answer) for problem, answer in items]
        return [self._grade(problem.answer, answer) for problem, answer in items]

    def _grade(self, reference, answer):
        try:
            return Verdict(float(float(reference) == float(answer)))
        except ValueError:
            return Verdict(None, "error", "no number")


def ballot(answers, right, problem=None, scores=None):
    problem = problem or Problem("p", "?", "numbers", answer=right[0])
    scores = scores or [None if each is None else float(each in right) for each in answers]
    return Ballot(problem, answers, [0.0 if score is None else score for score in scores])


def elected(given, grader, name="numbers"):
    (found,) = votes([given], {name: grader})
    return found


def test_equal_answers_of_different_texts_vote_for_one():
    # two right ones that are written differently, and three wrong ones of which two are the same number
    given = ballot(["5", "5.0", "7", "7.00", "8"], ["5", "5.0"])
    assert elected(given, Numbers()) == ["5", "5", "7", "7", "8"]


def test_an_answer_that_is_no_reference_is_like_no_other():
    given = ballot(["5", "seven", "7", "seven"], ["5"])
    assert elected(given, Numbers()) == ["5", "seven", "7", "seven"]


def test_nobody_votes_without_an_answer_or_without_a_verdict():
    given = Ballot(Problem("p", "?", "numbers", answer="5"), ["5", None, " ", "6"], [1.0, 0.0, 0.0, None])
    assert elected(given, Numbers()) == ["5", None, None, None]


@pytest.mark.parametrize("answers", [["5", "5", "5", "6", "7"], ["6", "7", "6.0"]])
def test_wrong_answers_are_compared_only_where_it_matters(answers):
    grader = Numbers()
    elected(ballot(answers, ["5"]), grader)  # three of five are right; or none is
    assert grader.asked == []


def test_contested_answers_are_compared_pair_by_pair_over_all_problems_at_once():
    grader = Numbers()
    given = ballot(["5", "6", "7", "8"], ["5"])
    votes([given, given], {"numbers": grader})
    assert grader.asked == [("6", "7"), ("6", "8"), ("7", "8")] * 2


def test_graders_that_know_a_canonical_form():
    problem = Problem("p", "?", "choice", answer="B", meta={"options": ["red", "green", "blue"]})
    given = ballot(["(B)", r"\boxed{B}", "C", "blue"], ["(B)", r"\boxed{B}"], problem)
    assert elected(given, Choice(Choice.Config()), "choice") == ["B", "B", "C", "C"]
    problem = Problem("p", "?", "exact", answer="Paris")
    given = ballot(["Paris.", "paris", " Rome"], ["Paris.", "paris"], problem)
    assert elected(given, Exact(Exact.Config()), "exact") == ["paris", "paris", "rome"]


def test_else_texts_are_compared_without_their_white_space():
    problem = Problem("p", "?", "code", tests=(TestCase(stdin="", stdout="5"),))
    given = ballot(["print(5)", " print(5)\n", "print(2 + 3)"], ["print(5)"], problem, [1.0, 1.0, 1.0])
    # two programs may both be right, and are not the same answer
    assert elected(given, object(), "code") == ["print(5)", "print(5)", "print(2 + 3)"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["5", "5.0", "6", "6.0", "06", "x", None]), min_size=1), st.randoms())
def test_an_answer_votes_for_the_same_one_in_any_order(answers, rng):
    order = rng.sample(range(len(answers)), len(answers))
    straight = elected(ballot(answers, ["5", "5.0"]), Numbers())
    shuffled = elected(ballot([answers[index] for index in order], ["5", "5.0"]), Numbers())
    assert shuffled == [straight[index] for index in order]
