"""Pairs and judged answers as rows of token ids, those that are too long refused, left out or cut."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from r1light.core.errors import DataError
from r1light.core.progress import progress
from r1light.core.types import Message
from r1light.models.scorer import TurnEncoder
from r1light.training.reward_model import JudgedRow, PairRow, ScoredText

TooLong = Literal["refuse", "skip", "cut"]
"""What becomes of a text beyond the limit: an error, left out, or its beginning cut off."""

_log = logging.getLogger(__name__)

R = TypeVar("R", PairRow, JudgedRow)


class PairText(Protocol):
    """A pair; see `data.preferences.Pair`."""

    @property
    def where(self) -> str:
        """The place to name in an error."""
        ...

    @property
    def messages(self) -> tuple[Message, ...]:
        """The turns before the answers."""
        ...

    @property
    def chosen(self) -> str:
        """The better answer."""
        ...

    @property
    def rejected(self) -> str:
        """The other."""
        ...


class JudgedText(Protocol):
    """A judged answer; see `data.preferences.Judged`."""

    @property
    def where(self) -> str:
        """The place to name in an error."""
        ...

    @property
    def messages(self) -> tuple[Message, ...]:
        """The turns before the answer."""
        ...

    @property
    def response(self) -> str:
        """The answer."""
        ...

    @property
    def safe(self) -> bool:
        """Whether it is."""
        ...


@dataclass(slots=True)
class RowMaker:
    """Makes rows of at most so many tokens, and counts those that were longer.

    Attributes:
        encode: Conversations to ids.
        limit: The most tokens of a text.
        too_long: What becomes of longer ones. Cut is the beginning, so that the end of the answer, where the
            score is read, stays.
        long: Rows that were too long.
    """

    encode: TurnEncoder
    limit: int
    too_long: TooLong
    long: int = 0

    def pairs(self, texts: Sequence[PairText]) -> list[PairRow]:
        """All pairs that may be learnt from, in their order.

        Raises:
            DataError: One is too long where that is refused.
        """
        made = []
        with progress(max(len(texts), 1), "pairs encoded") as bar:
            for text in texts:
                chosen, rejected = (self._text(text, answer) for answer in (text.chosen, text.rejected))
                bar.advance()
                if self._fits(text.where, chosen, rejected):
                    made.append(PairRow(text.where, self._cut(chosen), self._cut(rejected)))
        return self._told(made, len(texts))

    def judged(self, texts: Sequence[JudgedText]) -> list[JudgedRow]:
        """All judged answers that may be learnt from, in their order.

        Raises:
            DataError: One is too long where that is refused.
        """
        made = []
        with progress(max(len(texts), 1), "answers encoded") as bar:
            for text in texts:
                found = self._text(text, text.response)
                bar.advance()
                if self._fits(text.where, found):
                    prompt = "\n".join(turn.content for turn in text.messages)
                    made.append(JudgedRow(text.where, self._cut(found), text.safe, prompt))
        return self._told(made, len(texts))

    def _text(self, text: PairText | JudgedText, answer: str) -> ScoredText:
        ids = self.encode((*text.messages, Message("assistant", answer)))
        return ScoredText(ids, self.encode.length(answer))

    def _fits(self, where: str, *texts: ScoredText) -> bool:
        """Whether a row is taken; a long one is counted."""
        longest = max(len(text.input_ids) for text in texts)
        if longest <= self.limit:
            return True
        self.long += 1
        if self.too_long == "refuse":
            raise DataError(
                f"{where} has {longest} tokens, and {self.limit} are the most; raise stage.max_length where "
                "the model can, or take stage.too_long=skip or cut"
            )
        return self.too_long == "cut"

    def _cut(self, text: ScoredText) -> ScoredText:
        return ScoredText(text.input_ids[-self.limit :], text.answer_tokens)

    def _told(self, made: list[R], of: int) -> list[R]:
        if self.long:
            done = "left out" if self.too_long == "skip" else "cut to their last tokens"
            _log.warning("%d of %d rows have more than %d tokens: %s", self.long, of, self.limit, done)
        return made
