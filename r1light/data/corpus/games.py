"""Traces of countdown games: guesses, and searches that try lines in turn and look whether one hits."""

from __future__ import annotations

import random

from r1light.data.corpus.chains import Chain, random_chain, random_line
from r1light.data.corpus.document import TRAIN, document
from r1light.data.corpus.words import WORDS, random_tongue
from r1light.data.countdown import OPERATORS, Game, Operator, question, random_solved_game

COUNTS = (2, 3, 3, 4, 4)
"""How many numbers a game has. Two are easier than what is asked later, and teach what all need."""
PLAIN_SHARE = 0.45
"""Games of three numbers with + and - alone, whose searches are short."""
PLAIN: tuple[Operator, ...] = ("+", "-")
GUESS_SHARE = 0.45
MOST_LINES = 7
GIVE_UP_RATE = 0.55
"""A line that missed, that it is the last one tried."""
PATIENT_SHARE = 0.15
"""Of the searches, those that give up after MOST_LINES alone: they teach what is far from the question."""
MAX_NUMBER = 12
MAX_TARGET = 50


def game_document(rng: random.Random, instruction: str) -> str:
    """A document about one game of the training split."""
    counts, operators = ((3,), PLAIN) if rng.random() < PLAIN_SHARE else (COUNTS, OPERATORS)
    game, _ = random_solved_game(rng, counts, MAX_NUMBER, MAX_TARGET, operators)
    while game.split != TRAIN:
        game, _ = random_solved_game(rng, counts, MAX_NUMBER, MAX_TARGET, operators)
    if rng.random() < GUESS_SHARE:
        chain = random_chain(rng, game.numbers, operators)
        thought = rng.choice(WORDS["en"].guess).format(answer=chain.expression)
    else:
        thought, chain = _search(rng, game)
    return document(rng, instruction, question(game), thought, chain.expression)


def _search(rng: random.Random, game: Game) -> tuple[str, Chain]:
    """Lines until one hits or the patience is out; the last chain is the answer either way."""
    tongue = random_tongue(rng, "en")
    give_up = 0.0 if rng.random() < PATIENT_SHARE else GIVE_UP_RATE
    parts: list[str] = []
    for left in reversed(range(MOST_LINES)):
        words = tongue.words_at(MOST_LINES - 1 - left)
        tried = _tried(random_line(rng, game.numbers, game.operators), game.target)
        parts.append(_written(tried, game))
        if tried[-1].value == game.target:
            parts.append(words.yes)
            break
        if left == 0 or rng.random() < give_up:
            parts.append(words.no)
            break
        parts.append(words.next)
    return "".join(parts) + words.full_stop, tried[-1]


def _tried(line: list[Chain], target: int) -> list[Chain]:
    """The chains of a line up to the first that hits."""
    for index, chain in enumerate(line):
        if chain.value == target:
            return line[: index + 1]
    return line


def _written(tried: list[Chain], game: Game) -> str:
    """A line: the steps with the numbers left after each, and last steps with the target beside the value.

    Both are in the question already. Said again they stand where they are needed next, which is what a small
    model can learn from a few million tokens: without them it forgets numbers, and says yes to what misses.

    Example:
        >>> from r1light.data.corpus.chains import Link
        >>> first = Link(3, "+", 5, 8)
        >>> tried = [Chain((first, Link(8, "+", 7, 15))), Chain((first, Link(8, "-", 7, 1)))]
        >>> _written(tried, Game((3, 5, 7), 50))
        '3+5=8 7,8+7=15 vs 50,8-7=1 vs 50'
    """
    last = [f"{chain.links[-1]} vs {game.target}" for chain in tried]
    return ",".join([*tried[0].opening(game.numbers), *last])
