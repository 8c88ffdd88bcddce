r"""Where in a text the answer stands: in `<answer>`, in the last `\boxed{}`, or in its last expression.

All of it is linear in the length of the text, which may be a whole completion.
"""

from __future__ import annotations

import re
from collections import deque

LAST_EXPRESSION = "last_expression"
"""What a problem's `meta["answer_from"]` says where the last formula or number of a text is its answer."""

MARKED_LINE = "marked_line"
"""What it says where the last line "Answer: ..." holds the answer, if there is one."""

_TAIL_CHARS = 8192
"""How far from the end the last expression is looked for."""
_BOXES = ("\\boxed", "\\fbox")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_BARE_BOX = re.compile(r"\s+([^\s${}\\]+)")
_MARK = re.compile(
    r"^[ \t>*_#-]{0,16}(?:(?:the[ ])?(?:final[ ]|correct[ ])?answer|(?:最终|正确|所以)?答案)"
    r"[ *_]{0,4}[:：][ \t*_]{0,8}",
    re.IGNORECASE | re.MULTILINE,
)
_EXPRESSION = re.compile(
    r"\$\$(?P<a>[^$]{1,2000})\$\$|\$(?P<b>(?:[^$\\]|\\.){1,2000})\$(?!\d)|\\\((?P<c>[^$]{1,2000}?)\\\)"
    r"|\\\[(?P<d>[^$]{1,2000}?)\\\]"
    r"|(?<![\w.])(?P<e>[-+]?[$€£¥]?[-+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s*/\s*\d+)?\s*(?:%|\\%)?)",
    re.DOTALL,
)


def final_part(text: str) -> str:
    r"""The part of a completion that holds its answer, without tags and boxes.

    The thought before the last `</think>` is left out. Of several `<answer>` blocks the last counts (one that
    is not closed runs to the end), and of several boxes the last that closes; a last box that does not close
    counts for nothing, and so does every box before it.

    Example:
        >>> final_part(r"<think>\boxed{1}</think> so <answer> it is \boxed{\frac{2}{3}} </answer>")
        '\\frac{2}{3}'
        >>> final_part("the sum is 5")
        'the sum is 5'
    """
    text = _untagged(text)
    boxed = last_boxed(text)
    return text.strip() if boxed is None else boxed


def marked_answer(text: str) -> str | None:
    r"""What follows the last "Answer:" that begins a line, to the end; None where no line begins so.

    The thought and what stands around `<answer>` are left out first. "答案：" and "Final answer:" count too.

    Example:
        >>> marked_answer("Answer: A? No.\n**Answer: B**"), marked_answer("The answer is B")
        ('B**', None)
    """
    text = _untagged(text)
    last = deque(_MARK.finditer(text), maxlen=1)
    return text[last[0].end() :].strip() if last else None


def marked_line(text: str) -> str:
    r"""The part of a text that holds its answer: the line behind the last "Answer:", or as `final_part`.

    Example:
        >>> marked_line(r"As \boxed{4} is even:\nAnswer: C"), marked_line("C")
        ('C', 'C')
    """
    marked = marked_answer(text)
    return final_part(marked.partition("\n")[0] if marked else text)


def _untagged(text: str) -> str:
    """A completion without its thought, and of `<answer>` blocks the last."""
    text = text[text.rfind("</think>") + len("</think>") :] if "</think>" in text else text
    start = text.rfind("<answer>")
    return text if start < 0 else text[start + len("<answer>") :].partition("</answer>")[0]


def last_boxed(text: str) -> str | None:
    r"""The inside of the last `\boxed{...}` or `\fbox{...}`, or None where it does not close or none stands.

    Example:
        >>> last_boxed(r"\boxed{1} and \boxed{\frac{2}{3}}"), last_boxed(r"\boxed{1"), last_boxed(r"\boxed 5")
        ('\\frac{2}{3}', None, '5')
    """
    start = max(text.rfind(box) for box in _BOXES)
    if start < 0:
        return None
    start = start + len("\\boxed" if text.startswith("\\boxed", start) else "\\fbox")
    bare = _BARE_BOX.match(text, start)
    if bare:
        return bare[1]
    depth, opened = 0, None
    for brace in _BRACE.finditer(text, start):
        if opened is None:
            if text[start : brace.start()].strip() or brace.group() != "{":
                return None
            opened = brace.end()
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if depth == 0:
            return text[opened : brace.start()]
    return None


def last_expression(text: str) -> str:
    """The last formula between dollar signs or number outside of one; the text itself where there is none.

    Example:
        >>> last_expression("From $x=3$ follows 2x = 6 apples."), last_expression("We get $x^2$ then.")
        ('6', 'x^2')
    """
    if len(text) > _TAIL_CHARS:
        text = text[-_TAIL_CHARS:].partition("\n")[2] or text[-_TAIL_CHARS:]  # a whole line begins it
    last = deque(_EXPRESSION.finditer(text), maxlen=1)
    return next(filter(None, last[0].groups()), text).strip() if last else text
