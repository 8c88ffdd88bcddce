"""Which words of a text are in a language, among the languages of one script, by langdetect's profiles.

A profile is how often each letter, pair and triple of letters stands in a language's words. langdetect draws
some of a text's n-grams at random and has a seed for the draw; here all of them count, so there is no draw,
and a text's verdict depends on the text alone.

Shapes: L languages of the script.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from r1light.rewards.words import Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LATIN = "af ca cs cy da de en es et fi fr hr hu id it lt lv nl no pl pt ro sk sl so sq sv sw tl tr vi"

LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "LATIN": tuple(_LATIN.split()),
    "CYRILLIC": ("bg", "mk", "ru", "uk"),
    "ARABIC": ("ar", "fa", "ur"),
    "DEVANAGARI": ("hi", "mr", "ne"),
}
"""The languages that langdetect has profiles of, in the scripts that several languages share."""

SMOOTHING = 0.5 / 10_000
"""Added to every frequency, as langdetect does."""

FAVOUR = 0.1
"""Nats an n-gram that the asked-for language is favoured by: near relatives are told apart by little."""

NAME_WEIGHT = 0.25
"""Weight of a word with a capital within a sentence, mostly a name: names are at home in all languages."""

FEW = 5
"""Different words from which on a text is told to be of a language."""

_READ = 64
"""Letters of a word that are looked at."""

SWITCH_IN_SENTENCE, SWITCH_BETWEEN = 25.0, 8.0
"""Nats of evidence for a change of language within a sentence, and between two."""


def of_language(words: Sequence[Word], language: str) -> list[bool]:
    """Whether each word is in the language: the likeliest course of languages through the text (Viterbi).

    The course sets out from the language asked for, as from one sentence to the next. Fewer than FEW different words
    tell no language: "vs" and "no" are at home in many. They are taken for words of the one asked for.

    Args:
        words: Words of one script, in the text's order.
        language: One of that script's LANGUAGES.
    """
    import numpy as np

    if len({word.text.casefold() for word in words}) < FEW:
        return [True] * len(words)
    script = words[0].script
    target = LANGUAGES[script].index(language)
    score_L = np.full(len(LANGUAGES[script]), -SWITCH_BETWEEN)
    score_L[target] = 0.0
    came_from: list[NDArray[np.intp]] = []
    stay_L = np.arange(score_L.size)
    sentence: int | None = None
    for word in words:
        inside = word.sentence == sentence
        sentence = word.sentence
        weight = NAME_WEIGHT if inside and word.text[0].isupper() else 1.0
        evidence = _evidence(script, word.text[:_READ])
        best = int(score_L.argmax())
        switched = score_L[best] - (SWITCH_IN_SENTENCE if inside else SWITCH_BETWEEN)
        came_from.append(np.where(score_L >= switched, stay_L, best))
        score_L = np.maximum(score_L, switched) + weight * evidence.loglik_L
        score_L[target] += weight * FAVOUR * evidence.ngrams
    state = target if score_L[target] >= score_L.max() else int(score_L.argmax())
    found = []
    for origin_L in reversed(came_from):
        found.append(state == target)
        state = int(origin_L[state])
    return found[::-1]


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What a word says: its log-likelihood in each language, [L], over so many n-grams."""

    loglik_L: NDArray[np.float64]
    ngrams: int


@dataclass(frozen=True, slots=True)
class _Profiles:
    """The n-grams of one script's languages: each one's row in log-frequencies of shape [n-grams, L]."""

    rows: Mapping[str, int]
    loglik: NDArray[np.float64]


@lru_cache(maxsize=65536)
def _evidence(script: str, text: str) -> _Evidence:
    from langdetect.utils.ngram import NGram

    profiles, ngram = _profiles(script), NGram()
    found = []
    for char in f"{NGram.normalize_vi(text)} ":
        ngram.add_char(char)
        if ngram.capitalword:
            continue  # acronyms are in no language
        for size in range(1, min(NGram.N_GRAM, len(ngram.grams)) + 1):
            row = profiles.rows.get(ngram.grams[-size:])
            if row is not None:
                found.append(row)
    return _Evidence(profiles.loglik[found].sum(axis=0), len(found))


@cache
def _profiles(script: str) -> _Profiles:
    """Read one script's profiles; about a tenth of a second."""
    import json

    import numpy as np
    from langdetect.detector_factory import PROFILES_DIRECTORY

    languages = LANGUAGES[script]
    rows: dict[str, int] = {}
    columns = []
    for language in languages:
        profile = json.loads((Path(PROFILES_DIRECTORY) / language).read_text(encoding="utf-8"))
        totals = profile["n_words"]
        columns.append({ngram: count / totals[len(ngram) - 1] for ngram, count in profile["freq"].items()})
        for ngram in columns[-1]:
            rows.setdefault(ngram, len(rows))
    rows.pop(" ", None)
    frequency = np.zeros((max(rows.values()) + 1, len(languages)))
    for index, column in enumerate(columns):
        for ngram, value in column.items():
            if ngram in rows:
                frequency[rows[ngram], index] = value
    return _Profiles(rows, np.log(frequency + SMOOTHING))
