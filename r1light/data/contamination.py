"""Evaluation data, and the training rows that hold something of them.

A training row is contaminated if ten words in a row of its prompt, its completion, its reference answer or
solution stand in a text of the evaluation data, or if its whole prompt is an evaluation prompt of fewer than
ten words, spelling apart. Paraphrases and translations are not found, nor is a short prompt that stands
inside a longer text, such as one that a template has been put around.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from r1light.core.types import Message, Problem
from r1light.data.conversations import Conversation
from r1light.data.grams import GRAM, runs, words
from r1light.data.rows import Row
from r1light.data.splits import canonical

QUESTIONS = ("question", "problem", "prompt", "instruction")
"""Columns of a file that may hold the prompt, the first that a row has: what a short one is told by."""
_NAMES = ("role", "from", "id", "where", "grader", "language")  # of things: no text


@dataclass(frozen=True, slots=True)
class Texts:
    """What a row says.

    Attributes:
        prompts: What it asks, each in one piece.
        others: The rest: completions, answers, solutions.
    """

    prompts: Sequence[str]
    others: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """What a training row has in common with evaluation data.

    Attributes:
        text: Ten words in a row, or the whole prompt, in canonical form.
        where: An evaluation row that has it.
    """

    text: str
    where: str


class EvaluationTexts:
    """The 10-grams and the short prompts of evaluation data; holds them alone in memory."""

    def __init__(self) -> None:
        self._runs: dict[str, str] = {}
        self._short: dict[str, str] = {}
        self.rows = 0

    def add(self, where: str, texts: Texts) -> None:
        """Take a row in.

        Args:
            where: The place to name.
            texts: What it says.
        """
        self.rows += 1
        for text in texts.prompts:
            plain = canonical(text)
            if 0 < len(words(plain)) < GRAM:
                self._short.setdefault(plain, where)
        for text in (*texts.prompts, *texts.others):
            for run in runs(words(canonical(text))):
                self._runs.setdefault(run, where)

    def match(self, texts: Texts) -> Match | None:
        """The first thing that a row has in common with them; linear in the length of its texts."""
        for text in texts.prompts:
            plain = canonical(text)
            if plain in self._short:
                return Match(plain, self._short[plain])
        for text in (*texts.prompts, *texts.others):
            for run in runs(words(canonical(text))):
                if run in self._runs:
                    return Match(run, self._runs[run])
        return None


@dataclass(slots=True)
class Tally:
    """How many rows were looked at, which were dropped and why.

    Attributes:
        keep: How many dropped rows are named.
        rows: Rows that were looked at.
        dropped: Names of the first rows that were dropped, and what each has in common.
        texts: How many rows were dropped for the same ten words: boilerplate of an evaluation shows here.
    """

    keep: int = 5
    rows: int = 0
    dropped: list[tuple[str, Match]] = field(default_factory=list)
    texts: Counter[str] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        """Rows that were dropped."""
        return self.texts.total()

    def add(self, row: Any, match: Match) -> None:
        """Count a row that is dropped."""
        self.texts[match.text] += 1
        if len(self.dropped) < self.keep:
            self.dropped.append((name_of(row, self.rows), match))


def clean(rows: Iterable[Any], evaluations: EvaluationTexts, tally: Tally) -> Iterator[Any]:
    """The rows that have nothing in common with evaluation data, in their order; counts the others."""
    for row in rows:
        tally.rows += 1
        match = evaluations.match(texts_of(row))
        if match is None:
            yield row
        else:
            tally.add(row, match)


def texts_of(row: Any) -> Texts:
    """What a row of a data source says; of a kind of row that is not known here, every text in it."""
    if isinstance(row, Problem):
        solutions = [row.meta.get(name) for name in ("solution", "solutions")]
        return Texts(_prompts(row.prompt), [*_strings(row.answer), *_strings(solutions)])
    if isinstance(row, Conversation):
        return Texts(_prompts(row.messages if row.prompt is None else row.prompt), [row.completion])
    return Texts(list(_strings(row)))


def texts_of_file_row(row: Row, columns: Sequence[str] | None) -> Texts:
    """What a row of an evaluation file says.

    Args:
        row: The row.
        columns: Those to look at; None for every text in it.
    """
    values = row.values if columns is None else {name: row.values.get(name) for name in columns}
    question = next((values[name] for name in QUESTIONS if values.get(name)), None)
    return Texts(["\n".join(_strings(question))] if question else [], list(_strings(values)))


def name_of(row: Any, number: int) -> str:
    """A row's id, its place, or its number from 1."""
    return str(getattr(row, "id", None) or getattr(row, "where", None) or f"row {number}")


def _prompts(prompt: str | Sequence[Message]) -> list[str]:
    """A text, or what is said in each turn; a system message is no question."""
    if isinstance(prompt, str):
        return [prompt]
    return [message.content for message in prompt if message.role != "system"]


def _strings(value: Any) -> Iterator[str]:
    """Every text in a value, whatever it lies in, but system messages and names of things."""
    if is_dataclass(value) and not isinstance(value, type):
        value = {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        said = () if "system" in (value.get("role"), value.get("from")) else value.items()
        for inner in (inner for key, inner in said if key not in _NAMES):
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)
