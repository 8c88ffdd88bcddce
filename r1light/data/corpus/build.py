"""The corpus as a repeatable stream of documents."""

from __future__ import annotations

from collections.abc import Iterator

from r1light.data.corpus.games import game_document, table_document
from r1light.data.corpus.prose import prose_document
from r1light.data.corpus.sums import sum_document
from r1light.data.splits import seeded

SUM_SHARE = 0.40
GAME_SHARE = 0.42
TABLE_SHARE = 0.10
CHINESE_PROSE_SHARE = 0.5


def documents(seed: int, instruction: str) -> Iterator[str]:
    """Documents without end, the same for the same seed; no held-out problem is among them.

    Args:
        seed: Chooses everything.
        instruction: The text of R1-Zero's template up to the question, shown in some documents.
    """
    rng = seeded("corpus", seed)
    while True:
        kind = rng.random()
        if kind < SUM_SHARE:
            yield sum_document(rng, instruction)
        elif kind < SUM_SHARE + GAME_SHARE:
            yield game_document(rng, instruction)
        elif kind < SUM_SHARE + GAME_SHARE + TABLE_SHARE:
            yield table_document(rng)
        else:
            yield prose_document(rng, "zh" if rng.random() < CHINESE_PROSE_SHARE else "en")
