"""Words and 10-grams of texts: what tells that two of them have a passage in common.

The paper drops every text that shares a 10-gram with a question or a reference solution of an evaluation set
(arXiv:2501.12948v2, D.1). Words are what letters and digits make; in scripts that write no spaces each
character counts as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

GRAM = 10
"""Words."""

_UNSPACED = (
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff\U00020000-\U000323af"  # Han, kana
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan, Myanmar, Khmer
)
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+")


def words(text: str) -> list[str]:
    """The words of a text in canonical form (`splits.canonical`).

    Example:
        >>> words("what is 2+3? 计算")
        ['what', 'is', '2', '3', '计', '算']
    """
    return _WORD.findall(text)


def runs(found: list[str]) -> Iterator[str]:
    """Every ten words in a row, in their order; none where there are fewer."""
    for start in range(len(found) - GRAM + 1):
        yield " ".join(found[start : start + GRAM])


def grams(text: str) -> set[str]:
    """The different 10-grams of a text in canonical form; none where it has fewer words."""
    return set(runs(words(text)))
