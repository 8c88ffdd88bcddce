"""DROP's measures (arXiv:1903.00161, section 5): exact match, and F1 over bags of words and numbers."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

from r1light.core.types import Problem, Verdict
from r1light.graders.extraction import final_part

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_BREAKS = re.compile(r"[ -]")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ANSWER = re.compile(r"(?i)\banswer\s*:[ \t]*([^\n]*)")
_MAX_SPANS = 12
"""Up to so many spans the best pairing is found exactly."""

Bag = frozenset[str]


class Drop:
    """An answer's score is its F1 against the reference that it fits best, times 1 where numbers agree.

    References stand in the problem's meta as `answers`: lists of spans, a number or a date being one span.
    The answer is what stands behind the last "Answer:", or all of it. A written answer is one span, as
    published evaluations of generated answers take it; where the reference has several, an answer with as
    many parts between commas, semicolons or "and" is tried as those spans too.

    Parts of a verdict: `f1` (the score, to two decimals as published) and `em`, both in [0, 1].

    Example:
        >>> problem = Problem(id="1", prompt="Who?", grader="drop", meta={"answers": [["Tom Brady"], ["7"]]})
        >>> Drop().grade(problem, "It says so. Answer: Brady").parts
        {'f1': 0.67, 'em': 0.0}
    """

    def grade(self, problem: Problem, answer: str) -> Verdict:
        """Compare one answer; a problem without references is an error."""
        references = problem.meta.get("answers")
        if not isinstance(references, list) or not references or not all(map(_is_spans, references)):
            return Verdict(None, "error", f"problem {problem.id!r} has no references in meta answers")
        said = answer_line(answer)
        f1, em = 0.0, 0.0
        for spans in references:
            for taken in _readings(said, len(spans)):
                f1, em = max(f1, drop_f1(taken, spans)), max(em, exact_match(taken, spans))
        return Verdict(f1, detail=f"took {said[:80]!r}", parts={"f1": f1, "em": em})

    def grade_many(self, items: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """Compare several, in their order."""
        return [self.grade(problem, answer) for problem, answer in items]

    def close(self) -> None:
        """Nothing to free."""


def answer_line(text: str) -> str:
    """What an answer says in the end: behind the last "Answer:", else its final part."""
    found = _ANSWER.findall(text)
    return (found[-1] if found else final_part(text)).strip().strip("*").strip()


def exact_match(taken: Sequence[str], spans: Sequence[str]) -> float:
    """1 where the normalised spans are the same ones, else 0."""
    ours, theirs = [normal(each) for each in taken], [normal(each) for each in spans]
    return float(set(ours) == set(theirs) and len(ours) == len(theirs))


def drop_f1(taken: Sequence[str], spans: Sequence[str]) -> float:
    """The mean F1 of spans in the pairing that makes the sum largest, to two decimals; one left over is 0."""
    ours, theirs = [_bag(each) for each in taken], [_bag(each) for each in spans]
    fewer, more = sorted((ours, theirs), key=len)
    swapped = fewer is theirs
    table = [[_pair_f1(b, a) if swapped else _pair_f1(a, b) for b in more] for a in fewer]
    return round(_best_sum(table) / len(more), 2)


def normal(text: str) -> str:
    """Lower case, without punctuation and articles, numbers as floats."""
    words = [_normal_word(word) for word in _BREAKS.split(text.lower())]
    return " ".join(word for word in words if word)


def _normal_word(word: str) -> str:
    if not _is_number(word):
        word = word.translate(_PUNCTUATION)
    if _is_number(word):
        word = str(float(word))
    return " ".join(_ARTICLES.sub(" ", word).split())


def _bag(text: str) -> Bag:
    return frozenset(normal(text).split())


def _pair_f1(taken: Bag, gold: Bag) -> float:
    """F1 of two bags; 0 where the reference has numbers and none of them is there."""
    numbers = {word for word in gold if _is_number(word)}
    if numbers and not numbers & taken:
        return 0.0
    shared = len(taken & gold)
    precision = shared / len(taken) if taken else 1.0
    recall = shared / len(gold) if gold else 1.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _best_sum(table: Sequence[Sequence[float]]) -> float:
    """The largest sum of one entry a row, no two of one column; greedily where there are many columns."""
    if len(table) == 1:
        return max(table[0])
    if len(table[0]) > _MAX_SPANS:
        return _greedy_sum(table)
    best = {0: 0.0}  # of the rows so far, by the columns that they take, a bit each
    for row in table:
        grown: dict[int, float] = {}
        for taken, total in best.items():
            for column, value in enumerate(row):
                if not taken >> column & 1:
                    mask = taken | 1 << column
                    grown[mask] = max(grown.get(mask, 0.0), total + value)
        best = grown
    return max(best.values())


def _greedy_sum(table: Sequence[Sequence[float]]) -> float:
    """One entry a row and column, the largest first."""
    entries = [(value, r, c) for r, row in enumerate(table) for c, value in enumerate(row)]
    rows, columns, total = set[int](), set[int](), 0.0
    for value, row, column in sorted(entries, reverse=True):
        if row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
            total += value
    return total


def _readings(said: str, spans: int) -> list[list[str]]:
    """An answer as one span, and as several where the reference has so many."""
    parts = [part for part in re.split(r"\s*[,;]\s*(?:and\s+)?|\s+and\s+", said) if part]
    return [[said], parts] if spans > 1 and len(parts) == spans else [[said]]


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _is_spans(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(span, str) for span in value)
