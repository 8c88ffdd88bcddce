"""10-grams, duplicates and what is trained on though it is held out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.core.types import Problem
from r1light.curation.overlap import duplicates, overlaps
from r1light.data.grams import grams


def problem(prompt, name="p", answer="1"):
    return Problem(name, prompt, "exact", answer)


def test_overlap_is_the_share_of_a_held_out_prompts_grams():
    ten = "a b c d e f g h i j"
    test = [
        problem(f"{ten} k l", "t1"),  # 3 grams, of which training has the first
        problem("Nothing of this", "t2"),
        problem("Short one!", "t3"),  # no gram, and the same prompt in training
        problem(f"{ten} k l m", "t4"),  # 4 grams, of which training has 1 + 2 in two problems
    ]
    train = [
        problem(f"x {ten} z", "r1"),
        problem(" short  ONE!", "r2"),
        problem("b c d e f g h i j k l z", "r3"),
    ]
    found = {each.problem.id: each for each in overlaps(train, test)}
    assert set(found) == {"t1", "t3", "t4"}
    assert found["t1"].share == pytest.approx(3 / 3)
    assert (found["t1"].nearest, found["t1"].exact) == ("r3", False)
    assert (found["t3"].share, found["t3"].nearest, found["t3"].exact) == (1.0, "r2", True)
    assert found["t4"].share == pytest.approx(3 / 4)


WORDS = st.lists(st.sampled_from("abc"), max_size=16).map(" ".join)


@settings(max_examples=100, deadline=None)
@given(st.lists(WORDS, max_size=6), st.lists(WORDS, max_size=4))
def test_overlap_equals_a_comparison_of_every_pair(train, test):
    found = {
        each.problem.id: each.share
        for each in overlaps(map(problem, train), [problem(t, str(i)) for i, t in enumerate(test)])
    }
    for index, text in enumerate(test):
        shared = [
            gram
            for gram in grams(text)
            if any(gram in f" {other} "[1:-1] and gram in grams(other) for other in train)
        ]
        expected = 1.0 if text in train else len(shared) / len(grams(text)) if shared else None
        assert found.get(str(index)) == expected


def test_duplicates_and_conflicts():
    problems = [
        problem("2 + 3?", "a"),
        problem("2  + 3?", "b"),
        problem("4?", "c"),
        problem("２ + 3?", "d", "6"),
    ]
    found = [(each.problem.id, each.first, each.conflict) for each in duplicates(problems)]
    assert found == [("b", "a", False), ("d", "a", True)]
