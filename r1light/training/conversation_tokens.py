"""Conversations as rows to learn from: token ids, and marks on those that the model is to write."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, Protocol

from r1light.core.errors import DataError, ModelError
from r1light.core.progress import progress
from r1light.core.types import Message
from r1light.training.sft import SftRow

Turns = Literal["all", "last"]
"""Which assistant turns of a conversation are learnt."""

TooLong = Literal["refuse", "skip", "cut"]
"""What becomes of a row beyond the limit: an error, left out, or cut at the end."""

_log = logging.getLogger(__name__)
_MARKER = re.compile(r"\{%-?\s*generation\s*-?%\}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Text(Protocol):
    """What is learnt: a completion behind a text, or behind the turns of a conversation."""

    @property
    def where(self) -> str:
        """The place to name in an error."""
        ...

    @property
    def prompt(self) -> str | None:
        """The text, or None where there are turns."""
        ...

    @property
    def messages(self) -> tuple[Message, ...]:
        """The turns before the completion; none where there is a text."""
        ...

    @property
    def completion(self) -> str:
        """What is to be written."""
        ...


@dataclass(slots=True)
class ConversationEncoder:
    """Turns texts and conversations into rows.

    A text and its completion are encoded apart, as a model that is asked to complete the text sees them, and
    the end token follows. A conversation goes through the tokenizer's chat template, whose generation markers
    say what the assistant writes, the end of its turn included.

    Attributes:
        tokenizer: A transformers tokenizer.
        turns: Which assistant turns of a conversation are learnt.
        saw_turns: Whether a conversation has gone through it.
    """

    tokenizer: Any
    turns: Turns = "all"
    saw_turns: bool = False

    def example(self) -> str | None:
        """How a prompt looks: None for the chat template's, "" where it has the form of the rows' texts."""
        return None if self.saw_turns else ""

    def row(self, text: Text) -> SftRow:
        """One text or conversation as a row.

        Raises:
            DataError: It has no target, or a message holds a token that only the template may write.
            ModelError: The chat template cannot say what the assistant writes.
        """
        if text.prompt is not None:
            return self._of_text(text.prompt, text.completion, text.where)
        self.saw_turns = True
        return self._of_turns((*text.messages, Message("assistant", text.completion)), text.where)

    def _of_text(self, prompt: str, completion: str, where: str) -> SftRow:
        ids = self.tokenizer.encode(prompt, add_special_tokens=False)
        if not ids:
            raise DataError(f"{where}: the prompt is empty")
        own = [*self.tokenizer.encode(completion, add_special_tokens=False), self.tokenizer.eos_token_id]
        return SftRow((*ids, *own), (*[False] * len(ids), *[True] * len(own)))

    def _of_turns(self, messages: Sequence[Message], where: str) -> SftRow:
        self._check_template()
        for message in messages:
            for token in self._control_tokens():
                if token in message.content:
                    raise DataError(
                        f"{where}: the {message.role}'s turn holds {token!r}, which ends or begins turns; "
                        "take it out of the text"
                    )
        found = self.tokenizer.apply_chat_template(
            [{"role": message.role, "content": message.content} for message in messages],
            return_dict=True,
            return_assistant_tokens_mask=True,
        )
        marks = [bool(mark) for mark in found["assistant_masks"]]
        if self.turns == "last":
            marks = _only_last(marks)
        if not any(marks) or marks[0]:
            raise DataError(f"{where}: the chat template marks nothing in it as the assistant's")
        end = max(index for index, mark in enumerate(marks) if mark)  # nothing after it teaches anything
        return SftRow(tuple(found["input_ids"][: end + 1]), tuple(marks[: end + 1]))

    def _check_template(self) -> None:
        """Refuse a tokenizer whose chat template does not say what the assistant writes.

        Raises:
            ModelError: It has no template, or one without generation markers.
        """
        template = self.tokenizer.chat_template
        remedy = "give one by stage.chat_template=chatml or stage.chat_template=FILE"
        if not template:
            raise ModelError(f"the tokenizer has no chat template; {remedy}")
        if not _MARKER.search(template):
            raise ModelError(
                "the tokenizer's chat template does not mark what the assistant writes by {% generation %} "
                f"and {{% endgeneration %}}, and nothing says what is to be learnt; {remedy}"
            )

    def end_of_turn(self) -> int:
        """The id that ends an assistant's turn, at which generation has to stop.

        Raises:
            ModelError: The turn does not end with one special token.
        """
        row = self._of_turns([Message("user", "1"), Message("assistant", "1")], "the chat template")
        last = row.input_ids[-1]
        added = self.tokenizer.added_tokens_decoder.get(last)
        if added is None or not added.special:
            raise ModelError(
                f"the chat template ends the assistant's turn with {self.tokenizer.decode([last])!r}, which "
                "is no special token of this tokenizer: generation could not stop there"
            )
        return last

    def _control_tokens(self) -> list[str]:
        return [str(token) for token in self.tokenizer.added_tokens_decoder.values() if token.special]


def encoded(
    texts: Sequence[Text], encoder: ConversationEncoder, limit: int, too_long: TooLong
) -> list[SftRow]:
    """All texts as rows of at most `limit` tokens, in their order; says how many were too long.

    Raises:
        DataError: A row cannot be learnt from, or is too long where that is refused.
        ModelError: The chat template cannot say what the assistant writes.
    """
    rows, long = [], 0
    with progress(max(len(texts), 1), "rows encoded") as bar:
        for text in texts:
            row = encoder.row(text)
            bar.advance()
            if len(row.input_ids) > limit:
                long += 1
                if too_long == "refuse":
                    raise DataError(
                        f"{text.where} has {len(row.input_ids)} tokens, and {limit} are the most; raise "
                        "stage.max_length where the model can, or take stage.too_long=skip or cut"
                    )
                if too_long == "skip" or not any(row.target[:limit]):
                    continue
                row = SftRow(row.input_ids[:limit], row.target[:limit])
            rows.append(row)
    if long:
        done = "left out" if too_long == "skip" else "cut, or left out where nothing to learn remained"
        _log.warning("%d of %d rows have more than %d tokens: %s", long, len(texts), limit, done)
    return rows


def _only_last(marks: Sequence[bool]) -> list[bool]:
    """The last run of marks alone."""
    runs = [(mark, len(list(run))) for mark, run in groupby(marks)]
    last = max((index for index, (mark, _) in enumerate(runs) if mark), default=-1)
    return [mark and index == last for index, (mark, length) in enumerate(runs) for _ in range(length)]


def mask_preview(row: SftRow, decode: Callable[[Sequence[int]], str]) -> str:
    r"""A row as text, what is learnt between ⟦ and ⟧; control characters are escaped.

    Args:
        row: The row.
        decode: Ids to text, special tokens included.

    Example:
        >>> mask_preview(SftRow((65, 66, 27), (False, True, True)), lambda ids: "".join(map(chr, ids)))
        'A⟦B\\x1b⟧'
    """
    return "".join(_segments(row, decode))


def _segments(row: SftRow, decode: Callable[[Sequence[int]], str]) -> Iterator[str]:
    start = 0
    for mark, run in groupby(row.target):
        end = start + len(list(run))
        text = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", decode(row.input_ids[start:end]))
        yield f"⟦{text}⟧" if mark else text
        start = end
