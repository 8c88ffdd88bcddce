"""Which languages prompts are in: by script for all of them, by a detector for a sample."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from r1light.core.types import Problem
from r1light.data.columns import canonical_prompt

_SCRIPTS: Mapping[str, str] = {
    "Han": "\u3400-\u4dbf\u4e00-\u9fff",
    "Kana": "\u3040-\u30ff",
    "Hangul": "\uac00-\ud7af\u1100-\u11ff",
    "Cyrillic": "\u0400-\u052f",
    "Greek": "\u0370-\u03ff",
    "Arabic": "\u0600-\u06ff",
    "Hebrew": "\u0590-\u05ff",
    "Devanagari": "\u0900-\u097f",
    "Thai": "\u0e00-\u0e7f",
    "Latin": "a-z\u00df-\u024f",
}
_PATTERNS = {name: re.compile(f"[{letters}]") for name, letters in _SCRIPTS.items()}
_SCRIPTS_OF: Mapping[str, tuple[str, ...]] = {
    "zh": ("Han",),
    "ja": ("Kana", "Han"),
    "ko": ("Hangul",),
    "ru": ("Cyrillic",),
    "uk": ("Cyrillic",),
    "bg": ("Cyrillic",),
    "el": ("Greek",),
    "ar": ("Arabic",),
    "fa": ("Arabic",),
    "ur": ("Arabic",),
    "he": ("Hebrew",),
    "hi": ("Devanagari",),
    "th": ("Thai",),
}
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$]*\$|\\\[.*?\\\]|\\\(.*?\\\)|\\[a-z]+|\[asy\].*?\[/asy\]", re.DOTALL)
_CASED = ("Cyrillic", "Greek", "Latin")
_LEAST_LETTERS = 8
_LEAST_WORDS = 8


def script_of(text: str) -> str | None:
    """The script of most of a text's letters, formulas aside; None for fewer than eight letters.

    A character of Han, kana or Hangul counts as three letters, as it says about as much.

    Example:
        >>> script_of("how many apples?"), script_of("一共有多少个苹果？"), script_of("$x$ + 2")
        ('Latin', 'Han', None)
    """
    plain = _FORMULA.sub(" ", text).lower()
    weight = {"Han": 3, "Kana": 3, "Hangul": 3}
    counts = {name: len(found.findall(plain)) * weight.get(name, 1) for name, found in _PATTERNS.items()}
    name = max(counts, key=lambda each: counts[each])
    return name if counts[name] >= _LEAST_LETTERS else None


def spoken(found: Iterable[str]) -> list[str]:
    """The words that are in some script: numbers and single letters, which are variables, are in no language.

    Example:
        >>> spoken(["put", "8", "写", "x"])
        ['put', '写']
    """
    return [word for word in found if _script_of_word(word) is not None]


def script_share(found: Sequence[str], language: str) -> float | None:
    """The share in [0, 1] of words that are in a script of the language; None where none is in any.

    Args:
        found: Words, and single characters of scripts that write no spaces.
        language: Its code (ISO 639-1), such as `zh-CN`; one that is not known here writes Latin script.

    Example:
        >>> script_share(["put", "8", "写", "x"], "en")
        0.5
    """
    home = _SCRIPTS_OF.get(re.split("[-_]", language.lower())[0], ("Latin",))
    scripts = [_script_of_word(word) for word in spoken(found)]
    return sum(script in home for script in scripts) / len(scripts) if scripts else None


@lru_cache(maxsize=1 << 16)
def _script_of_word(word: str) -> str | None:
    name = next((name for name, pattern in _PATTERNS.items() if pattern.search(word)), None)
    return None if len(word) == 1 and name in _CASED else name


def is_foreign(problem: Problem) -> bool:
    """Whether the prompt's script is none of the language that the problem asks for."""
    if problem.language is None:
        return False
    script = script_of(canonical_prompt(problem.prompt))
    return script is not None and script not in _SCRIPTS_OF.get(problem.language, ("Latin",))


def detected(problems: Sequence[Problem], sample: int) -> Counter[str]:
    """The languages that langdetect sees in an evenly spread sample; prompts of few words are left out.

    Args:
        problems: The problems.
        sample: How many to look at, at most.
    """
    from langdetect import DetectorFactory, LangDetectException, detect

    DetectorFactory.seed = 0  # its guess is random otherwise
    found: Counter[str] = Counter()
    for problem in problems[:: max(1, len(problems) // sample)][:sample]:
        text = _FORMULA.sub(" ", canonical_prompt(problem.prompt))
        if len(text.split()) >= _LEAST_WORDS or script_of(text) in ("Han", "Kana", "Thai"):
            try:
                found[str(detect(text)).partition("-")[0]] += 1
            except LangDetectException:  # no letters that it knows
                found["unknown"] += 1
    return found
