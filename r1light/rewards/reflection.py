"""Reflective words: how often a text stops to check itself. A metric, not a reward."""

from __future__ import annotations

import re
from collections.abc import Sequence

ENGLISH = ("wait", "mistake", "however", "but", "retry", "error", "verify", "wrong", "evaluate", "check")
"""The ten words that three experts chose (arXiv 2501.12948 v2, C.2)."""

CHINESE = (
    "等等",
    "等一下",
    "错误",
    "错了",
    "不对",
    "然而",
    "但是",
    "不过",
    "重试",
    "重新",
    "验证",
    "评估",
    "检查",
)
"""Our Chinese counterparts; the paper counts English only."""

_INFLECTED = (
    r"\b(?:wait(?:s|ed|ing)?|mistakes?|however|but|retr(?:y|ies|ied|ying)|errors?|verif(?:y|ies|ied|ying)"
    r"|wrong|evaluat(?:e|es|ed|ing)|check(?:s|ed|ing)?)\b"
)
_PATTERN = re.compile(rf"{_INFLECTED}|{'|'.join(CHINESE)}", re.IGNORECASE)


def reflective_words(text: str) -> int:
    """Occurrences of reflective words, inflected ones included, in upper or lower case.

    Example:
        >>> reflective_words("Wait, that is wrong. I checked, but let me verify."), reflective_words("wheat")
        (5, 0)
    """
    return len(_PATTERN.findall(text))


def reflection_rate(texts: Sequence[str]) -> float:
    """Reflective words a completion: the mean over the texts, 0 for none. The metric `reflection/rate`."""
    return sum(map(reflective_words, texts)) / len(texts) if texts else 0.0
