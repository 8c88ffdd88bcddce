"""Whole numbers are judged at once, and as the whole way judges them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.core.types import Problem
from r1light.graders.answer_text import read_part, read_reference
from r1light.graders.comparison import compare
from r1light.graders.math import Math

NUMBERS = st.integers(-(10**14), 10**14) | st.integers(-20, 20)


class Never:
    """A pool that must not be asked."""

    def run(self, requests):
        raise AssertionError(f"asked for {requests}")


@settings(max_examples=300, deadline=None)
@given(NUMBERS, NUMBERS, st.booleans())
def test_at_once_and_the_whole_way_agree(gold, other, same):
    answer = str(gold if same else other)
    verdict = Math(Math.Config(), pool=Never()).grade(
        Problem(id="1", prompt="?", grader="math", answer=str(gold)), answer
    )
    assert verdict == compare(read_reference(str(gold)), read_part(answer))
    assert verdict.correct == (int(answer) == gold)
