r"""Equality of texts as they are typeset: for answers that no algebra system reads, such as prose and cases.

A text is cut into tokens, and only what leaves the printed result alone is dropped: dollar signs, spacing,
`\left`, font and display commands, the full stop at the end. Digits that stand apart stay apart, so that two
texts that mean different values are never equal.
"""

from __future__ import annotations

import re

_DROPPED = frozenset([
    r"\left", r"\right", r"\bigl", r"\bigr", r"\big", r"\Big", r"\Bigl", r"\Bigr", r"\displaystyle",
    r"\textstyle", r"\limits", r"\quad", r"\qquad", r"\,", r"\;", r"\!", r"\:", r"\ ", "~", "$", "$$",
    r"\(", r"\)", r"\[", r"\]", r"\text", r"\textbf", r"\textit", r"\textrm", r"\mbox",
])  # fmt: skip
_SAME = {
    r"\dfrac": r"\frac", r"\tfrac": r"\frac", r"\cfrac": r"\frac", r"\leq": r"\le", r"\leqslant": r"\le",
    "≤": r"\le", r"\geq": r"\ge", r"\geqslant": r"\ge", "≥": r"\ge", r"\neq": r"\ne", "≠": r"\ne",
    r"\lvert": "|", r"\rvert": "|", r"\mid": "|", r"\vert": "|", r"\to": r"\rightarrow", r"\cdots": r"\ldots",
    r"\dots": r"\ldots", "−": "-", "–": "-", "∞": r"\infty", "π": r"\pi", "×": r"\times", "∪": r"\cup",
    "∈": r"\in", r"\lt": "<", r"\gt": ">", r"\varnothing": r"\emptyset", "，": ",", "（": "(", "）": ")",
    "：": ":", "；": ";", r"\%": "%",
}  # fmt: skip
_TOKEN = re.compile(
    r"\\(?:[a-zA-Z]+|.)|\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?|[^\W\d_]+|\$\$|\S", re.DOTALL
)
_MERELY_GROUPED = re.compile(
    r"([\^_]\s*)\{\s*([0-9a-zA-Z])\s*\}|\\(?:text|mbox|textbf|textrm)\s*\{([^{}]*)\}"
)
_END = frozenset([".", ",", ";", "。"])
_DANGLING = frozenset("+-*/=^_<>") | {
    r"\times", r"\cdot", r"\pm", r"\frac", r"\sqrt", r"\le", r"\ge", r"\ne"
}  # fmt: skip
_PAIRS = (("{", "}"), (r"\left", r"\right"), (r"\begin", r"\end"))
_LONG_WORD = 3


def tokens(text: str) -> tuple[str, ...]:
    r"""The tokens of a text that count when it is compared.

    A capital at the head of a word of three letters or more does not count; ABC and abc are not the same.

    Example:
        >>> tokens(r"$\left(-\infty, 2\right]$.") == tokens(r"(-\infty,2]"), tokens("4 2") == tokens("42")
        (True, False)
    """
    text = _MERELY_GROUPED.sub(lambda match: match[1] + match[2] + " " if match[1] else f" {match[3]} ", text)
    found = [_SAME.get(token, token) for token in _TOKEN.findall(text) if token not in _DROPPED]
    while found and found[-1] in _END:
        found.pop()
    return tuple(map(_without_capital, found))


def _without_capital(token: str) -> str:
    return token.lower() if len(token) >= _LONG_WORD and token[1:].islower() else token


def illegible(text: str) -> str | None:
    r"""Why a text cannot be a reference answer even as a text, or None: it says nothing or breaks off.

    Example:
        >>> illegible(r"\frac{1}{"), illegible("$"), illegible("x +"), illegible("for all $n > 0$")
        ("'{' without '}'", 'it holds no letter and no digit', "it ends in '+'", None)
    """
    all_tokens = _TOKEN.findall(text)
    for opening, closing in _PAIRS:
        if all_tokens.count(opening) != all_tokens.count(closing):
            return f"{opening!r} without {closing!r}"
    counted = tokens(text)
    if not any(character.isalnum() for token in counted for character in token):
        return "it holds no letter and no digit"
    return f"it ends in {counted[-1]!r}" if counted[-1] in _DANGLING else None
