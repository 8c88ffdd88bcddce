import pytest

from r1light.graders.answer_text import read_answer, read_reference
from r1light.graders.comparison import Request, compare, plan


def verdict(gold, answer):
    found = compare(read_reference(gold), read_answer(answer))
    return None if found is None else found.score


@pytest.mark.parametrize(
    ("gold", "answer", "score"),
    [
        ("42", "42.0", 1.0),
        ("42", "43", 0.0),
        ("x+1", "$x + 1$", 1.0),  # the same text takes no algebra
        ("x+1", "1+x", None),
        ("Yes", r"\text{yes}", 1.0),
        ("yes", "no way", 0.0),
        (r"\{1,2\}", "(1,2)", 0.0),
        ("(1,2)", r"\{1,2\}", 0.0),
        ("(1,2)", "[1,2)", None),
        ("x=1, y=2", "x=1", 0.0),
        ("x+1", "5^{5^{5^{5}}}", 0.0),
        ("for all $n$", "for all $m$", 0.0),
    ],
)
def test_what_takes_no_algebra(gold, answer, score):
    assert verdict(gold, answer) == score


def test_named_values_are_asked_for_one_by_one():
    asked = plan(read_reference("x=1, y=a+b"), read_answer("y=b+a, x=1.0"))
    assert asked == Request("$x=1, y=a+b$", "$y=b+a, x=1.0$", (("$a+b$", "$b+a$"),), only_parts=True)


def test_lists_have_their_parts_as_a_second_chance():
    asked = plan(read_reference(r"\phi, a+b"), read_answer(r"\phi, b+a"))
    assert asked.parts == (("$a+b$", "$b+a$"),)
    assert not asked.only_parts
    assert plan(read_reference("a, b"), read_answer("b")).parts == ()
