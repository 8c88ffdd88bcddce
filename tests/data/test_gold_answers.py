"""Final answers out of worked solutions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.data.gold import after_hashes, last_boxed


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        ("She sold 24.\n#### 72", "72"),
        ("#### 1,234,567", "1234567"),
        ("#### $1,200.50 ", "$1200.50"),
        ("#### 1,2 and 3", "1,2 and 3"),  # a comma that sets no thousands apart stays
        ("#### 5 #### -6", "-6"),
        ("####", None),
        ("no hashes", None),
    ],
)
def test_what_follows_the_hashes(solution, answer):
    assert after_hashes(solution) == answer


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        (r"is $\boxed{\frac{1}{\sqrt{2}}}$.", r"\frac{1}{\sqrt{2}}"),
        (r"\boxed{1}, no, \boxed{2}", "2"),
        (r"\boxed{1}, then \boxed{2", "1"),  # the last one that closes
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{x \} y}", r"x \} y"),
        (r"\fbox{B}", "B"),
        (r"\boxed 7", "7"),
        (r"\boxed{}", None),
        (r"\boxed", None),
        ("none", None),
    ],
)
def test_the_last_balanced_box(solution, answer):
    assert last_boxed(solution) == answer


BALANCED = st.recursive(
    st.text("ab1+\\ ", min_size=1).filter(lambda text: not text.endswith("\\") and text.strip()),
    lambda inner: st.builds("{{{}}}x{}".format, inner, inner),
    max_leaves=5,
)


@given(st.text("ab {}\\", max_size=20), BALANCED, st.text("ab }$.", max_size=20))
def test_a_box_is_found_whatever_stands_around_it(before, inside, after):
    assert last_boxed(before + "|\\boxed{" + inside + "}" + after) == inside.strip()
