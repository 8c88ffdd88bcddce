"""The repetition penalty, by hand and in several writings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.rewards.repetition import Repetition, repeated_share
from r1light.rewards.words import letters_and_signs, words


@pytest.mark.parametrize(
    ("text", "ngram", "share"),
    [
        ("", 3, 0.0),
        ("one two", 3, 0.0),  # shorter than an n-gram
        ("one two three four", 3, 0.0),
        ("a b a b a b", 2, 0.6),  # ab ba ab ba ab: 2 of 5 are different
        ("No no NO no", 3, 0.5),  # whatever the case: 1 of 2
        ("wait, wait, wait,", 2, 0.6),  # 'wait ,' ', wait' ... : 2 of 5
        ("我们我们我们", 2, 0.6),  # the same in a script without spaces
        ("ドドドド", 2, 2 / 3),
        ("กากากา", 2, 0.6),  # in Thai one letter is a unit, its vowel sign with it or not
        ("12 12 12 12", 2, 2 / 3),  # a number is one unit
    ],
)
def test_the_share_of_repeated_ngrams(text, ngram, share):
    assert repeated_share(text, ngram) == pytest.approx(share)


def test_units():
    assert letters_and_signs("don't 3.14 naïve 東京タワー!") == [
        "don",
        "'",
        "t",
        "3",
        ".",
        "14",
        "naïve",
        "東",
        "京",
        "タ",
        "ワ",
        "ー",
        "!",
    ]
    assert letters_and_signs("e\u0301te\u0301") == ["e\u0301te\u0301"]
    assert letters_and_signs("\u0301") == ["\u0301"]


def test_the_penalty_scales_and_a_text_without_repetition_pays_nothing(make_sample):
    reward = Repetition(Repetition.Config(ngram=2, max_penalty=-0.5))
    scores = reward([make_sample("a b a b a b"), make_sample("one two three")])
    assert [score.value for score in scores] == [pytest.approx(-0.3), 0.0]


def test_ordinary_working_pays_little_and_a_loop_nearly_all():
    working = (
        "8+3=11 put 1 carry 1;\n6+2+1=9 put 9;\n6+5=11 put 1 carry 1;\n0+9+1=10 put 0 carry 1;\nSo 10191."
    )
    assert repeated_share(working, Repetition.Config().ngram) < 0.05
    assert repeated_share("Let me check that again. " * 60, Repetition.Config().ngram) > 0.9
    assert repeated_share("让我再检查一遍这个结果。" * 60, Repetition.Config().ngram) > 0.9


@given(st.text(alphabet="ab 我,1", max_size=60), st.integers(1, 5))
def test_it_is_the_share_of_ngrams_that_stood_before(text, ngram):
    units = letters_and_signs(text)
    ngrams = [units[start : start + ngram] for start in range(len(units) - ngram + 1)]
    again = sum(one in ngrams[:place] for place, one in enumerate(ngrams))
    assert repeated_share(text, ngram) == pytest.approx(again / len(ngrams) if ngrams else 0.0)


@pytest.mark.parametrize("options", [{"ngram": 0}, {"max_penalty": 0.5}, {"max_penalty": float("-inf")}])
def test_options_are_checked(options):
    with pytest.raises(ValueError, match="must be"):
        Repetition.Config(**options)


@given(st.text(st.characters(max_codepoint=127), max_size=40))
def test_text_in_ascii_is_cut_as_any_other(text):
    beside = "é"  # one letter behind a space makes the whole no ASCII, and is one more unit and word
    assert letters_and_signs(f"{text} {beside}") == [*letters_and_signs(text), beside]
    assert words(f"{text} {beside}")[:-1] == words(text)
