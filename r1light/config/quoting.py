"""Texts in Hydra's grammar, so that nothing in them is grammar."""

from __future__ import annotations

import re

_TEXT = re.compile(r"(\+{0,2}stage\.prompt=)(.*)", re.DOTALL)
"""What is taken as it is written."""
_BEYOND_ASCII = re.compile(r"([^=]+=)([^,'\"()\[\]{}\\$]*[^\x00-\x7f,][^,'\"()\[\]{}\\$]*)")
"""Letters that Hydra knows in quotes alone, and none of its own signs."""


def quoted(text: str) -> str:
    r"""A text in quotes.

    Example:
        >>> quoted("it's")
        "'it\\'s'"
    """
    # backslashes before a quote, and those at the end, are doubled: only there are they grammar
    inner = re.sub(r"(\\*)('|\Z)", lambda each: each[1] * 2 + ("\\'" if each[2] else ""), text)
    return f"'{inner}'"


def with_quotes(line: str) -> str:
    r"""An override whose value is plainly a text, in Hydra's quotes: a question, or a path with an umlaut.

    Example:
        >>> [with_quotes(line) for line in ("stage.prompt=Is it a, or b?", "data.path=ä.jsonl", "seed=1")]
        ["stage.prompt='Is it a, or b?'", "data.path='ä.jsonl'", 'seed=1']
    """
    found = _TEXT.fullmatch(line)
    if found is None:
        found = _BEYOND_ASCII.fullmatch(line)
    if found is None or found[2] == "null" or re.fullmatch(r"(['\"]).*\1", found[2], re.DOTALL):
        return line
    return found[1] + quoted(re.sub(r"(\\*)\$\{", lambda each: each[1] * 2 + r"\${", found[2]))


def needs_quotes(line: str) -> str:
    """What to say of an override that cannot be read and has letters beyond ASCII; else nothing."""
    key, _, value = line.partition("=")
    if value.isascii() or "'" in value or '"' in value:
        return ""
    return f"""; a text with letters beyond ASCII stands in quotes, such as "{key}='ä'\""""
