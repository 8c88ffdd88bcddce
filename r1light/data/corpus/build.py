"""The corpus as a repeatable stream of documents."""

from __future__ import annotations

from collections.abc import Iterator

from r1light.data.corpus.drills import opening_document, table_document
from r1light.data.corpus.games import game_document
from r1light.data.corpus.prose import prose_document
from r1light.data.corpus.sums import sum_document
from r1light.data.splits import seeded

SUM_SHARE = 0.38
GAME_SHARE = 0.38
TABLE_SHARE = 0.11
OPENING_SHARE = 0.05
CHINESE_PROSE_SHARE = 0.5


def documents(seed: int, instruction: str) -> Iterator[str]:
    """Documents without end, the same for the same seed; no held-out problem is among them.

    Args:
        seed: Chooses everything.
        instruction: The text of R1-Zero's template up to the question, shown in some documents.
    """
    rng = seeded("corpus", seed)
    sums = SUM_SHARE
    games = sums + GAME_SHARE
    tables = games + TABLE_SHARE
    openings = tables + OPENING_SHARE
    while True:
        kind = rng.random()
        if kind < sums:
            yield sum_document(rng, instruction)
        elif kind < games:
            yield game_document(rng, instruction)
        elif kind < tables:
            yield table_document(rng)
        elif kind < openings:
            yield opening_document(rng)
        else:
            yield prose_document(rng, "zh" if rng.random() < CHINESE_PROSE_SHARE else "en")
