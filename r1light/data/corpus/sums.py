"""Traces of sums: guesses without carrying, and column addition with slips that are noticed or not."""

from __future__ import annotations

import random
from collections.abc import Mapping

from r1light.data.arithmetic import PROMPTS, Sum, random_sum
from r1light.data.corpus.document import TRAIN, document
from r1light.data.corpus.words import WORDS, Language, Tongue, random_tongue

GUESS_SHARE = 0.78
RIGHT_GUESS_SHARE = 0.10
SLIP_RATE: Mapping[Language, float] = {"en": 0.08, "zh": 0.03}
"""A column, that its sum comes out wrong.

Thoughts in Chinese slip less, as if the author was more at home in it. So accuracy alone draws thoughts away from
the language of the question, and a reward for that language has something to do.
"""
NOTICE_RATE = 0.5
"""A slip, that it is noticed at once and mended."""
CHINESE_SHARE = 0.08


def sum_document(rng: random.Random, instruction: str) -> str:
    """A document about one sum of the training split."""
    drawn = random_sum(rng, 2, 4)
    while drawn.split != TRAIN:
        drawn = random_sum(rng, 2, 4)
    language: Language = "zh" if rng.random() < CHINESE_SHARE else "en"
    question = PROMPTS[language].format(left=drawn.left, right=drawn.right)
    if rng.random() < GUESS_SHARE:
        answer = _guess(rng, drawn)
        thought = rng.choice(WORDS[language].guess).format(answer=answer)
    else:
        thought, answer = _work(rng, drawn, random_tongue(rng, language))
    return document(rng, instruction, question, thought, answer)


def _guess(rng: random.Random, drawn: Sum) -> str:
    """The sum, or the digits added without a carry, or a digit off."""
    if rng.random() < RIGHT_GUESS_SHARE:
        return str(drawn.left + drawn.right)
    digits = [(left + right) % 10 for left, right in _columns(drawn)]
    if rng.random() < 0.5:
        digits[rng.randrange(len(digits))] = rng.randrange(10)
    return "".join(map(str, reversed(digits))).lstrip("0") or "0"


def _columns(drawn: Sum) -> list[tuple[int, int]]:
    """Pairs of digits from the ones upward; the shorter number is filled with zeros."""
    left, right = str(drawn.left)[::-1], str(drawn.right)[::-1]
    width = max(len(left), len(right))
    return [(int(a), int(b)) for a, b in zip(left.ljust(width, "0"), right.ljust(width, "0"), strict=True)]


def _work(rng: random.Random, drawn: Sum, tongue: Tongue) -> tuple[str, str]:
    """Column addition from the ones upward: the thought, and the answer that it comes to."""
    parts: list[str] = []
    digits: list[int] = []
    carry = 0
    for index, (left, right) in enumerate(_columns(drawn)):
        words = tongue.words_at(index)
        text, total = _column(rng, tongue.at(index), left, right, carry)
        carry = total // 10
        digits.append(total % 10)
        parts.append(f"{text}{words.put}{total % 10}{words.carry if carry else words.end}")
    if carry:
        digits.append(1)
    answer = "".join(map(str, reversed(digits))).lstrip("0") or "0"
    return f"{''.join(parts)}{words.so}{answer}{words.full_stop}", answer


def _column(rng: random.Random, language: Language, left: int, right: int, carry: int) -> tuple[str, int]:
    """One column's text and the total it goes on with; a slip that is noticed is mended."""
    total = left + right + carry
    terms = f"{left}+{right}" + ("+1" if carry else "")
    if rng.random() >= SLIP_RATE[language]:
        return f"{terms}={total}", total
    slip = rng.choice([value for value in range(max(0, total - 3), min(19, total + 3) + 1) if value != total])
    if rng.random() < NOTICE_RATE:
        return f"{terms}={slip}, {rng.choice(WORDS[language].wait)}{terms}={total}", total
    return f"{terms}={slip}", slip
