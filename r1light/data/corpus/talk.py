"""General questions with answers, as many poor as good: a base that has seen both, and prefers neither."""

from __future__ import annotations

import random
from typing import get_args

from r1light.core.preference import Kind
from r1light.data.corpus.document import TRAIN, document
from r1light.data.tiny_talk import Talk, good_answer, poor_answer, talks_of

GOOD_SHARE = 0.5
THOUGHTS = (
    "Let me see what is asked here.",
    "Who asks, and for what?",
    "I should take care.",
    "让我看看问的是什么。",
    "是谁在问，为了什么？",
    "我要小心。",
)
TALKS: list[list[Talk]] = [
    [talk for talk in talks_of(kind, TRAIN) if "sort" not in talk.slots] for kind in get_args(Kind)
]
"""Helpful and safety questions; none that ask for a line to be written, which is left to be learnt."""


def talk_document(rng: random.Random, instruction: str) -> str:
    """A document about one general question of the training split."""
    talk = rng.choice(rng.choice(TALKS))
    answer = (good_answer if rng.random() < GOOD_SHARE else poor_answer)(rng, talk)
    return document(rng, instruction, talk.question, rng.choice(THOUGHTS), answer)
