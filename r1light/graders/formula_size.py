"""Formulas that are not worth computing, told by their looks alone."""

from __future__ import annotations

import re

MAX_DEPTH = 40
MAX_TOWER = 2
MAX_DIGITS = 20
"""Of an exponent that is itself a power of numbers."""

_HUGE = re.compile(r"\^\s*\{?\s*[0-9]{6,}|[0-9]{5,}\s*!")
_POWER_OF_POWER = re.compile(r"\^\s*\{?\s*([0-9]+)\s*\^\s*\{?\s*([0-9]+)")
_TOKEN = re.compile(r"\\(?!left|right|big|Big)(?:[a-zA-Z]+|.)|[0-9.]+|[^\s\\]", re.DOTALL)


def refusal(latex: str) -> str | None:
    """Why a formula is refused, or None. Linear in its length.

    Example:
        >>> refusal("5^{5^{5^{5}}}"), refusal("9^{9^{99}}"), refusal("x^{2^{10}} + y^2 + z^3")
        ('a tower of more than 2 exponents', 'a power too large to compute', None)
    """
    if _HUGE.search(latex) or any(_is_huge(*match.groups()) for match in _POWER_OF_POWER.finditer(latex)):
        return "a power too large to compute"
    tower, depth = _heights(latex)
    if tower > MAX_TOWER:
        return f"a tower of more than {MAX_TOWER} exponents"
    return f"nested deeper than {MAX_DEPTH} levels" if depth > MAX_DEPTH else None


def _is_huge(base: str, exponent: str) -> bool:
    """Whether base ** exponent may have more digits than an exponent should."""
    return len(exponent) > 4 or len(base) * int(exponent) > MAX_DIGITS


def _heights(latex: str) -> tuple[int, int]:
    """How high exponents stand on exponents, and how deep brackets of any kind are nested."""
    opened: list[tuple[int, int]] = []
    line = carets = tower = depth = 0  # the height of what is being read, and the carets just before it
    raised = False
    for token in _TOKEN.findall(latex):
        if token in ("{", "(", "["):
            carets *= raised  # a bracket that stands on no caret is a base of its own
            opened.append((line, carets))
            line, carets, raised = line + carets * raised, 0, False
            depth = max(depth, len(opened))
        elif token in ("}", ")", "]"):
            line, carets = opened.pop() if opened else (0, 0)
            raised = False
        elif token == "^":
            carets, raised = carets + 1, True
            tower = max(tower, line + carets)
        else:
            carets, raised = carets * raised, False
    return tower, depth
