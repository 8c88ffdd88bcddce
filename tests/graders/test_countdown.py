from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.types import Problem
from r1light.graders.countdown import Countdown
from r1light.graders.expression import evaluate, tokenize

GRADER = Countdown(Countdown.Config())


def game(numbers, target):
    return Problem(id="c", prompt="", grader="countdown", meta={"numbers": numbers, "target": target})


@pytest.mark.parametrize(
    ("numbers", "target", "answer"),
    [
        ([1, 2, 3], 9, "(1 + 2) * 3"),
        ([1, 2, 3], 9, "(1+2)*3 = 9"),
        ([1, 2, 3], 9, "3*(2+1)=9\n"),
        ([5, 5, 5, 1], 24, "5*(5-1/5)"),  # 5 * (5 - 0.2) = 24: exact where floats need luck
        ([3, 3, 8, 8], 24, "8/(3-8/3)"),  # 8 / (1/3) = 24
        ([4, 2], 2, "-2+4"),
        ([4, 2], -2, "-(4-2)"),
        ([4, 2], 6, "4--2"),
        ([3, 7], 21, "3.0*7"),
        ([2, 3, 4], 5, "3+4-2"),
        ([8, 2, 2], 2, "8/2/2"),  # from the left: (8/2)/2 = 2
        ([8, 2, 2], 4, "8-2-2"),  # (8-2)-2 = 4
    ],
)
def test_right(numbers, target, answer):
    assert GRADER.grade(game(numbers, target), answer).correct


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("1+2*3", "comes to 7"),  # the product first
        ("3*3", "uses 3, 3"),
        ("(1+2)*3*1", "uses 1, 1, 2, 3"),
        ("9", "uses 9"),
        ("", "uses no numbers"),
        ("12-3", "uses 3, 12"),
        ("(1+2)*3 = 10", "claims to come to 10"),
        ("(1+2)*3 = 9 = 9", "not an expression"),
        ("9 = (1+2)*3", "uses 9"),
        ("(1+2)*3 =", "no expression"),
        ("3/(2-1-1)", "uses 1, 1, 2, 3"),
        ("((1+2)*3", "not closed"),
        ("(1+2))*3", "not opened"),
        ("1 2 + 3", "operator is missing"),
        ("(1)(2)(3)", "operator is missing"),
        ("1+2+3*", "ends"),
        ("*1+2+3", "missing before '*'"),
        ("()1+2+3", "missing before ')'"),
        ("1**2+3", "missing before '*'"),
        ("1//2+3", "missing before '/'"),
        ("(1+2)×3", "not an expression"),
        ("__import__('os').system('true')", "not an expression"),
        ("１+2+3", "not an expression"),
        ("1e0+2+3", "not an expression"),
        ("1.2.3", "uses"),
    ],
)
def test_wrong_with_its_reason(answer, why):
    verdict = GRADER.grade(game([1, 2, 3], 9), answer)
    assert verdict.score == 0.0
    assert why in verdict.detail


def test_operators_that_a_problem_does_not_allow_are_wrong():
    problem = Problem(
        id="1", prompt="", grader="countdown", meta={"numbers": [2, 3], "target": 6, "operators": ["+", "-"]}
    )
    verdict = Countdown(Countdown.Config()).grade(problem, "2*3")
    assert (verdict.score, verdict.detail) == (0.0, "uses * where + - are allowed")


def test_division_by_zero_is_wrong():
    verdict = GRADER.grade(game([1, 1, 3], 9), "3/(1-1)")
    assert (verdict.score, verdict.detail) == (0.0, "divides by zero")
    assert GRADER.grade(game([3], 3), "3 = 1/0").detail == "divides by zero"


def test_nesting_needs_no_recursion():
    grader = Countdown(Countdown.Config(max_chars=300_000))
    deep = "(" * 100_000 + "3" + ")" * 100_000
    assert grader.grade(game([3], 3), deep).correct
    assert grader.grade(game([3], 3), "-" * 100_000 + "3").correct
    assert GRADER.grade(game([3], 3), deep).detail == "longer than 512 characters"


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"numbers": [1, 2]},
        {"target": 3},
        {"numbers": [], "target": 3},
        {"numbers": "12", "target": 3},
        {"numbers": [1.5, 2], "target": 3},
        {"numbers": [1, True], "target": 3},
        {"numbers": [1], "target": None},
    ],
)
def test_a_problem_without_a_game_is_an_error(meta):
    verdict = GRADER.grade(Problem(id="x", prompt="", grader="countdown", meta=meta), "1+2")
    assert verdict.status == "error"
    assert "'x'" in verdict.detail


def test_many_equal_one_by_one():
    items = [(game([1, 2, 3], 9), "(1+2)*3"), (game([1, 2], 9), "1+2"), (game([4], 4), "4")]
    assert GRADER.grade_many(items) == [GRADER.grade(*item) for item in items]
    GRADER.close()


def test_config_refuses_no_length():
    with pytest.raises(ValueError, match="max_chars"):
        Countdown.Config(max_chars=0)


LEAVES = st.integers(1, 99).map(lambda number: (str(number), [number], Fraction(number)))


def _combined(parts):
    """Two random expressions to a bracketed one, with its value by Fraction's own operators."""
    (left, left_numbers, a), (right, right_numbers, b), operator = parts
    if a is None or b is None or (operator == "/" and b == 0):
        value = None
    else:
        value = {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else None}[operator]
    return f"({left} {operator} {right})", left_numbers + right_numbers, value


EXPRESSIONS = st.recursive(
    LEAVES, lambda inner: st.tuples(inner, inner, st.sampled_from("+-*/")).map(_combined), max_leaves=6
)


@given(EXPRESSIONS)
def test_bracketed_expressions_have_the_value_that_fractions_give(expression):
    text, _, value = expression
    if value is None:
        with pytest.raises(ZeroDivisionError):
            evaluate(tokenize(text))
    else:
        assert evaluate(tokenize(text)) == value


@given(st.lists(st.integers(1, 99), min_size=2, max_size=6), st.data())
def test_precedence_agrees_with_python(numbers, data):
    signs = [data.draw(st.sampled_from("+-*/")) for _ in numbers[1:]]
    text = str(numbers[0]) + "".join(
        f"{sign}{number}" for sign, number in zip(signs, numbers[1:], strict=True)
    )
    python = "".join(f"{sign}Fraction({number})" for sign, number in zip(["+", *signs], numbers, strict=True))
    assert evaluate(tokenize(text)) == eval(python, {"Fraction": Fraction})


@given(EXPRESSIONS, st.randoms())
def test_graded_right_on_its_own_numbers_in_any_order_and_wrong_on_others(expression, rng):
    text, numbers, value = expression
    if value is None or value.denominator != 1:
        return
    shuffled = rng.sample(numbers, len(numbers))
    assert GRADER.grade(game(shuffled, int(value)), text).correct
    assert GRADER.grade(game(shuffled, int(value) + 1), text).score == 0.0
    assert GRADER.grade(game([*shuffled, 1], int(value)), text).score == 0.0
    assert GRADER.grade(game([shuffled[0] + 1, *shuffled[1:]], int(value)), text).score == 0.0


@given(st.text(max_size=60))
def test_any_text_gets_a_verdict(text):
    assert GRADER.grade(game([1, 2, 3], 9), text).status == "ok"
