"""Words, their script and their sentence, in any writing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

HAN, KANA = "HAN", "KANA"

UNSPACED = {"THAI": 4, "LAO": 4, "KHMER": 4, "MYANMAR": 4, "TIBETAN": 4, "TAI": 4, "YI": 1}
"""Scripts without spaces between words, and how many letters are taken for a word; the marks are no letters.

In running Thai a word has about four base letters. In Han and Kana every character counts as a word."""

_SENTENCE_END = re.compile(
    r"\.{2,}|[!?;\n。।॥؟۔።]"
    r"|\.(?=[\s\"'”’»)\]]|$)"  # and not the point in a number or a name
)
_JOINERS = frozenset("'’ʼ`´\u00ad\u200c\u200d")
_ASCII_UNITS = re.compile(r"[0-9]+|[A-Za-z]+|[^\s]")
_ASCII_WORDS = re.compile(r"[A-Za-z]+(?:['`][A-Za-z]+)*")
_MARK, _JOINER, _NONE = "mark", "joiner", ""
_SCRIPTS = {
    "CJK": HAN,
    "IDEOGRAPHIC": HAN,
    "HIRAGANA": KANA,
    "KATAKANA": KANA,
    "KATAKANA-HIRAGANA": KANA,
    "BOPOMOFO": "BOPOMOFO",
    "MODIFIER": _NONE,
}


@dataclass(frozen=True, slots=True)
class Word:
    """A run of letters of one script.

    Attributes:
        text: The run; for Han and Kana, and for scripts without spaces, as many words as stand together.
        script: Unicode's name of the script in capitals, such as "LATIN"; HAN and KANA for the two's.
        count: How many words it counts as.
        sentence: The index of its sentence.
    """

    text: str
    script: str
    count: int
    sentence: int


def words(text: str) -> list[Word]:
    """All words of a text in their order; digits, symbols and punctuation are none.

    Example:
        >>> [(word.text, word.script, word.count) for word in words("Don't say 你好!")]
        [("Don't", 'LATIN', 1), ('say', 'LATIN', 1), ('你好', 'HAN', 2)]
    """
    return [word for index, part in enumerate(_SENTENCE_END.split(text)) for word in _words_of(part, index)]


def letters_and_signs(text: str) -> list[str]:
    """A text cut into words, numbers, single signs, and single characters where words have no spaces.

    Example:
        >>> letters_and_signs("x = 12，你好")
        ['x', '=', '12', '，', '你', '好']
    """
    if text.isascii():  # the same, and many times faster
        return _ASCII_UNITS.findall(text)
    units: list[str] = []
    run = ""
    for char in text:
        kind = "digit" if char.isdecimal() else _kind(char)
        single = kind in UNSPACED or kind in (HAN, KANA, _NONE, _JOINER)
        if (kind == _MARK and units) or (kind == run and not single):
            units[-1] += char
        elif not char.isspace():
            units.append(char)
            run = kind
        else:
            run = _NONE
    return units


def _words_of(sentence: str, index: int) -> Iterator[Word]:
    if sentence.isascii():  # the same, and many times faster
        for found in _ASCII_WORDS.findall(sentence):
            yield Word(found, "LATIN", 1, index)
        return
    script, start = _NONE, 0
    padded = sentence + "  "
    for place, char in enumerate(padded[:-1]):
        kind = _kind(char)
        if script and (kind in (script, _MARK)):
            continue
        if script and kind == _JOINER and _kind(padded[place + 1]) == script:
            continue
        if script:
            yield _word(sentence[start:place], script, index)
        script, start = (_NONE if kind in (_MARK, _JOINER) else kind), place


def _word(text: str, script: str, sentence: int) -> Word:
    count = 1
    if script in (HAN, KANA) or script in UNSPACED:
        letters = sum(_kind(char) == script for char in text)
        count = -(-letters // UNSPACED.get(script, 1))
    return Word(text, script, count, sentence)


@cache
def _kind(char: str) -> str:
    """A letter's script (the first word of its Unicode name), or what else a character is."""
    if char in _JOINERS:
        return _JOINER
    category = unicodedata.category(char)
    if category[0] == "M":
        return _MARK
    if category[0] != "L":
        return _NONE
    first = unicodedata.name(char, "").partition(" ")[0]
    return _SCRIPTS.get(first, first)
