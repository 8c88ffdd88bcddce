"""The words of a trace in each language, so that a trace can be written in either, or change midway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Words:
    """The phrases that traces are made of.

    Attributes:
        guess: Guesses, with `{answer}`; they open alike, so that a guess is the likeliest way to begin.
        put: Between a column's sum and the digit to keep.
        carry: Before a carried 1.
        end: After a column without a carry.
        wait: Said when a slip is noticed.
        so: Opens the conclusion of a sum.
        no: After the last line of a countdown search, where it missed.
        next: After a line that missed, before another.
        yes: After what hit.
        full_stop: Closes a thought.
    """

    guess: tuple[str, ...]
    put: str
    carry: str
    end: str
    wait: tuple[str, ...]
    so: str
    no: str
    next: str
    yes: str
    full_stop: str


WORDS: dict[Language, Words] = {
    "en": Words(
        guess=("I guess {answer}.", "I think it is {answer}.", "I say {answer}.", "I see {answer}."),
        put=" put ",
        carry=" carry 1;\n",
        end=";\n",
        wait=("wait, ", "no, wait, ", "mistake, "),
        so="So ",
        no=" no",
        next=" no;\n",
        yes=" yes",
        full_stop=".",
    ),
    "zh": Words(
        guess=("我猜{answer}。", "我想是{answer}。", "我说{answer}。", "我看是{answer}。"),
        put="写",
        carry="进1；\n",
        end="；\n",
        wait=("等等，", "不对，", "错了，"),
        so="所以",
        no="不行",
        next="不行；\n",
        yes="对了",
        full_stop="。",
    ),
}
