"""Which texts are kept so that they differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.curation.diversity import distance, gram_set, most_diverse

TEXTS = st.lists(st.text(alphabet="ab ", max_size=12), max_size=7)


def test_the_distance_by_hand():
    a, b = gram_set("add the ones then", 2), gram_set("Add the ones now", 2)
    # (add the) (the ones) are shared; (ones then) and (ones now) are not: 1 - 2/4
    assert distance(a, b) == 0.5
    assert distance(a, a) == 0.0
    assert distance(gram_set("add", 2), gram_set("", 2)) == 1.0
    assert distance(frozenset(), frozenset()) == 0.0


def test_a_short_text_is_one_gram_and_an_empty_one_is_too():
    assert gram_set("Add two", 3) == {("add", "two")}
    assert gram_set("!?", 3) == {()}


def test_the_farthest_from_its_nearest_comes_next():
    # words as unigrams; distances to the first: 2/3 ("a c"), 2/3 ("a d"), 1 ("c d")
    # after "c d": "a c" is 2/3 from both, "a d" likewise, so the earlier one
    assert most_diverse(["a b", "a c", "a d", "c d"], 4, 1) == [0, 3, 1, 2]
    assert most_diverse(["a b", "a b", "a b c"], 2, 1) == [0, 2]


def test_nothing_is_chosen_of_nothing():
    assert most_diverse([], 3, 2) == []
    assert most_diverse(["a"], 0, 2) == []


@given(TEXTS, st.integers(0, 8), st.integers(1, 3))
def test_a_longer_choice_begins_with_a_shorter_one(texts, count, n):
    chosen = most_diverse(texts, len(texts), n)
    assert sorted(chosen) == list(range(len(texts)))
    assert most_diverse(texts, count, n) == chosen[:count]


@given(TEXTS, st.integers(1, 3))
def test_every_choice_is_the_max_min_one(texts, n):
    sets = [gram_set(text, n) for text in texts]
    chosen = most_diverse(texts, len(texts), n)
    for place in range(1, len(chosen)):
        before, rest = chosen[:place], chosen[place:]
        gaps = [min(distance(sets[index], sets[other]) for other in before) for index in rest]
        assert gaps[0] == max(gaps)


@given(st.lists(st.text(alphabet="abc ", max_size=10), min_size=2, max_size=5), st.integers(1, 2))
def test_the_distance_is_a_metric(texts, n):
    a, b, c = (gram_set(text, n) for text in (texts[0], texts[1], texts[-1]))
    assert distance(a, b) == distance(b, a)
    assert 0 <= distance(a, b) <= 1
    assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-12


@pytest.mark.parametrize("n", [1, 3])
def test_case_does_not_make_texts_differ(n):
    assert distance(gram_set("Add The Ones", n), gram_set("add the ones", n)) == 0
