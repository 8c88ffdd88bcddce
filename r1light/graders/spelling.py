r"""Mathematics as it is typed on a keyboard or in Unicode, brought to LaTeX."""

from __future__ import annotations

import re

_UNICODE = {
    "−": "-", "–": "-", "—": "-", "×": r"\times ", "÷": "/", "·": r"\cdot ", "⋅": r"\cdot ", "π": r"\pi ",
    "θ": r"\theta ", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "∪": r"\cup ", "∩": r"\cap ",
    "∈": r"\in ", "∅": r"\emptyset ", "±": r"\pm ", "²": "^2", "³": "^3", "½": r"\frac{1}{2}",
    "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}", "\u00a0": " ",
    "’": "'",
}  # fmt: skip
_UNICODE |= {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)}  # full-width forms
_TABLE = str.maketrans(_UNICODE)

_ROOT = re.compile(r"√\s*(?:\(([^()]*)\)|(\d+(?:\.\d+)?|\w))")
_SQRT = re.compile(r"(?<!\\)\bsqrt\s*\(([^()]*)\)")
_FUNCTION = re.compile(
    r"(?<![\\a-zA-Z])(sin|cos|tan|cot|sec|csc|arcsin|arccos|arctan|log|ln|pi|theta|infty|alpha|beta|gamma)(?![a-zA-Z])"
)
_POWER = re.compile(r"\^\s*\(([^()]*)\)|\^\s*(-?\d{2,})")
_ROW = re.compile(r"\[([^\[\]]*)\]")


def unicode_to_latex(text: str) -> str:
    r"""Replace mathematical and full-width characters.

    Example:
        >>> unicode_to_latex("x ≤ √2"), unicode_to_latex("３．５％")
        ('x \\le  \\sqrt{2}', '3.5%')
    """
    text = _ROOT.sub(lambda match: rf"\sqrt{{{match[1] or match[2]}}}", text)
    return text.translate(_TABLE)


def to_latex(text: str) -> str:
    r"""Keyboard mathematics to LaTeX; what is LaTeX already stays as it is.

    Example:
        >>> to_latex("2*sqrt(3)/pi"), to_latex("x**2 >= 10"), to_latex(r"\frac{1}{2}")
        ('2\\cdot \\sqrt{3}/\\pi ', 'x^2 \\ge  10', '\\frac{1}{2}')
        >>> to_latex("{1, 2}"), to_latex("[[1, 2], [3, 4]]")
        ('\\{1, 2\\}', '\\begin{pmatrix}1& 2\\\\3& 4\\end{pmatrix}')
    """
    text = text.strip()
    if text.startswith("{") and text.endswith("}") and "{" not in text[1:]:
        text = rf"\{{{text[1:-1]}\}}"
    if text.startswith("[[") and text.endswith("]]"):
        rows = [row.replace(",", "&") for row in _ROW.findall(text)]
        return r"\begin{pmatrix}" + "\\\\".join(rows) + r"\end{pmatrix}"
    text = text.replace("**", "^").replace("*", r"\cdot ").replace("<=", r"\le ").replace(">=", r"\ge ")
    text = text.replace("!=", r"\ne ")
    text = _SQRT.sub(r"\\sqrt{\1}", text)
    text = _POWER.sub(lambda match: f"^{{{match[1] or match[2]}}}", text)
    return _FUNCTION.sub(r"\\\1 ", text)
