r"""Kinds of answers that are never equal, told by their looks: a set and a tuple, an interval and a list."""

from __future__ import annotations

import re

from r1light.graders.answer_text import Reading
from r1light.graders.formula_list import is_bare_list, split_list

_SIZE = re.compile(r"\\(?:left|right)(?![a-zA-Z])|[\s$]")
_RELATION = re.compile(r"[<>]|\\(?:lt|gt|le|ge|leq|geq|leqslant|geqslant|in|cup|cap)(?![a-zA-Z])")
_DOTS = re.compile(r"\\[lcd]?dots")
_AT = re.compile(r"\|\s*_")


def clashes(gold: Reading, answer: Reading) -> str:
    """Why two formulas are not equal whatever stands in them, or an empty text."""
    ours, theirs = gold.text.strip("$"), answer.text.strip("$")
    if _brackets_clash(ours, theirs):
        return "a set is no tuple and no interval"
    if _sets(ours) != _sets(theirs):
        return "several sets are not one"
    for mark in (_DOTS, _AT):
        if mark.search(theirs) and not mark.search(ours):
            return "more than the reference answer says"
    if (_is_range(ours) and is_bare_list(theirs)) or (is_bare_list(ours) and _is_range(theirs)):
        return "an interval is no list"
    if (gold.joint and answer.union) or (gold.union and answer.joint):
        return "and is not or"
    return ""


def _is_range(formula: str) -> bool:
    r"""Whether it is an inequality, an interval with an end at infinity or with unlike ends, or `x \in`."""
    text = _SIZE.sub("", formula)
    one = _bracket(text) == "("
    return bool(_RELATION.search(text)) or (one and ("\\infty" in text or text[0] + text[-1] in ("[)", "(]")))


def _sets(formula: str) -> int:
    """How many sets in braces stand side by side."""
    parts = split_list(formula)
    return len(parts) if len(parts) > 1 and all(part.startswith("\\{") for part in parts) else 1


def _brackets_clash(gold: str, answer: str) -> bool:
    r"""Whether one of the two is a set in braces and the other one tuple or interval."""
    kinds = {_bracket(gold), _bracket(answer)}
    return "{" in kinds and "(" in kinds


def _bracket(latex: str) -> str:
    """The kind of bracket around the whole of a list: "{", "(" or none."""
    text = _SIZE.sub("", latex)
    inside = text[2:-2] if text.startswith("\\{") and text.endswith("\\}") else text[1:-1]
    if "," not in inside or re.search(r"[\[\](){}]", inside):
        return ""
    if text.startswith("\\{") and text.endswith("\\}"):
        return "{"
    return "(" if text[0] in "([" and text[-1] in ")]" else ""
