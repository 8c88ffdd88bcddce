"""Faults of thoughts, by thresholds and measures that can be worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.curation.languages import script_share, spoken
from r1light.curation.readability import Readability, has_code_block, longest_paragraph

TEN = "one two three four five six seven eight nine ten"


def fault(text, language="en", share=1.0, repeated=0.0, **options):
    readable = Readability(
        Readability.Config(**options), lambda _text, _language: share, lambda _text, _n: repeated
    )
    found = readable.fault(text, language)
    return None if found is None else (found.reason, found.detail)


def test_a_plain_thought_has_no_fault():
    assert fault(TEN) is None
    assert fault("") is None


@pytest.mark.parametrize("fence", ["```\nx", "so ```x```", "a\n```python\nx\n```", "~~~\nx", "a\n  ~~~\nx"])
def test_fenced_code_is_a_fault_unless_allowed(fence):
    assert has_code_block(fence)
    assert fault(fence) == ("code_block", "a fenced block stands in it")
    assert fault(fence, code_blocks=True) is None


@pytest.mark.parametrize("text", ["the `x` of it", "``x``", "a ~~~ b", "~~gone~~"])
def test_what_is_no_fenced_code(text):
    assert not has_code_block(text)


def test_the_longest_paragraph_is_counted_between_line_breaks():
    text = "a" * 5 + "\n" + " " * 9 + "b" * 7 + " \n\n" + "c" * 3 + "\u2028" + "d" * 6
    assert longest_paragraph(text) == 7
    assert fault(text, max_paragraph=7) is None
    assert fault(text, max_paragraph=6) == ("long_paragraph", "a paragraph of 7 characters")
    assert fault(text, max_paragraph=None) is None
    assert longest_paragraph("") == 0


def test_enough_words_are_judged_by_the_measure():
    assert fault(TEN, share=0.9) is None
    assert fault(TEN, share=0.89) == ("mixed_language", "89% of its words are en")
    assert fault(TEN, share=0.0, min_consistency=None) is None
    assert fault(TEN, share=None) is None  # a language that cannot be told


def test_few_different_words_are_judged_by_their_scripts():
    # nine different words: the measure is not asked, and all are Latin
    assert fault(TEN.removesuffix(" ten") + " one one", share=0.0) is None
    # put, put, So are Latin and 写, 写 Han: 3 of 5; the digits and x count for nothing
    assert fault("1+5=6 put 6; 2 put x; 写6 写7 So 7") == ("mixed_language", "60% of its words are en")
    assert fault("1+5=6写6；所以", "zh-CN") is None
    assert fault("2 + 3 = 5", "zh") is None  # no words at all


def test_a_problem_without_a_language_may_be_in_any_of_those_listed():
    share = {"en": 0.3, "zh": 0.95}
    measures = (lambda _text, language: share[language], lambda _text, _n: 0.0)
    readable = Readability(Readability.Config(), *measures)
    assert readable.fault(TEN, None) is None
    assert readable.fault(TEN, "en").reason == "mixed_language"
    share["zh"] = 0.6
    assert readable.fault(TEN, None).detail == "60% of its words are zh"
    assert Readability(Readability.Config(languages=[]), *measures).fault(TEN, None) is None


def test_repetition_is_a_fault_above_the_share():
    assert fault(TEN, repeated=0.3) is None
    assert fault(TEN, repeated=0.31) == ("repetition", "31% of its 8-grams stood in it before")
    assert fault(TEN, repeated=1.0, max_repeated=None) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_consistency": 1.1},
        {"max_repeated": -0.1},
        {"max_paragraph": 0},
        {"ngram": 0},
        {"least_words": -1},
    ],
)
def test_wrong_thresholds_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Readability.Config(**wrong)


def test_shares_of_scripts():
    assert spoken(["put", "8", "x", "写", "да", "2a"]) == ["put", "写", "да", "2a"]
    assert script_share(["put", "写", "да", "8"], "ru") == 1 / 3
    assert script_share(["これ", "写"], "ja") == 1.0
    assert script_share(["8", "x"], "en") is None


PARAGRAPHS = st.text(alphabet="ab \n\u2028", max_size=30)


@given(PARAGRAPHS, PARAGRAPHS)
def test_two_paragraphs_are_as_long_as_the_longer_one(a, b):
    assert longest_paragraph(f"{a}\n{b}") == max(longest_paragraph(a), longest_paragraph(b))
