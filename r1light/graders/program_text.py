"""The program in an answer: what stands in its last code block, or all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

LABELS: Mapping[str, frozenset[str]] = {
    "python": frozenset(["python", "python3", "py", "py3", "pypy", "pypy3"]),
    "cpp": frozenset(["cpp", "c++", "cc", "cxx", "c++11", "c++14", "c++17", "c++20", "cpp17", "cpp20"]),
}
"""By programming language, the words behind a fence that name it."""

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([^`\n]*)")
_FUTURE = re.compile(r"from __future__ import [^\n]*\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced code block.

    Attributes:
        label: The first word behind the opening fence, in lower case.
        text: What stands between the fences.
    """

    label: str
    text: str


def program_in(answer: str, language: str) -> str:
    r"""The program that an answer gives.

    The last fenced block that is labelled with the language or not labelled at all: what a model marks as
    something else, such as `text` for sample output, is no program. Where all blocks are so marked, the last.
    A block whose end was cut off ends with the answer. An answer without a fence is a program as it stands.

    Example:
        >>> program_in("So:\n```python\nprint(5)\n```\nIt prints\n```text\n5\n```", "python")
        'print(5)\n'
        >>> program_in("print(5)", "python")
        'print(5)'
    """
    blocks = list(blocks_in(answer))
    if not blocks:
        return answer
    fitting = [block for block in blocks if not block.label or block.label in LABELS[language]]
    return (fitting or blocks)[-1].text


def blocks_in(text: str) -> Iterator[Block]:
    """The fenced code blocks of a Markdown text, in order.

    A fence is three or more backticks or tildes at the start of a line; the closing one is as long or longer,
    of the same character, and alone on its line.
    """
    fence, label, lines = "", "", list[str]()
    for line in text.splitlines(keepends=True):
        match = _FENCE.fullmatch(line.rstrip())
        if not fence:
            if match:
                fence, lines = match[1], []
                label = (match[2].lower().split() or [""])[0].strip("{}.")
        elif match and match[1].startswith(fence) and not match[2]:
            yield Block(label, "".join(lines))
            fence = ""
        else:
            lines.append(line)
    if fence:
        yield Block(label, "".join(lines))


def with_prelude(prelude: str, code: str) -> str:
    """A Python program after what a problem states before it: imports and helper functions.

    Imports from `__future__` go first, where Python wants them.
    """
    if not prelude.strip():
        return code
    future = "".join(found.rstrip("\n") + "\n" for found in _FUTURE.findall(code))
    return f"{future}{prelude.rstrip()}\n\n{_FUTURE.sub('', code)}"
