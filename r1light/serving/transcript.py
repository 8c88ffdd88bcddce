"""One completion as it grows: text that can no longer change, with the tokens that it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from r1light.core.protocols import Decode
from r1light.rollout.live import Written
from r1light.rollout.streaming import TextStream


@dataclass(frozen=True, slots=True)
class Piece:
    """What has become certain.

    Attributes:
        text: The text.
        tokens: Its tokens, each with the place in the whole text where it begins, in characters.
    """

    text: str
    tokens: tuple[tuple[int, Written], ...] = ()


class Transcript:
    """Holds back half characters, and what may be the beginning of a stop string.

    The pieces joined are the completion's text. An end token, and tokens behind a stop string's beginning,
    are in no piece.
    """

    def __init__(self, decode: Decode, stop: Sequence[str]) -> None:
        """Begin a text.

        Args:
            decode: Ids to text, as the engine's.
            stop: The strings that end it.
        """
        self._stream = TextStream(decode)
        self._stop = tuple(stop)
        self._certain = ""
        self._given = 0
        self._tokens: list[tuple[int, Written]] = []

    def add(self, written: Written) -> Piece:
        """The piece that a token makes certain; of the last token all that is left."""
        begins = len(self._certain)
        self._tokens.append((begins, written))
        completion = written.completion
        if completion is None:
            self._certain += self._stream.add(written.token)
            return self._give(self._certain, len(self._certain) - self._held())
        whole = completion.text
        keep_all = completion.finish_reason == "length"
        return self._give(whole, len(whole), keep_all=keep_all)

    def _held(self) -> int:
        """Characters at the end that begin a stop string."""
        longest = max(map(len, self._stop), default=1) - 1
        tail = self._certain[self._given :][-longest:] if longest else ""
        for start in range(len(tail)):
            if any(stop.startswith(tail[start:]) for stop in self._stop):
                return len(tail) - start
        return 0

    def _give(self, text: str, end: int, *, keep_all: bool = False) -> Piece:
        piece, self._given = text[self._given : end], max(self._given, end)
        ready = len(self._tokens)
        if not keep_all:
            ready = next((at for at, (begins, _) in enumerate(self._tokens) if begins >= end), ready)
        tokens, self._tokens = tuple(self._tokens[:ready]), self._tokens[ready:]
        return Piece(piece, tokens)
