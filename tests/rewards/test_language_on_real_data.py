"""The language reward on real passages in 50 languages; prints the figures.

    R1LIGHT_SHARED_DATA=<folder with langid/> python -m pytest -m slow -s <this file>

A passage has at least 8 words as the reward counts them. The source is a crawl, and many of its lines mix
languages; a passage counts as one-language when at least 98% of its letters are of its language's script,
counted here from Unicode's names and not by the code under test.
"""

from __future__ import annotations

import json
import os
import random
import unicodedata
from pathlib import Path

import pytest

from r1light.rewards.language import OWN_SCRIPT, consistency, language_code
from r1light.rewards.profiles import LANGUAGES
from r1light.rewards.prose import prose
from r1light.rewards.words import words

pytestmark = pytest.mark.slow

FOLDER = Path(os.environ.get("R1LIGHT_SHARED_DATA", "/nonexistent")) / "langid"
_CODES = (
    "afr:af ara:ar ben:bn bul:bg cat:ca ces:cs cmn:zh dan:da deu:de ell:el eng:en est:et fin:fi fra:fr "
    "guj:gu heb:he hin:hi hrv:hr hun:hu ind:id ita:it jpn:ja kan:kn kor:ko lav:lv lit:lt mal:ml mar:mr "
    "mkd:mk nep:ne nld:nl nob:no pan:pa pes:fa pol:pl por:pt ron:ro rus:ru slk:sk slv:sl spa:es swe:sv "
    "tam:ta tel:te tgl:tl tha:th tur:tr ukr:uk urd:ur vie:vi"
)
ISO_639_3 = dict(pair.split(":") for pair in _CODES.split())
EAST_ASIA = {
    "zh": {"CJK"},
    "ja": {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "IDEOGRAPHIC"},
}
SCRIPTS = (
    {language: {script} for script, known in LANGUAGES.items() for language in known}
    | {language: {script} for language, script in OWN_SCRIPT.items()}
    | EAST_ASIA
)
PROBES = ("en", "zh", "ja", "ko", "ru", "ar", "hi", "th", "el", "he")
FAMILIES = (("en", "fr", "de", "es", "it"), ("ru", "uk"))


def size(text):
    return sum(word.count for word in words(prose(text)))


def in_one_script(text, language):
    letters = [unicodedata.name(char, "?").split()[0] for char in text if char.isalpha()]
    return sum(name in SCRIPTS[language] for name in letters) >= 0.98 * len(letters)


@pytest.fixture(scope="module")
def passages():
    """Language to its one-language passages."""
    if not FOLDER.is_dir():
        pytest.skip("R1LIGHT_SHARED_DATA names no folder with langid/")
    rows = [json.loads(line) for line in (FOLDER / "lingua_sentences_sample.jsonl").read_text().splitlines()]
    found = [(language_code(row["code"]), row["text"]) for row in rows]
    examples = json.loads((FOLDER / "whatlang_examples.json").read_text())
    found += [(ISO_639_3[code], text) for code, text in examples.items() if code in ISO_639_3]
    known = {}
    for language, text in found:
        if language in SCRIPTS and size(text) >= 8 and in_one_script(text, language):
            known.setdefault(language, []).append(text)
    assert len(known) > 45
    return known


def share_of(label, values):
    values = list(values)
    share = sum(values) / len(values)
    print(f"{label}: {sum(values)} of {len(values)}, {share:.2%}")  # noqa: T201 - these are the figures
    return share


def test_own_language_and_another_script(passages):
    rows = [(language, text) for language, texts in passages.items() for text in texts]
    own = share_of("own language, 0.9 or more", (consistency(text, one) >= 0.9 for one, text in rows))
    other = share_of(
        "another script's language, 0.3 or less",
        (
            (consistency(text, asked) or 0.0) <= 0.3
            for one, text in rows
            for asked in PROBES
            if {one, asked} == {"zh", "ja"} or not SCRIPTS[one] & SCRIPTS[asked]
        ),
    )
    assert own >= 0.98
    assert other >= 0.98


def test_another_language_of_the_same_script(passages):
    share = share_of(
        "another language of the same script, 0.3 or less",
        (
            consistency(text, asked) <= 0.3
            for family in FAMILIES
            for one in family
            for text in passages[one]
            for asked in family
            if asked != one
        ),
    )
    assert share >= 0.95


@pytest.mark.parametrize("between", [" ", "\n", ". "])
def test_half_and_half(passages, between):
    rng = random.Random(0)
    pairs = [(one, other) for family in FAMILIES for one in family for other in family if one != other]
    pairs += [
        ("en", "zh"),
        ("zh", "en"),
        ("en", "ru"),
        ("ko", "en"),
        ("ar", "en"),
        ("en", "th"),
        ("ja", "zh"),
    ]
    mixed = []
    for one, other in pairs:
        for _ in range(100):
            first, second = rng.choice(passages[one]), rng.choice(passages[other])
            if 0.8 < size(first) / size(second) < 1.25:
                mixed += [(first + between + second, asked) for asked in (one, other)]
    share = share_of(
        f"half and half with {between!r} between, 0.35 to 0.65",
        (0.35 <= consistency(text, asked) <= 0.65 for text, asked in mixed),
    )
    assert share >= 0.95
