"""Is this output the expected one? Text against text, in the process that knows the expected output."""

from __future__ import annotations

import re
from itertools import zip_longest

TOLERANCE = 1e-6
"""How far, relative to the expected number or absolutely, a floating-point number may be off."""

_FLOAT = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][-+]?\d{1,4})?", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?", re.ASCII)
_BLANK = " \t\r\f\v"
_GAP = re.compile(f"[{_BLANK}]+")
_MOST_SHOWN = 40


def difference(expected: str, actual: str) -> str | None:
    r"""The first difference between two outputs, in one line; None where there is none.

    Blanks at the ends of lines and empty lines at the end do not count, nor how many blanks stand between
    tokens. Tokens must be equal; one that stands for a floating-point number where it is expected, so with a
    point or an exponent, matches a number within TOLERANCE, and is never matched by nan or an infinity.

    Example:
        >>> difference("5\n", "5 \n\n"), difference("0.3333333", "0.33333332"), difference("5", "5.0")
        (None, None, "line 1: '5.0' where '5' is expected")
    """
    wanted, found = _lines(expected), _lines(actual)
    for number, (left, right) in enumerate(zip_longest(wanted, found), start=1):
        if left == right:
            continue
        if right is None:
            return f"ends after {number - 1} of {len(wanted)} lines"
        if left is None:
            return f"goes on after the {len(wanted)} expected lines, with {_shown(right)}"
        if not _same_line(left, right):
            return f"line {number}: {_shown(right)} where {_shown(left)} is expected"
    return None


def _lines(text: str) -> list[str]:
    return [line.strip(_BLANK) for line in text.rstrip(_BLANK + "\n").split("\n")]


def _same_line(expected: str, actual: str) -> bool:
    wanted, found = _GAP.split(expected), _GAP.split(actual)
    return len(wanted) == len(found) and all(map(_same_token, wanted, found))


def _same_token(expected: str, actual: str) -> bool:
    if expected == actual:
        return True
    if not _FLOAT.fullmatch(expected) or not _NUMBER.fullmatch(actual):
        return False
    wanted, found = float(expected), float(actual)
    return abs(wanted - found) <= TOLERANCE * max(1.0, abs(wanted)) < float("inf")


def _shown(text: str) -> str:
    return repr(text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "...")
