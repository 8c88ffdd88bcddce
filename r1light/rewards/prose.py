"""A text without what is in no human language: code, formulas, addresses, identifiers and numbers.

Every pass is linear in the length of the text, whatever a model wrote. A fence or formula that is opened and
never closed stays: one backtick must not hide the rest of a thought.
"""

from __future__ import annotations

import re
import unicodedata

_PAIRS = (
    ("```", "```"),
    ("~~~", "~~~"),
    ("$$", "$$"),
    (r"\[", r"\]"),
    (r"\(", r"\)"),
    (r"\begin{", r"\end{"),
)
_END = re.compile(r"\\end\{\w{1,20}\*?\}")
_INLINE = re.compile(
    r"`[^`\n]+`"  # code
    r"|\$(?![\s$])[^$\n]*(?<![\s\\])\$(?!\d)"  # a formula, and not two prices
    r"|(?<![a-z])https?://[!-~]+|(?<![\w.])www\.[!-~]+"
    r"|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|</?[A-Za-z][^<>\n]{0,100}>"  # markup
    r"|\\[A-Za-z]+"  # a command of LaTeX; what stands in its braces is text
)
_ASCII_WORD = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z0-9_]+")


def prose(text: str) -> str:
    r"""The text in Unicode's form NFKC, with a space for each code block, formula, address or identifier.

    An identifier is a word of ASCII with a digit or an underscore in it, such as `x1` or `max_len`.

    Example:
        >>> prose("Let $x+1=y$, so `f(x)` is 3.").split()
        ['Let', ',', 'so', 'is', '.']
    """
    text = _END.sub(r"\\end{", unicodedata.normalize("NFKC", text))
    for opening, closing in _PAIRS:
        text = _without(text, opening, closing)
    return _ASCII_WORD.sub(_plain_word, _INLINE.sub(" ", text))


def _without(text: str, opening: str, closing: str) -> str:
    """The text without what stands between the two marks, and without them."""
    kept, at = [], 0
    while (start := text.find(opening, at)) >= 0:
        end = text.find(closing, start + len(opening))
        if end < 0:
            break
        kept.append(text[at:start])
        at = end + len(closing)
    return " ".join([*kept, text[at:]])


def _plain_word(match: re.Match[str]) -> str:
    return match[0] if match[0].isalpha() else " "
