r"""Answers that show their working: `2+3 = 5`, `\sqrt{2} \approx 1.41`. Constant sides have to agree."""

from __future__ import annotations

import re

from r1light.graders.formula_list import split_list
from r1light.graders.plain_number import read_number
from r1light.graders.spelling import to_latex

EXACT, ROUNDED = 1e-6, 0.02
"""Relative tolerances of = and of ≈."""

_SIGN = re.compile(r"(?<![<>!=])=(?!=)|\\(?:approx|simeq|doteq)(?![a-zA-Z])")
_ROUNDED = re.compile(r"\\(?:approx|simeq|doteq)(?![a-zA-Z])")
_MACRO = re.compile(r"\\[a-zA-Z]+")
_MAX_SIDES = 8


def chain_of(formula: str) -> tuple[tuple[str, ...], float] | None:
    r"""The constant sides of an answer with at least two, and how close they have to be; else None.

    Example:
        >>> chain_of("x = 2+3 = 5"), chain_of("x = 5")
        ((('$2+3$', '$5$'), 1e-06), None)
    """
    if len(split_list(formula)) != 1 or "\\begin" in formula:
        return None
    constants = [side.strip() for side in _SIGN.split(formula) if is_constant(side)]
    if not 2 <= len(constants) <= _MAX_SIDES:
        return None
    rounded = _ROUNDED.search(formula)
    return tuple(map(_latex, constants)), ROUNDED if rounded else EXACT


def is_constant(formula: str) -> bool:
    """Whether a formula has a value and no letter but e and i."""
    letters = _MACRO.sub(" ", formula)
    known = not re.search(r"[a-dfghj-zA-Z=<>_]", letters) and not re.search(
        r"\\(?:text|math|in\b|cup)", formula
    )
    return known and bool(re.search(r"\d|\\pi|[ei]", letters + formula)) and not re.search(r"[,;]\s", formula)


def _latex(side: str) -> str:
    number = read_number(side)
    return f"${number.latex()}$" if number else to_latex(side)
