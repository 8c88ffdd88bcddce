"""Which of a problem's answers are the same, so that they can be voted on."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from r1light.core.protocols import Grader
from r1light.core.types import Problem
from r1light.graders.extraction import final_part


@dataclass(frozen=True, slots=True)
class Ballot:
    """The answers to one problem, in any order.

    Attributes:
        problem: The problem.
        answers: What its samples answered; None where there is no answer, which has no vote.
        scores: What the grader said of each, in [0, 1]; None where it could not tell, which has no vote.
    """

    problem: Problem
    answers: Sequence[str | None]
    scores: Sequence[float | None]


def votes(ballots: Sequence[Ballot], graders: Mapping[str, Grader]) -> list[list[str | None]]:
    """For each answer the one that it votes for: equal answers have equal texts.

    Answers are the same by their grader's `canonical`; or where the grader says so with one of them for the
    reference answer (`equates`), taken to be transitive; else where their texts are, white space and
    Unicode's compatible forms apart. All right answers to a reference are one. What cannot change the outcome
    of the vote is not compared: wrong answers where the right ones have the majority, or are none.

    Args:
        ballots: The problems.
        graders: Every grader that they name.

    Returns:
        A list a ballot, in the order of its answers; it does not hang on that order but for its own.
    """
    forms = [_forms(ballot, graders.get(ballot.problem.grader)) for ballot in ballots]
    same: list[dict[str, str]] = [_right_ones(*each) for each in zip(ballots, forms, strict=True)]
    by_grader: dict[str, list[tuple[int, str, str]]] = {}
    for index, (ballot, form) in enumerate(zip(ballots, forms, strict=True)):
        if _equates(graders.get(ballot.problem.grader)):
            open_ = _contested(ballot, form)
            pairs = [(index, one, other) for one, other in combinations(open_, 2)]
            by_grader.setdefault(ballot.problem.grader, []).extend(pairs)
    for name, pairs in by_grader.items():
        as_reference = {
            (index, one): replace(ballots[index].problem, answer=one)
            for index, one in dict.fromkeys((index, one) for index, one, _ in pairs)
        }
        asked = [(as_reference[index, one], other) for index, one, other in pairs]
        for (index, one, other), verdict in zip(pairs, graders[name].grade_many(asked), strict=True):
            if verdict.correct:  # an answer that is no reference at all is like no other
                _join(same[index], one, other)
    return [
        [None if text is None else _root(each, text) for text in form]
        for form, each in zip(forms, same, strict=True)
    ]


def _equates(grader: Any) -> bool:
    return bool(getattr(grader, "equates", False))


def _forms(ballot: Ballot, grader: Any) -> list[str | None]:
    """The answers that have a vote, in the form that is compared."""
    canonical = getattr(grader, "canonical", None)
    found: list[str | None] = []
    for answer, score in zip(ballot.answers, ballot.scores, strict=True):
        if answer is None or score is None:
            found.append(None)
            continue
        form = canonical(ballot.problem, answer) if canonical is not None else None
        text = final_part(answer) if _equates(grader) else answer
        found.append(form or " ".join(unicodedata.normalize("NFKC", text).split()) or None)
    return found


def _right_ones(ballot: Ballot, form: Sequence[str | None]) -> dict[str, str]:
    """Right answers to a reference are the same answer: each text to the first of them."""
    if ballot.problem.answer is None or ballot.problem.tests is not None:
        return {}  # many different answers may be right, such as programs
    scored = zip(form, ballot.scores, strict=True)
    right = sorted({text for text, score in scored if text is not None and score == 1.0})
    return dict.fromkeys(right[1:], right[0]) if right else {}


def _contested(ballot: Ballot, form: Sequence[str | None]) -> list[str]:
    """The different answers that are not right, where it hangs on them which answer is elected."""
    if ballot.problem.answer is None or ballot.problem.tests is not None:
        return []
    right = Counter(text for text, score in zip(form, ballot.scores, strict=True) if text and score == 1.0)
    others = Counter(text for text in form if text and text not in right)
    some_credit = any(score for text, score in zip(form, ballot.scores, strict=True) if text)
    if not some_credit or right.total() > others.total():
        return []
    return sorted(others)


def _root(same: Mapping[str, str], text: str) -> str:
    while text in same:
        text = same[text]
    return text


def _join(same: dict[str, str], one: str, other: str) -> None:
    """Make two classes one, named by the first of their texts."""
    first, second = sorted((_root(same, one), _root(same, other)))
    if first != second:
        same[second] = first
