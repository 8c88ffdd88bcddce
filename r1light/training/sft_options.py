"""What learning to write from texts is told. Imports no torch, so that a configuration is checked fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from r1light.training.supervised_options import SupervisedOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class SftOptions(SupervisedOptions):
    """What is learnt from rows, besides how (`SupervisedOptions`)."""

    max_length: int | None = None
    """The longest row, in tokens (the paper: 32,768); null for the model's context."""
    too_long: Literal["refuse", "skip", "cut"] = "refuse"
    """What becomes of longer rows: an error, left out and counted, or cut at the end and counted."""
    turns: Literal["all", "last"] = "all"
    """The assistant's turns of a conversation that are learnt."""
    packed: bool = False
    """Whether several rows share a line of a forward pass, without seeing one another."""
    chat_template: str | None = None
    """The template of conversations: chatml, a Jinja file, or null for the tokenizer's own. It is saved with
    the model."""
    preview_rows: int = 4
    """Rows, evenly spread, shown with what is learnt in them marked, in the log and in mask_preview.txt."""

    def __post_init__(self) -> None:
        SupervisedOptions.__post_init__(self)
        if self.max_length is not None and self.max_length < 2:
            raise ValueError(f"max_length={self.max_length} must be at least 2, or null")
        if self.preview_rows < 0:
            raise ValueError(f"preview_rows={self.preview_rows} must not be negative")
