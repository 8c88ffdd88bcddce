from fractions import Fraction

import pytest

from r1light.graders.answer_text import read_answer, read_reference


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The answer is **42**.", 42),
        ("#### 42", 42),
        ("# Answer\n42", 42),
        ("20 $cm^{2}$", 20),
        (r"$\$ 3040$", 3040),
        ("共有42个", 42),
        ("答案：３．５", Fraction(7, 2)),
        ("there are 42 of them", 42),
        (r"0.\overline{12}", Fraction(12, 99)),
    ],
)
def test_numbers_in_answers(text, value):
    assert read_answer(text).number.value == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "$$",
        "41 or so, maybe 42",
        "答案是42或43",
        "不是42",
        "42的一半",
        "more than 42",
        "the cube root of 8",
        "$1$ then $2$",
    ],
)
def test_no_one_number(text):
    assert read_answer(text).number is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("42", "number"),
        ("x+1", "expression"),
        ("no solution", "text"),
        ("1010_2", "text"),
        ("5:30 pm", "text"),
        ("She has 42 apples.", "nothing"),
        ("a minimum at $x=1$", "nothing"),
        (r"\text{max at } x=1", "nothing"),
        ("$x=1$, which is best", "nothing"),
        ("P-value $=0.014$", "number"),
        ("The answer is $x+1$.", "expression"),
        ("$2$ and $5$", "expression"),
        (r"36\pi\text{ cm}^3", "expression"),
        ("$5$ cm", "number"),
    ],
)
def test_a_reference_is_the_whole_of_what_it_says(text, kind):
    assert read_reference(text).kind == kind


def test_a_power_of_python_keeps_its_stars():
    assert read_answer("x**2 + y**2").text == "$x^2 + y^2$"
    assert read_answer("**x+1**").text == "$x+1$"
