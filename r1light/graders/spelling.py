r"""Mathematics as it is typed on a keyboard or in Unicode, brought to LaTeX that the algebra system reads."""

from __future__ import annotations

import re

_UNICODE = {
    "−": "-", "–": "-", "—": "-", "×": r"\times ", "÷": "/", "·": r"\cdot ", "⋅": r"\cdot ", "π": r"\pi ",
    "θ": r"\theta ", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "∪": r"\cup ", "∩": r"\cap ",
    "∈": r"\in ", "∅": r"\emptyset ", "±": r"\pm ", "\u00a0": " ", "’": "'",
    "≈": r"\approx ", "…": r"\ldots ",
    "℃": "°C", "℉": "°F",
}  # fmt: skip
_UNICODE |= {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)}  # full-width forms
_FRACTIONS = "½12 ⅓13 ⅔23 ¼14 ¾34 ⅕15 ⅖25 ⅗35 ⅘45 ⅙16 ⅚56 ⅐17 ⅛18 ⅜38 ⅝58 ⅞78 ⅑19"
_UNICODE |= {one[0]: rf"\frac{{{one[1]}}}{{{one[2]}}}" for one in _FRACTIONS.split()}
_TABLE = str.maketrans(_UNICODE)
_ROOT = re.compile(r"√\s*(\d+(?:\.\d+)?|\w)")
_RAISED, _LOWERED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "₀₁₂₃₄₅₆₇₈₉₊₋ₙ"
_INDEX = re.compile(f"([{_RAISED}]+)|([{_LOWERED}]+)")
_INDICES = str.maketrans(_RAISED + _LOWERED, "0123456789+-n" * 2)
_CALL = re.compile(r"(?:(?<![\\a-zA-Z])sqrt|√)\s*\(|\^\s*\(")
_MAX_CALLS = 50

_DEGREES = re.compile(
    r"(\\(?:sin|cos|tan|cot|sec|csc)(?:\s*\^\s*\{?\s*[0-9]\s*\}?)?)\s*(?:\\left)?\s*[({]?\s*"
    r"([0-9]+(?:\.[0-9]+)?)\s*\^\s*\{?\s*\\circ\s*\}?\s*(?:\\right)?\s*[)}]?"
)
_REWRITES = (
    (re.compile(r"\\(?:!|;|:|quad|qquad)(?![a-zA-Z])|\\\$|＄"), ""),
    (re.compile(r"^(?:\\approx(?![a-zA-Z])|~)\s*"), ""),
    (re.compile(r"\\frac\s*(\\[a-zA-Z]+)\s*([0-9a-zA-Z])(?![a-zA-Z])"), r"\\frac{\1}{\2}"),
    (re.compile(r"(\\frac\s*\{[^{}]*\})\s*([0-9a-zA-Z])"), r"\1{\2}"),
    (re.compile(r"\\frac(?:\s+([a-zA-Z])|\s*([0-9]))\s*(?=\{)"), r"\\frac{\1\2}"),
    (re.compile(r"(?<![\\a-zA-Z])E(?=_)"), r"\\mathbf{E}"),  # a lone E is Euler's number to the parser
    (re.compile(r"\\varnothing(?![a-zA-Z])"), r"\\emptyset "),
    (re.compile(r"\\log_\{?e\}?(?![a-zA-Z])"), r"\\ln "),
    (re.compile(r"(?:\\left)?\s*\\langle(?![a-zA-Z])"), "("),
    (re.compile(r"(?:\\right)?\s*\\rangle(?![a-zA-Z])"), ")"),
    (_DEGREES, r"\1(\\frac{\2\\pi}{180})"),
    (re.compile(r"\*\*"), "^"),
    (re.compile(r"\*"), r"\\cdot "),
    (re.compile(r"<="), r"\\le "),
    (re.compile(r">="), r"\\ge "),
    (re.compile(r"!="), r"\\ne "),
    (re.compile(r"\^\s*(-?\d{2,})"), r"^{\1}"),
    (
        re.compile(
            r"(?<![\\a-zA-Z])(sin|cos|tan|cot|sec|csc|arcsin|arccos|arctan|log|ln|pi|theta|infty|alpha|beta"
            r"|gamma)"
            r"(?![a-zA-Z])"
        ),
        r"\\\1 ",
    ),
)
_ROW = re.compile(r"\[([^\[\]]*)\]")
_BUILDER = re.compile(r"\s*[a-zA-Z]\s*(?:\||\\mid\b|:)")


def unicode_to_latex(text: str) -> str:
    r"""Replace mathematical and full-width characters.

    Example:
        >>> unicode_to_latex("x ≤ √2"), unicode_to_latex("３．５％")
        ('x \\le  \\sqrt{2}', '3.5%')
    """
    text = _ROOT.sub(r"\\sqrt{\1}", text)
    return _INDEX.sub(_index, text).translate(_TABLE)


def _index(match: re.Match[str]) -> str:
    """Raised or lowered characters as a power or an index."""
    said = (match[1] or match[2]).translate(_INDICES)
    return f"{'^' if match[1] else '_'}{said if len(said) == 1 else f'{{{said}}}'}"


def _calls(text: str) -> str:
    """sqrt(...) and ^(...) with braces for their brackets, however deep they are nested."""
    for _ in range(_MAX_CALLS):
        found = _CALL.search(text)
        if found is None:
            break
        depth, end = 1, found.end()
        while end < len(text) and depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        if depth:
            break
        opening = "^{" if found.group()[0] == "^" else r"\sqrt{"
        text = f"{text[: found.start()]}{opening}{text[found.end() : end - 1]}}}{text[end:]}"
    return text


def to_latex(text: str) -> str:
    r"""Keyboard mathematics or LaTeX to one line of LaTeX between dollar signs.

    Example:
        >>> to_latex("2*sqrt(3)/pi"), to_latex("x**2 >= 10"), to_latex(r"2 + \frac\pi 2")
        ('$2\\cdot \\sqrt{3}/\\pi $', '$x^2 \\ge  10$', '$2 + \\frac{\\pi}{2}$')
        >>> to_latex("{1, 2}"), to_latex(r"\{x \mid x < 2\}"), to_latex("[[1, 2], [3, 4]]")
        ('$\\{1, 2\\}$', '$x < 2$', '$\\begin{pmatrix}1& 2\\\\3& 4\\end{pmatrix}$')
    """
    text = " ".join(text.split())
    if text.startswith("[[") and text.endswith("]]"):
        rows = [row.replace(",", "&") for row in _ROW.findall(text)]
        return r"$\begin{pmatrix}" + r"\\".join(rows) + r"\end{pmatrix}$"
    text = _calls(_braces(text))
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    return f"${text}$"


def _braces(text: str) -> str:
    """A set in bare braces with LaTeX ones, and {x | relation} as its relation."""
    for opening, closing in (("\\{", "\\}"), ("{", "}")):
        inside = text[len(opening) : -len(closing)]
        if text.startswith(opening) and text.endswith(closing) and "{" not in inside:
            builder = _BUILDER.match(inside)
            one_relation = builder and "," not in inside and re.search(r"[<>=]|\\[lg]e", inside)
            return inside[builder.end() :].strip() if builder and one_relation else rf"\{{{inside}\}}"
    return text
