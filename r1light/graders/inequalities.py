r"""Alternatives such as `x<1 or x>3`, as the set of their solutions."""

from __future__ import annotations

import re

_OR = re.compile(
    r"[,\s$]*(?:\\(?:text|mbox|mathrm|textrm)\s*\{\s*,?\s*(or|and)\s*\}|\b(or|and)\b|(或)|(且)|\\(lor|vee|land|wedge)(?![a-z]))[,\s$]*"
)
_RELATION = re.compile(r"\\(?:leqslant|geqslant|leq|geq|le|ge|lt|gt)(?![a-zA-Z])|[<>]=?|≤|≥")
_VARIABLE = re.compile(r"\\?[a-zA-Z]+")
_BELOW = frozenset(("<", "\\lt", "<=", "\\le", "\\leq", "\\leqslant", "≤"))
_STRICT = frozenset(("<", ">", "\\lt", "\\gt"))
_AND = frozenset(("and", "且", "land", "wedge"))
_MAX_PARTS = 6


def joined_by(text: str) -> str:
    r"""What joins the relations of a text: "or", "and", or nothing where it is no such text.

    Example:
        >>> joined_by(r"x<1 \text{ or } x>3"), joined_by("x>1 and x<3"), joined_by("2 or 3")
        ('or', 'and', '')
    """
    parts, words = _split(text)
    if len(parts) < 2 or not all(_RELATION.search(part) for part in parts):
        return ""
    return "and" if all(word in _AND for word in words) else "or" if not _AND & set(words) else ""


def solutions(text: str) -> str:
    r"""The union of intervals that alternatives in one variable say, in LaTeX; empty where they are none.

    Example:
        >>> solutions(r"x<1 \text{ or } x\ge 3"), solutions("0<x<1 or 5>x"), solutions("x<1 or y>3")
        ('(-\\infty,1)\\cup[3,\\infty)', '(0,1)\\cup(-\\infty,5)', '')
    """
    if joined_by(text) != "or":
        return ""
    found = [_interval(part) for part in _split(text)[0]]
    intervals = [one for one in found if one is not None]
    if len(intervals) < len(found) or len({variable for variable, _ in intervals}) != 1:
        return ""
    return "\\cup".join(interval for _, interval in intervals)


def _split(text: str) -> tuple[list[str], list[str]]:
    """The parts, and the words between them."""
    parts, words, at = [], [], 0
    for match in _OR.finditer(text):
        parts.append(text[at : match.start()])
        words.append(next(filter(None, match.groups())))
        at = match.end()
    parts = [part.strip(" $.\n") for part in [*parts, text[at:]]]
    return (parts, words) if len(parts) <= _MAX_PARTS and all(parts) else ([], [])


def _interval(part: str) -> tuple[str, str] | None:
    """The variable and the interval of one inequality: x<1, 3<x, 0<x<1."""
    relations = _RELATION.findall(part)
    sides = [side.strip() for side in _RELATION.split(part)]
    if "" in sides or any("," in side for side in sides) or len(relations) not in (1, 2):
        return None
    if len(relations) == 1:
        if _VARIABLE.fullmatch(sides[1]) and not _VARIABLE.fullmatch(sides[0]):
            return sides[1], _bounded(sides[0], relations[0] in _BELOW, relations[0] in _STRICT)
        if not _VARIABLE.fullmatch(sides[0]):
            return None
        return sides[0], _bounded(sides[1], relations[0] not in _BELOW, relations[0] in _STRICT)
    if not _VARIABLE.fullmatch(sides[1]) or len({relation in _BELOW for relation in relations}) > 1:
        return None
    low, high = (0, 1) if relations[0] in _BELOW else (1, 0)
    opening = "(" if relations[low] in _STRICT else "["
    closing = ")" if relations[high] in _STRICT else "]"
    return sides[1], f"{opening}{sides[2 * low]},{sides[2 * high]}{closing}"


def _bounded(bound: str, above: bool, strict: bool) -> str:
    """All numbers above or below a bound."""
    if above:
        return f"{'(' if strict else '['}{bound},\\infty)"
    return f"(-\\infty,{bound}{')' if strict else ']'}"
