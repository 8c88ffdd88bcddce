"""Language consistency: the share of words of the thinking that are in the language asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from r1light.core.types import Sample, Score
from r1light.rewards.profiles import LANGUAGES, of_language
from r1light.rewards.prose import prose
from r1light.rewards.words import HAN, KANA, Word, words

OWN_SCRIPT = {
    "am": "ETHIOPIC",
    "bn": "BENGALI",
    "bo": "TIBETAN",
    "dv": "THAANA",
    "el": "GREEK",
    "gu": "GUJARATI",
    "he": "HEBREW",
    "hy": "ARMENIAN",
    "ka": "GEORGIAN",
    "km": "KHMER",
    "kn": "KANNADA",
    "ko": "HANGUL",
    "lo": "LAO",
    "ml": "MALAYALAM",
    "my": "MYANMAR",
    "or": "ORIYA",
    "pa": "GURMUKHI",
    "si": "SINHALA",
    "ta": "TAMIL",
    "te": "TELUGU",
    "th": "THAI",
}
"""Languages that are told by their script alone."""

ALIASES = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "fil": "tl", "cmn": "zh", "yue": "zh"}
"""Other codes of languages that are known."""

KANA_SHARE = 0.1
"""Kana among the Han and Kana of a sentence from which on it is Japanese."""

CLEARLY_CHINESE = 12
"""Han characters without Kana that no Japanese sentence strings together."""

_SHARED_SCRIPT = {language: script for script, known in LANGUAGES.items() for language in known}
_CODE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]+)*")
_CASED = ("LATIN", "GREEK", "CYRILLIC")
_NAMES_OF_FUNCTIONS = "sin cos tan cot sec csc log ln exp lim max min mod gcd lcm det deg sqrt"
_FUNCTIONS = frozenset(_NAMES_OF_FUNCTIONS.split())


class Language:
    """Words of the language asked for over all words of the thinking (arXiv 2501.12948 v2, eq. 7).

    The paper does not say what a word is. Here: a run of letters, or one Han or Kana character; code,
    formulas, addresses, numbers and symbols are none. The language is that of the problem. A problem that
    asks for none abstains, as does a thought of nothing but numbers, symbols and code; no thought at all
    scores 0.

    Example:
        >>> consistency("先算 $3+4$，所以 the answer is 7。", "zh")  # 4 of 7 words
        0.5714285714285714
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """Which language."""

        language: str | None = None
        """The language (ISO 639-1) where a problem names none; null asks for none there."""

        def __post_init__(self) -> None:
            if self.language is not None:
                _check(language_code(self.language), self.language)

    def __init__(self, config: Config) -> None:
        self.config = config

    def __call__(self, samples: Sequence[Sample]) -> list[Score]:
        """Score each sample by itself."""
        return [self._score(sample) for sample in samples]

    def _score(self, sample: Sample) -> Score:
        asked = sample.problem.language or self.config.language
        if asked is None:
            return Score.abstain("no language asked for")
        try:
            language = language_code(asked)
        except ValueError as error:
            return Score.error(f"problem {sample.problem.id!r}: {error}")
        if not is_known(language):
            return Score.abstain(f"language {asked!r} cannot be told from others of its script")
        thinking = sample.parsed.thinking
        if thinking is None or not thinking.strip():
            return Score.ok(0.0, "no thought")
        share = consistency(thinking, language)
        return Score.abstain("no words") if share is None else Score.ok(share)


def language_code(text: str) -> str:
    """The language of a code such as `en`, `zh-CN` or `pt_BR`.

    Raises:
        ValueError: If it is no such code.
    """
    match = _CODE.fullmatch(text)
    if match is None:
        raise ValueError(f"language={text!r} is no code of ISO 639-1 such as en, zh or pt-BR")
    code = match[1].lower()
    return ALIASES.get(code, code)


def share_in(text: str, language: str) -> float | None:
    """The share in [0, 1] of a text's words that are in a language, by its code; None where none can tell.

    Raises:
        ValueError: If it is no such code.
    """
    code = language_code(language)
    return consistency(text, code) if is_known(code) else None


def is_known(language: str) -> bool:
    """Whether its words can be told from those of other languages."""
    return language in OWN_SCRIPT or language in _SHARED_SCRIPT or language in ("zh", "ja")


def consistency(text: str, language: str) -> float | None:
    """The share in [0, 1] of a text's words that are in a known language; None where it has no words."""
    found = words(prose(text))
    home = _home_scripts(language)
    counted = [word for word in found if not _is_symbol(word, home)]
    total = sum(word.count for word in counted)
    if not total:
        return None
    own = [word for word in counted if word.script in home]
    if language in ("zh", "ja"):
        inside = _of_east_asia(own, language)
    elif language in OWN_SCRIPT:
        inside = [True] * len(own)
    else:
        inside = of_language(own, language)
    return sum(word.count for word, is_in in zip(own, inside, strict=True) if is_in) / total


def _check(language: str, given: str) -> None:
    if not is_known(language):
        raise ValueError(f"language={given!r} cannot be told from others of its script")


def _home_scripts(language: str) -> tuple[str, ...]:
    if language in ("zh", "ja"):
        return (HAN, KANA, "BOPOMOFO")
    return (OWN_SCRIPT.get(language) or _SHARED_SCRIPT[language],)


def _is_symbol(word: Word, home: tuple[str, ...]) -> bool:
    """Variables and functions, named alike in all languages; in a foreign script, acronyms too."""
    text = word.text
    if len(text) == 1:
        return word.script in _CASED
    if word.script != "LATIN":
        return False
    if "LATIN" in home:
        return text.lower() in _FUNCTIONS
    inner_capital = any(char.isupper() for char in text[1:])
    return text.lower() in _FUNCTIONS or (inner_capital and (len(text) <= 5 or not text.isupper()))


def _in_japanese_print(text: str) -> bool:
    """Whether Shift JIS has every character: it lacks most that China simplified, such as 这 and 检."""
    try:
        text.encode("shift_jis_2004")
    except UnicodeEncodeError:
        return False
    return True


def _of_east_asia(own: Sequence[Word], language: str) -> list[bool]:
    """Chinese and Japanese share Han; a sentence is Japanese by its Kana, Chinese by its length without."""
    kana: dict[int, int] = {}
    letters: dict[int, int] = {}
    for word in own:
        letters[word.sentence] = letters.get(word.sentence, 0) + word.count
        kana[word.sentence] = kana.get(word.sentence, 0) + word.count * (word.script == KANA)
    japanese = {sentence for sentence in letters if kana[sentence] >= KANA_SHARE * letters[sentence]}
    foreign = {word.sentence for word in own if not _in_japanese_print(word.text)}
    chinese = {
        s for s in letters if s not in japanese and (kana[s] or s in foreign or letters[s] >= CLEARLY_CHINESE)
    }
    weight = sum(letters[s] for s in japanese) - sum(letters[s] for s in chinese)
    doubtful_is_japanese = weight > 0 or (weight == 0 and language == "ja")
    inside = []
    for word in own:
        sentence = word.sentence
        in_japanese = sentence in japanese or (sentence not in chinese and doubtful_is_japanese)
        inside.append(in_japanese if language == "ja" else not in_japanese and word.script != KANA)
    return inside
