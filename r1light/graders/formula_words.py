r"""Words inside a formula, `\text{...}` and the like: units are taken off it, letters put into it.

Whatever else stands there, such as `5 \text{ is wrong}` or `7\text{ or 8}`, makes it no formula at all.
"""

from __future__ import annotations

import re

from r1light.graders.formula_list import split_list
from r1light.graders.units import canonical_unit, is_unit

_MACRO = r"\\(?:text|mbox|textrm|mathrm|textbf|textit|textnormal|rm)"
_GROUP = rf"{_MACRO}\s*\{{(?P<inside>[^{{}}]*)\}}"
_ANY_GROUP = re.compile(_GROUP)
_ONE = rf"(?:{_MACRO}\s*\{{[^{{}}]*\}}|\^\s*\{{?\s*\\circ\s*\}}?|°)(?:\s*\^\s*\{{?\s*-?[1-9]\s*\}}?)?"
_SPACE = r"(?:\s|~|\\[,;:! ])*"
_TRAILING = re.compile(
    rf"(?P<block>{_SPACE}{_ONE}(?:{_SPACE}(?:[-/]|\\cdot|\\times)?{_SPACE}{_ONE})*"
    rf"(?:{_SPACE}(?<=[}}°])[CF])?)(?P<end>{_SPACE}[.,]?{_SPACE})$"
)
_DEGREE = re.compile(r"\^\s*\{?\s*\\circ\s*\}?")
_PLAIN_UNIT = re.compile(r"(?<=[\d})\w])\s+(?P<unit>(?:[a-zA-Z]+\.?\s+){0,2}[a-zA-Z]{2,}(?:\^\{?[23]\}?)?)$")
_TRIGONOMETRY = re.compile(r"\\(?:arc)?(?:sin|cos|tan|cot|sec|csc)(?![a-zA-Z])")
_PLAIN_NUMBER = re.compile(r"(?:^|.*=)\s*[-+]?\s*[\d.,]+")
_LETTERS = re.compile(r"[\s(]*[A-Za-z](?:\s*[,;]\s*[A-Za-z])*[\s),.]*")
_NAME = re.compile(r"[A-Za-z]{2,}")
_FONT = re.compile(
    r"\\(?:underline|underbar|boldsymbol|bm)\s*\{([^{}]*)\}|(?<![\d}])\\mathbf\s*\{([\d.,]+)\}"
    r"|\\(?:text)?color\s*\{\w+\}|\\(?:bf|bfseries)(?![a-zA-Z])"
)
_SPACES = re.compile(r"(?:\s|~|\\[,;: ]){2,}")


def without_words(formula: str) -> tuple[str, str] | None:
    r"""A formula without the words in it, and the unit it is in (empty where none is known or they differ).

    None where words say something else than a unit.

    Example:
        >>> formulas = (r"36\pi\text{ cm}^3", r"3+\mathrm{i}", r"5\text{ is wrong}")
        >>> tuple(map(without_words, formulas))
        (('36\\pi', 'cm^3'), ('3+i', ''), None)
    """
    formula = _SPACES.sub(" ", _FONT.sub(lambda match: match[1] or match[2] or "", formula))
    if not _ANY_GROUP.search(formula) and not _DEGREE.search(formula) and "°" not in formula:
        return _without_plain_unit(formula)
    if formula.startswith("\\begin"):
        return formula, ""
    listed = [] if _TRAILING.fullmatch(formula) else split_list(formula)
    known = [part for part in map(_part, listed) if part is not None]
    if len(known) < len(listed) or not known:
        whole = _unwrapped(formula)
        return None if whole is None else (whole, "")
    units = {unit for _, unit in known}
    text = ", ".join(text for text, _ in known) if len(known) > 1 else known[0][0]
    return text, units.pop() if len(units) == 1 else ""


def _part(part: str) -> tuple[str, str] | None:
    """One formula of a list without its unit."""
    unit = ""
    trailing = _TRAILING.search(part)
    if trailing and trailing.start() and not _TRIGONOMETRY.search(part):
        said = _spoken(trailing["block"])
        if is_unit(said):
            part, unit = part[: trailing.start()], canonical_unit(said) or ""
            if unit == "degree" and _PLAIN_NUMBER.fullmatch(part):
                unit = ""
    text = _unwrapped(part)
    return None if text is None else (text, unit)


def _spoken(block: str) -> str:
    """The text of a unit without its LaTeX."""
    text = _DEGREE.sub("°", block)
    text = _ANY_GROUP.sub(lambda match: match["inside"], text)
    text = re.sub(r"~|\\[,;:! ]", " ", text).replace("{", "").replace("}", "")
    text = re.sub(r"\s*(\^|/|-|\\cdot)\s*", r"\1", text)
    return " ".join(text.replace("\\cdot", "-").split()).rstrip(".")


def _unwrapped(formula: str) -> str | None:
    """Letters and names out of their groups; None where a group holds anything else."""
    out, at = [], 0
    for group in _ANY_GROUP.finditer(formula):
        inside = group["inside"].replace("~", " ").strip()
        before = formula[: group.start()].rstrip()
        index = before.endswith(("_", "_{", "^{"))
        out.append(formula[at : group.start()])
        at = group.end()
        if _LETTERS.fullmatch(inside) or (not inside and not before[-1:].isdigit()):
            out.append(f" {inside}" if before[-1:].isalpha() else inside)
        elif index or (_NAME.fullmatch(inside) and group.group().startswith("\\mathrm")):
            out.append(group.group())
        else:
            return None
    return "".join([*out, formula[at:]])


def _without_plain_unit(formula: str) -> tuple[str, str]:
    """A formula without a known unit in plain letters behind it: 2π cm, 9 + 9 = 18 dollars."""
    found = _PLAIN_UNIT.search(formula)
    unit = canonical_unit(found["unit"]) if found else None
    return (formula[: found.start()], unit) if found and unit else (formula, "")
