"""Traces of countdown games: guesses, and searches that try ways in turn and look whether they hit."""

from __future__ import annotations

import random

from r1light.data.corpus.document import TRAIN, document
from r1light.data.corpus.words import WORDS, Language
from r1light.data.countdown import Attempt, Game, question, random_attempt, random_game

GUESS_SHARE = 0.70
SWITCH_SHARE = 0.12
"""Of the searches, those whose words are of the other language."""
RIGHT_GUESS_SHARE = 0.10
MOST_ATTEMPTS = 5
MISS_RATE = 0.55
"""An attempt of a search, that it is a random one and not a way that hits."""
MAX_NUMBER = 9
MAX_TARGET = 50


def game_document(rng: random.Random, instruction: str) -> str:
    """A document about one game of the training split."""
    game = random_game(rng, (3, 4), MAX_NUMBER, MAX_TARGET)
    while game.split != TRAIN:
        game = random_game(rng, (3, 4), MAX_NUMBER, MAX_TARGET)
    if rng.random() < GUESS_SHARE:
        attempt = _hit(rng, game) if rng.random() < RIGHT_GUESS_SHARE else random_attempt(rng, game.numbers)
        thought = rng.choice(WORDS["en"].guess).format(answer=attempt.expression)
    else:
        thought, attempt = _search(rng, game)
    return document(rng, instruction, question(game), thought, attempt.expression)


def _hit(rng: random.Random, game: Game) -> Attempt:
    """A way that reaches the target; there is one, as the target was made by one."""
    while True:
        attempt = random_attempt(rng, game.numbers)
        if attempt.value == game.target:
            return attempt


def _search(rng: random.Random, game: Game) -> tuple[str, Attempt]:
    """Attempts until one hits or the patience is out; the last is the answer either way."""
    language: Language = "zh" if rng.random() < SWITCH_SHARE else "en"
    words = WORDS[language]
    parts: list[str] = []
    for _ in range(MOST_ATTEMPTS):
        attempt = random_attempt(rng, game.numbers) if rng.random() < MISS_RATE else _hit(rng, game)
        steps = (f"{step.expression}={step.value}" for step in attempt.steps)
        parts.append(words.comma.join(steps))
        if attempt.value == game.target:
            parts.append(f"{words.yes}{words.full_stop}")
            break
        parts.append(words.no)
    return "".join(parts).strip(), attempt
