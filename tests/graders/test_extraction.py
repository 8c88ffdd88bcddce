import time

import pytest

from r1light.graders.extraction import final_part, last_boxed, last_expression


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("42", "42"),
        (r"so \boxed{42}", "42"),
        (r"\boxed{1} then \boxed{\frac{2}{3}}.", r"\frac{2}{3}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{\left\{1,2\right.}", r"\left\{1,2\right."),  # an escaped brace opens nothing
        (r"\boxed {7}", "7"),
        (r"\boxed 7$", "7"),
        (r"\fbox{7} and \boxed{8}", "8"),
        (r"\boxed{8} and \fbox{7}", "7"),
        ("<answer> 42 </answer>", "42"),
        ("<answer>41</answer> or <answer>42</answer>", "42"),
        ("<answer>42", "42"),  # cut off by a stop string
        (r"<answer>it is \boxed{42}</answer> \boxed{43}", "42"),
        (r"<think>\boxed{1}</think> 42", "42"),
        (r"<think><answer>1</answer></think><answer>42</answer>", "42"),
    ],
)
def test_the_part_that_answers(text, part):
    assert final_part(text) == part


@pytest.mark.parametrize(
    "text", [r"\boxed{1", r"\boxed{1} \boxed{2", "no box", r"\boxed", r"\boxed\frac{1}{2}", ""]
)
def test_no_box_where_the_last_does_not_close(text):
    assert last_boxed(text) is None


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("From $x=3$ follows 6.", "6"),
        ("First 6, then $x=3$.", "x=3"),
        ("It costs $5, no: $7.50", "$7.50"),
        (r"We get \(x^2\) apples", "x^2"),
        ("a half, 1/2, is left", "1/2"),
        ("12.5% of it", "12.5%"),
        ("none at all", "none at all"),
        ("1,234 people", "1,234"),
    ],
)
def test_the_last_expression(text, expression):
    assert last_expression(text) == expression


@pytest.mark.parametrize(
    "text", ["\\boxed{" * 100_000, "<answer>" * 100_000, "$" * 300_000, "</think>" * 90_000, "1" * 300_000]
)
def test_linear_in_the_length(text):
    start = time.perf_counter()
    last_expression(final_part(text))
    assert time.perf_counter() - start < 1.0
