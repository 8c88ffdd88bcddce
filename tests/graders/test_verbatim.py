import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.graders.verbatim import illegible, tokens


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"$\left(-\infty, 2\right]$.", r"(-\infty,2]"),
        (r"x \leqslant 3", r"x \le 3"),
        ("x^{2}", "x^2"),
        (r"\dfrac{1}{2}", r"\frac{1}{2}"),
        (r"\text{max at } x=1", "max at $x = 1$"),
        ("Min at 3", "min at 3"),
        (r"a\,b", "a b"),
        ("（1，2）", "(1,2)"),
    ],
)
def test_what_is_printed_alike(one, other):
    assert tokens(one) == tokens(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("4 2", "42"),
        ("1 1/2", "11/2"),
        ("1,234", "1, 234"),
        ("x^{23}", "x^2 3"),
        ("x^{23}", "x^{2}3"),
        ("A", "a"),
        ("ABC", "abc"),
        (r"\{1\}", "1"),
        ("1.5", "1 5"),
        ("3.", "3!"),
        ("-3", "3"),
        ("x<3", r"x\le 3"),
        (r"\sin x", r"\cos x"),
        ("x_{12}", "x_1 2"),
    ],
)
def test_what_differs_in_meaning(one, other):
    assert tokens(one) != tokens(other)


@given(st.text(alphabet="0123456789 .,+-/^{}_x$", max_size=12), st.text(alphabet="0123456789 .,", max_size=8))
def test_never_equal_where_the_digits_are_not(one, other):
    def digits(text):
        return [character for character in text if character.isdigit()]

    if tokens(one) == tokens(other):
        assert digits(one) == digits(other)


@pytest.mark.parametrize(
    "text",
    [
        r"\frac{1}{",
        r"\foo{3}{4",
        "$",
        "",
        "   ",
        "???",
        "x +",
        r"x \times",
        r"\left( 1",
        r"\begin{cases} 1",
        r"1}",
        "...",
    ],
)
def test_illegible_references(text):
    assert illegible(text)


@pytest.mark.parametrize(
    "text", ["for all $n>0$", r"\{x \mid x>1\}", "[1,2)", r"\infty", "A", r"\$5", "答案"]
)
def test_legible_references(text):
    assert illegible(text) is None
