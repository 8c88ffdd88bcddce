"""Drills: what a countdown search is made of, many times over, for the fewest tokens."""

from __future__ import annotations

import random

from r1light.data.corpus.chains import MOST_VALUE, random_chain, random_line
from r1light.data.corpus.games import MAX_NUMBER, MAX_TARGET
from r1light.data.corpus.words import WORDS
from r1light.data.countdown import listed

COUNTS = (3, 4, 4)
HIT_SHARE = 0.5
LONGEST = 12


def table_document(rng: random.Random) -> str:
    """One long chain, a step a line: practice in single operations, and in seeing whether a value hits."""
    numbers = [rng.randint(1, MAX_NUMBER) for _ in range(rng.randint(4, LONGEST))]
    lines = []
    for link in random_chain(rng, numbers).links:
        aim = link.value if rng.random() < HIT_SHARE else _other(rng, link.value)
        lines.append(f"{link} vs {aim}{WORDS['en'].yes if aim == link.value else WORDS['en'].no};\n")
    return "".join(lines)


def opening_document(rng: random.Random) -> str:
    """Numbers, and ways to begin with the numbers left after each: practice in using each number once."""
    numbers = [rng.randint(1, MAX_NUMBER) for _ in range(rng.choice(COUNTS))]
    ways = [random_line(rng, numbers)[0].opening(numbers) for _ in range(rng.randint(4, LONGEST))]
    return "".join([f"Use {listed(numbers)}\n", *(f"{','.join(way)};\n" for way in ways)])


def _other(rng: random.Random, value: int) -> int:
    """A number that a value misses, half the time by a digit or by the digits' order."""
    near = (value + 1, value - 1, value + 10, value - 10, int(str(value)[::-1]), value % 10, 10 + value % 10)
    while True:
        other = rng.choice(near) if rng.random() < 0.5 else rng.randint(1, MAX_TARGET)
        if other != value and 0 < other <= MOST_VALUE:
            return other
