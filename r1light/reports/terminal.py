"""What a model writes, on a terminal: its thoughts dimmed, and nothing in it that the terminal obeys."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TextIO

from r1light.reports.html import visible


def safe(text: str) -> str:
    r"""Text without control characters and bidirectional overrides, which are written out instead.

    Example:
        >>> safe("a\x1b[31mb\n")
        'a\u241b[31mb\n'
    """
    return text if text.isascii() and text.isprintable() else "".join(map(visible, text))


def styled(stream: TextIO) -> bool:
    """Whether text may be dimmed there: on a terminal that can, unless NO_COLOR says otherwise."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Thoughts:
    """Cuts a text that comes in pieces into what is thought and what is not.

    The markers themselves belong to the thought. The beginning of a marker at the end of a piece is held back
    until it is certain. One and the same marker may open and close.
    """

    def __init__(self, opening: str = "<think>", closing: str = "</think>") -> None:
        """Start outside a thought.

        Args:
            opening: The marker that begins one.
            closing: The marker that ends it.
        """
        self._markers = {False: opening, True: closing}
        self._inside = False
        self._held = ""

    def add(self, text: str) -> Iterator[tuple[str, bool]]:
        """The spans that are certain now, each with whether it is thought."""
        rest = self._held + text
        while (at := rest.find(self._markers[self._inside])) >= 0:
            end = at + len(self._markers[self._inside])
            before, marker, rest = rest[:at], rest[at:end], rest[end:]
            yield from self._span(before)
            yield marker, True
            self._inside = not self._inside
        keep = _common(rest, self._markers[self._inside])
        self._held = rest[len(rest) - keep :]
        yield from self._span(rest[: len(rest) - keep])

    def end(self) -> Iterator[tuple[str, bool]]:
        """What was held back."""
        held, self._held = self._held, ""
        yield from self._span(held)

    def _span(self, text: str) -> Iterator[tuple[str, bool]]:
        if text:
            yield text, self._inside


class Screen:
    """Writes spans of model text as they come."""

    def __init__(self, stream: TextIO) -> None:
        """Take a stream.

        Args:
            stream: Where to write; styled where it is a terminal.
        """
        self._stream = stream
        self._styled = styled(stream)

    def write(self, text: str, *, dim: bool = False) -> None:
        """Write text, made safe, at once."""
        shown = safe(text)
        self._stream.write(f"\x1b[2m{shown}\x1b[22m" if dim and self._styled else shown)
        self._stream.flush()


def _common(text: str, marker: str) -> int:
    """The length of the longest end of a text that a marker begins with, the whole marker apart."""
    longest = min(len(text), len(marker) - 1)
    return next((length for length in range(longest, 0, -1) if marker.startswith(text[-length:])), 0)
