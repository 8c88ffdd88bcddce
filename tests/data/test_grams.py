"""Words and 10-grams."""

from __future__ import annotations

import pytest

from r1light.data.grams import grams, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"\frac{1}{2} of don't", ["frac", "1", "2", "of", "don", "t"]),
        ("一共有3个apple", ["一", "共", "有", "3", "个", "apple"]),
        ("これはペン", ["こ", "れ", "は", "ペ", "ン"]),
        ("한국어 문장", ["한국어", "문장"]),  # Korean writes spaces
        ("ไทย", ["ไ", "ท", "ย"]),
    ],
)
def test_words(text, found):
    assert words(text) == found


def test_grams_are_of_ten_words():
    text = " ".join(map(str, range(12)))
    assert grams(text) == {" ".join(map(str, range(start, start + 10))) for start in range(3)}
    assert grams("one two three") == set()
    assert grams("一二三四五六七八九十") == {"一 二 三 四 五 六 七 八 九 十"}
