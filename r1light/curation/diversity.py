"""Which of several texts to keep, so that they differ as much as they can."""

from __future__ import annotations

from collections.abc import Sequence

from r1light.curation.overlap import words


def gram_set(text: str, n: int) -> frozenset[tuple[str, ...]]:
    """The different n-grams of a text's words, case apart; all its words are one where it has fewer.

    Example:
        >>> sorted(gram_set("Add 2, add 2", 2))
        [('2', 'add'), ('add', '2')]
    """
    found = words(text.casefold())
    last = max(1, len(found) - n + 1)
    return frozenset(tuple(found[start : start + n]) for start in range(last))


def distance(a: frozenset[tuple[str, ...]], b: frozenset[tuple[str, ...]]) -> float:
    """Jaccard's distance of two sets, in [0, 1]: 1 - |a and b| / |a or b|; 0 for two empty ones.

    Example:
        >>> distance(frozenset([("a",), ("b",)]), frozenset([("b",), ("c",)]))  # 1 of 3 is shared
        0.6666666666666667
    """
    either = len(a | b)
    return 1.0 - len(a & b) / either if either else 0.0


def most_diverse(texts: Sequence[str], count: int, n: int) -> list[int]:
    """Greedy max-min: the first text, then always the one that is farthest from its nearest chosen one.

    Args:
        texts: In the order in which they were drawn.
        count: How many to choose, at least 0.
        n: Words of an n-gram.

    Returns:
        Positions in the order of the choice, at most `count`; of texts that are as far, the earlier one. A
        longer choice begins with a shorter one.
    """
    sets = [gram_set(text, n) for text in texts]
    nearest = [float("inf")] * len(texts)
    left = list(range(len(texts)))
    chosen: list[int] = []
    while left and len(chosen) < count:
        best = max(left, key=lambda index: (nearest[index], -index))
        chosen.append(best)
        left.remove(best)
        for index in left:
            nearest[index] = min(nearest[index], distance(sets[index], sets[best]))
    return chosen
