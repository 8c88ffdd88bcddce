"""A single token as text and as bytes, for log-probabilities."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")  # a byte's token in SentencePiece vocabularies


class TokenText:
    """Spells the tokens of one tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def text(self, token: int) -> str:
        """The token alone; U+FFFD where it is part of a character."""
        text: str = self._tokenizer.decode([token], skip_special_tokens=False)
        return text

    def bytes(self, token: int) -> list[int] | None:
        """Its bytes; None where they cannot be told."""
        text = self.text(token)
        if "\ufffd" not in text:
            return list(text.encode())
        piece: str = self._tokenizer.convert_ids_to_tokens(token) or ""
        if match := _BYTE.fullmatch(piece):
            return [int(match[1], 16)]
        table = _byte_of_character()
        return [table[each] for each in piece] if piece and all(each in table for each in piece) else None


@lru_cache(maxsize=1)
def _byte_of_character() -> dict[str, int]:
    """How byte-level BPE writes bytes (Radford et al. 2019): printable ones plainly, others from U+0100."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + n): byte for n, byte in enumerate(others)}
