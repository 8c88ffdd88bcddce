r"""Mathematics as it is typed on a keyboard or in Unicode, brought to LaTeX that the algebra system reads."""

from __future__ import annotations

import re

_UNICODE = {
    "−": "-", "–": "-", "—": "-", "×": r"\times ", "÷": "/", "·": r"\cdot ", "⋅": r"\cdot ", "π": r"\pi ",
    "θ": r"\theta ", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "∪": r"\cup ", "∩": r"\cap ",
    "∈": r"\in ", "∅": r"\emptyset ", "±": r"\pm ", "²": "^2", "³": "^3", "½": r"\frac{1}{2}",
    "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}", "\u00a0": " ",
    "’": "'", "≈": r"\approx ",
}  # fmt: skip
_UNICODE |= {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)}  # full-width forms
_TABLE = str.maketrans(_UNICODE)
_ROOT = re.compile(r"√\s*(?:\(([^()]*)\)|(\d+(?:\.\d+)?|\w))")

_DEGREES = re.compile(
    r"(\\(?:sin|cos|tan|cot|sec|csc)(?:\s*\^\s*\{?\s*[0-9]\s*\}?)?)\s*(?:\\left)?\s*[({]?\s*"
    r"([0-9]+(?:\.[0-9]+)?)\s*\^\s*\{?\s*\\circ\s*\}?\s*(?:\\right)?\s*[)}]?"
)
_REWRITES = (
    (re.compile(r"\\(?:!|;|:|quad|qquad)(?![a-zA-Z])|\\\$"), ""),
    (re.compile(r"^(?:\\approx(?![a-zA-Z])|~)\s*"), ""),
    (re.compile(r"\\frac\s*(\\[a-zA-Z]+)\s*([0-9a-zA-Z])(?![a-zA-Z])"), r"\\frac{\1}{\2}"),
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
    (re.compile(r"(?<!\\)\bsqrt\s*\(([^()]*)\)"), r"\\sqrt{\1}"),
    (re.compile(r"\^\s*\(([^()]*)\)"), r"^{\1}"),
    (re.compile(r"\^\s*(-?\d{2,})"), r"^{\1}"),
    (
        re.compile(
            r"(?<![\\a-zA-Z])(sin|cos|tan|cot|sec|csc|arcsin|arccos|arctan|log|ln|pi|theta|infty|alpha|beta|gamma)"
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
    text = _ROOT.sub(lambda match: rf"\sqrt{{{match[1] or match[2]}}}", text)
    return text.translate(_TABLE)


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
    text = _braces(text)
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
