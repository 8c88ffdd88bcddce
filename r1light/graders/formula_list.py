r"""Lists of formulas: `x=1, y=2`, `(x, y) = (1, 2)`, `0, 1 \pm \sqrt{2}`. Split, expanded and paired."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|.", re.DOTALL)
_OPENING = frozenset(["(", "[", "{", r"\{", r"\begin"])
_CLOSING = frozenset([")", "]", "}", r"\}", r"\end"])
_PLUS_MINUS = re.compile(r"\\(pm|mp)(?![a-zA-Z])\s*")
_NAME = re.compile(r"\s*(\\?[a-zA-Z]+(?:_\{?\w+\}?)?(?:\([a-zA-Z]\))?)\s*=(?!=)\s*(.+)", re.DOTALL)
_ROOT = re.compile(r"\s*([a-zA-Z])(?:_\{?(\d)\}?)?\s*=(?!=)\s*([^=]+)")
_NAMED_TUPLE = re.compile(r"\s*\(([\w\s,\\{}]+)\)\s*=\s*(\(.+\))\s*", re.DOTALL)
_ROWS = re.compile(
    r"(?:\\\{)?\s*\\begin\{(cases|array|aligned)\}(?:\{[lcr|]*\})?(.*)\\end\{\1\}\.?", re.DOTALL
)
_SIZE = re.compile(r"\\(?:left|right)(?![a-zA-Z])\s*")


def split_list(formula: str) -> list[str]:
    r"""The parts between the commas and semicolons that stand in no bracket.

    Example:
        >>> split_list(r"d=5, M=\left(1, 2\right)")
        ['d=5', 'M=(1, 2)']
    """
    parts, depth = [""], 0
    for token in _TOKEN.findall(_SIZE.sub("", formula)):
        depth = max(0, depth + (token in _OPENING) - (token in _CLOSING))
        if token in (",", ";") and not depth:
            parts.append("")
        else:
            parts[-1] += token
    return [part.strip() for part in parts if part.strip()]


def expand_plus_minus(formula: str) -> str:
    r"""Each part with one ± as two parts, its upper sign first; parts with several signs stay as they are.

    Example:
        >>> expand_plus_minus(r"x=0, \frac{5 \pm \sqrt{61}}{18}"), expand_plus_minus(r"\pm 2")
        ('x=0, \\frac{5 + \\sqrt{61}}{18}, \\frac{5 - \\sqrt{61}}{18}', '2, -2')
    """
    if not _PLUS_MINUS.search(formula) or re.search(r"[<>]|\\[lg]e", formula):
        return formula
    return ", ".join(signed for part in split_list(formula) for signed in _both(part))


def _both(part: str) -> list[str]:
    signs = _PLUS_MINUS.findall(part)
    if len(signs) != 1:
        return [part]
    return [_signed(part, sign) for sign in ("+-" if signs[0] == "pm" else "-+")]


def _signed(part: str, sign: str) -> str:
    before, after = part[: (found := _find(part))[0]], part[found[1] :]
    unary = not before.strip() or before.rstrip()[-1] in "=({[,"
    return f"{before}{'' if unary and sign == '+' else sign + ('' if unary else ' ')}{after}"


def _find(part: str) -> tuple[int, int]:
    match = _PLUS_MINUS.search(part)
    assert match is not None
    return match.span()


def named_parts(formula: str) -> dict[str, str] | None:
    """The values of a list of two or more different names, or None where it is none.

    Example:
        >>> named_parts("y = 2, x = 1"), named_parts("(x, y) = (1, 2)"), named_parts("x=1, x=2")
        ({'y': '2', 'x': '1'}, {'x': '1', 'y': '2'}, None)
    """
    whole = _NAMED_TUPLE.fullmatch(_SIZE.sub("", formula))
    if whole:
        names, values = split_list(whole[1]), split_list(whole[2].strip()[1:-1])
        pairs = list(zip(names, values, strict=False)) if len(names) == len(values) else []
    else:
        matches = [_NAME.fullmatch(part) for part in split_list(formula)]
        pairs = [(match[1], match[2]) for match in matches if match and "=" not in match[2]]
        if len(pairs) != len(matches):
            return None
    values_of = dict(pairs)
    return values_of if len(values_of) == len(pairs) > 1 else None


def root_values(formula: str) -> tuple[str, str] | None:
    """The unknown that each part of a list is a solution for, and the solutions alone; else None.

    Example:
        >>> root_values("x_1=1, x_2=2"), root_values("x=1, x=2"), root_values("x=1, y=2")
        (('x', '1, 2'), ('x', '1, 2'), None)
    """
    matches = [_ROOT.fullmatch(part) for part in split_list(formula)]
    roots = [match for match in matches if match]
    if len(roots) < 2 or len(roots) < len(matches) or len({root[1] for root in roots}) > 1:
        return None
    indices = [root[2] or "" for root in roots]
    if any(indices) and len(set(indices)) < len(indices):
        return None
    return roots[0][1], ", ".join(root[3].strip() for root in roots)


def is_bare_list(formula: str) -> bool:
    """Whether a list has no name for any part, and no bracket around all of it."""
    parts = split_list(formula)
    return len(parts) > 1 and not any(re.search(r"[=<>]|\\[lgn]e", part) for part in parts)


def pair_values(gold: dict[str, str], answer: str) -> list[tuple[str, str]] | None:
    """Named values with those of an answer: by their names, or in order where it names none; or None.

    Example:
        >>> pair_values({"x": "1", "y": "2"}, "y=3, x=4"), pair_values({"x": "1", "y": "2"}, "(4, 3)")
        ([('1', '4'), ('2', '3')], [('1', '4'), ('2', '3')])
    """
    answer = _unwrapped(answer)
    named = named_parts(answer)
    if named is not None:
        return [(gold[name], named[name]) for name in gold] if named.keys() == gold.keys() else None
    parts = split_list(answer)
    if len(parts) != len(gold) or any("=" in part for part in parts):
        return None
    return list(zip(gold.values(), parts, strict=True))


def _unwrapped(answer: str) -> str:
    """A list without the one pair of brackets or the environment of rows around all of it."""
    answer = _SIZE.sub("", answer).strip()
    rows = _ROWS.fullmatch(answer)
    if rows:
        return rows[2].replace("&", "").replace("\\\\", ",")
    if not _is_wrapped(answer):
        return answer
    inside = answer.removeprefix("\\")[1:-1].removesuffix("\\")
    return inside if answer[0] == "(" or "=" in inside else answer  # a set of bare values has no order


def _is_wrapped(answer: str) -> bool:
    """Whether the first bracket, round or a set's, closes at the very end."""
    if not answer.startswith(("(", "\\{")) or not answer.endswith((")", "\\}")):
        return False
    depths, depth = [], 0
    for token in _TOKEN.findall(answer):
        depth += (token in _OPENING) - (token in _CLOSING)
        depths.append(depth)
    return depths[-1] == 0 and 0 not in depths[:-1]
