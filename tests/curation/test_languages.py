"""Scripts and languages of prompts."""

from __future__ import annotations

import pytest

from r1light.core.types import Problem
from r1light.curation.languages import detected, is_foreign, script_of


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("how many apples are there?", "Latin"),
        ("сколько яблок в корзине?", "Cyrillic"),
        ("一共有多少个苹果？", "Han"),
        ("りんごはいくつありますか", "Kana"),
        ("사과는 모두 몇 개입니까", "Hangul"),
        ("كم عدد التفاحات؟", "Arabic"),
        (r"\frac{1}{2} + $abcdefghij$", None),
        ("求 $\\sin x + \\cos x$ 的最大值", "Han"),
        ("2 + 3 = ?", None),
    ],
)
def test_the_script_of_a_text(text, script):
    assert script_of(text) == script


@pytest.mark.parametrize(
    ("language", "prompt", "foreign"),
    [
        ("en", "How many apples are there?", False),
        ("zh", "How many apples are there?", True),
        ("en", "一共有多少个苹果？", True),
        ("ja", "次の方程式の解", False),
        (None, "一共有多少个苹果？", False),
        ("en", "2+3", False),
    ],
)
def test_a_prompt_in_another_script_than_its_language(language, prompt, foreign):
    assert is_foreign(Problem("1", prompt, "math", "1", language=language)) is foreign


def test_the_detector_says_the_same_twice_and_leaves_short_prompts_out():
    prompts = [
        "How many apples did she sell at the market in the morning of that day?",
        "Combien de pommes a-t-elle vendues au marché le matin de ce jour là ?",
        "2+3",
    ]
    found = [Problem(str(i), prompt, "math", "1") for i, prompt in enumerate(prompts)]
    assert detected(found, 10) == detected(found, 10) == {"en": 1, "fr": 1}
