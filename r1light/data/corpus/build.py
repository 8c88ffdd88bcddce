"""The corpus as a repeatable stream of documents."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping

from r1light.data.corpus.drills import opening_document, table_document
from r1light.data.corpus.games import game_document
from r1light.data.corpus.programs import program_document
from r1light.data.corpus.prose import prose_document
from r1light.data.corpus.sums import sum_document
from r1light.data.corpus.talk import talk_document
from r1light.data.splits import seeded

CHINESE_PROSE_SHARE = 0.5

Write = Callable[[random.Random, str], str]
"""Writes a document, given the text of R1-Zero's template up to the question."""


def _prose(rng: random.Random, instruction: str) -> str:
    del instruction
    return prose_document(rng, "zh" if rng.random() < CHINESE_PROSE_SHARE else "en")


def _table(rng: random.Random, instruction: str) -> str:
    del instruction
    return table_document(rng)


def _opening(rng: random.Random, instruction: str) -> str:
    del instruction
    return opening_document(rng)


SHARES: Mapping[Write, float] = {
    sum_document: 0.27,
    game_document: 0.36,
    program_document: 0.16,
    _table: 0.09,
    _opening: 0.04,
    talk_document: 0.03,
    _prose: 0.05,
}
"""The kinds of documents, and how many of all each is."""


def documents(seed: int, instruction: str) -> Iterator[str]:
    """Documents without end, the same for the same seed; no held-out problem is among them.

    Args:
        seed: Chooses everything.
        instruction: The text of R1-Zero's template up to the question, shown in some documents.
    """
    rng = seeded("corpus", seed)
    kinds, bounds = list(SHARES), list(itertools.accumulate(SHARES.values()))
    while True:
        (write,) = rng.choices(kinds, cum_weights=bounds)
        yield write(rng, instruction)
