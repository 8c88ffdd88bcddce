"""Verdicts on many answers, each by its problem's grader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from r1light.core.protocols import Grader
from r1light.core.types import Problem, Verdict


def verdicts(items: Sequence[tuple[Problem, str | None]], graders: Mapping[str, Grader]) -> list[Verdict]:
    """Grade answers, all of one grader at once; no answer is a wrong one.

    Args:
        items: Problems with answers.
        graders: Every grader that the problems name.

    Returns:
        Verdicts in the order of the items. Abstentions and errors stay what they are.
    """
    found = {
        index: Verdict(0.0, detail="no answer")
        for index, (_, answer) in enumerate(items)
        if answer is None or not answer.strip()
    }
    for name, grader in graders.items():
        mine = [
            index for index, (problem, _) in enumerate(items) if index not in found and problem.grader == name
        ]
        graded = (
            grader.grade_many([(items[index][0], items[index][1] or "") for index in mine]) if mine else ()
        )
        found |= dict(zip(mine, graded, strict=True))
    return [found[index] for index in range(len(items))]
