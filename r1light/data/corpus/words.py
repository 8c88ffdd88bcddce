"""The words of a trace in each language, so that a trace can be written in either, or change midway."""

from __future__ import annotations

import random
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
        same: Between two differences and what follows from their being alike.
        differ: The same where they are not.
        end_line: Closes a line of a thought about a program.
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
    same: str
    differ: str
    end_line: str


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
        same=" are the same",
        differ=" are not the same",
        end_line=";\n",
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
        same="一样",
        differ="不一样",
        end_line="；\n",
    ),
}

OWN_SHARE = 0.45
"""Thoughts that stay in the language of the question."""
OTHER_SHARE = 0.30
"""Thoughts that are in the other language; the rest change from line to line at some point."""
LAST_SWITCH = 3


@dataclass(frozen=True, slots=True)
class Tongue:
    """In which language a thought is written, line by line; drawn once a thought."""

    first: Language
    later: Language
    switch_at: int

    def at(self, line: int) -> Language:
        """The language of a line, counted from 0."""
        return self.later if line >= self.switch_at else self.first

    def words_at(self, line: int) -> Words:
        """The words of a line, counted from 0."""
        return WORDS[self.at(line)]


def random_tongue(rng: random.Random, question: Language) -> Tongue:
    """The language of a thought about a question in that language: its own, the other one, or both."""
    other: Language = "zh" if question == "en" else "en"
    kind = rng.random()
    if kind < OWN_SHARE:
        return Tongue(question, question, 0)
    if kind < OWN_SHARE + OTHER_SHARE:
        return Tongue(other, other, 0)
    return Tongue(question, other, rng.randint(1, LAST_SWITCH))
