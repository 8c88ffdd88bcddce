"""Prompts that stand twice, and held-out prompts that are trained on, by 10-grams of words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from r1light.core.types import Problem
from r1light.data.columns import canonical_prompt
from r1light.data.grams import grams


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A prompt that stands there before, spelling apart.

    Attributes:
        problem: The later problem.
        first: The id of the earlier one.
        conflict: Whether their reference answers differ.
    """

    problem: Problem
    first: str
    conflict: bool


def duplicates(problems: Iterable[Problem]) -> list[Duplicate]:
    """Every problem whose prompt an earlier one has."""
    seen: dict[str, Problem] = {}
    found = []
    for problem in problems:
        first = seen.setdefault(canonical_prompt(problem.prompt), problem)
        if first is not problem:
            found.append(Duplicate(problem, first.id, first.answer != problem.answer))
    return found


@dataclass(frozen=True, slots=True)
class Overlap:
    """A held-out problem that has something of the training problems.

    Attributes:
        problem: The held-out problem.
        share: The share of its 10-grams that stand in any training prompt, in (0, 1]; 1 where the whole
            prompt does.
        nearest: The id of the training problem that has most of them.
        exact: Whether that problem has the very same prompt, spelling apart.
    """

    problem: Problem
    share: float
    nearest: str
    exact: bool


def overlaps(train: Iterable[Problem], test: Sequence[Problem]) -> list[Overlap]:
    """Every held-out problem that shares a 10-gram or the whole prompt with a training problem.

    Args:
        train: Training problems; looked at once, one after another.
        test: Held-out problems; their 10-grams are kept in memory.
    """
    texts = [canonical_prompt(problem.prompt) for problem in test]
    own = [grams(text) for text in texts]
    by_text: dict[str, list[int]] = {}
    by_gram: dict[str, list[int]] = {}
    for index, (text, found) in enumerate(zip(texts, own, strict=True)):
        by_text.setdefault(text, []).append(index)
        for gram in found:
            by_gram.setdefault(gram, []).append(index)
    shared: list[set[str]] = [set() for _ in test]
    nearest: dict[int, tuple[int, str]] = {}
    exact: dict[int, str] = {}
    for problem in train:
        text = canonical_prompt(problem.prompt)
        for index in by_text.get(text, ()):
            exact.setdefault(index, problem.id)
        counts: Counter[int] = Counter()
        for gram in grams(text) & by_gram.keys():
            for index in by_gram[gram]:
                shared[index].add(gram)
                counts[index] += 1
        for index, count in counts.items():
            if count > nearest.get(index, (0, ""))[0]:
                nearest[index] = count, problem.id
    return [
        Overlap(
            problem,
            1.0 if index in exact else len(shared[index]) / len(own[index]),
            exact.get(index) or nearest[index][1],
            index in exact,
        )
        for index, problem in enumerate(test)
        if index in exact or index in nearest
    ]
