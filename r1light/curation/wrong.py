"""A wrong answer for a problem: the answer of another one."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from fractions import Fraction

from r1light.core.types import Problem
from r1light.data.splits import canonical

_TRIES = 50
_LATEX_FRACTION = re.compile(r"\\[dt]?frac\{(-?\d+)\}\{(\d+)\}")


def wrong_answer(
    index: int, problems: Sequence[Problem], golds: Sequence[str | None], seed: int
) -> str | None:
    """Another problem's answer that is neither the same text nor the same number.

    Args:
        index: Which problem.
        problems: All problems of the split.
        golds: Their answers.
        seed: With the problem's id, it decides whose answer is taken.

    Returns:
        The answer; None where fifty others all had the same.
    """
    own = golds[index]
    if own is None:
        return None
    rng = random.Random(f"wrong/{seed}/{problems[index].id}")
    for _ in range(_TRIES):
        other = rng.randrange(len(problems))
        candidate = golds[other]
        if candidate is None or problems[other].grader != problems[index].grader:
            continue
        if not same_answer(own, candidate):
            return candidate
    return None


def same_answer(one: str, other: str) -> bool:
    r"""Whether two answers are one text, spelling apart, or one number.

    Example:
        >>> same_answer("1,000 ", "1000.0"), same_answer(r"\frac{1}{2}", "0.5"), same_answer("1", "2")
        (True, True, False)
    """
    if _normal(one) == _normal(other):
        return True
    left, right = _number(one), _number(other)
    return left is not None and left == right


def _normal(text: str) -> str:
    return re.sub(r"[\s$,]|\\[ ,;!]", "", canonical(text)).rstrip(".")


def _number(text: str) -> Fraction | None:
    plain = _LATEX_FRACTION.sub(r"\1/\2", text)
    plain = re.sub(r"[\s$,]|\\[!%]|%", "", plain)
    try:
        return Fraction(plain)
    except (ValueError, ZeroDivisionError):
        return None
