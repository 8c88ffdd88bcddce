"""Traces of finding a function: guesses, and differences that tell it, at times checked against a value."""

from __future__ import annotations

import random
from collections.abc import Mapping

from r1light.data.corpus.document import TRAIN, document
from r1light.data.corpus.words import WORDS, Language, Tongue, random_tongue
from r1light.data.tiny_programs import MOST_FACTOR, MOST_OFFSET, Riddle, Rule, program, riddles

GUESS_SHARE = 0.70
RIGHT_GUESS_SHARE = 0.08
SLIP_RATE: Mapping[Language, float] = {"en": 0.09, "zh": 0.05}
"""Any number that is worked out, that it comes out wrong; see sums.py for the languages."""
CHECK_SHARE = 0.4
"""Thoughts that try what they found on the last value that the question shows."""
MEND_SHARE = 0.8
"""Of the checks that fail, those after which the thought works everything out again."""
RIDDLES = riddles(TRAIN)


def program_document(rng: random.Random, instruction: str) -> str:
    """A document about one function of the training split."""
    riddle = rng.choice(RIDDLES)
    if rng.random() < GUESS_SHARE:
        expression = _guess(rng, riddle)
        thought = rng.choice(WORDS["en"].guess).format(answer=expression)
    else:
        thought, expression = _work(rng, riddle, random_tongue(rng, "en"))
    return document(rng, instruction, riddle.question, thought, program(expression))


def _guess(rng: random.Random, riddle: Riddle) -> str:
    """The function, or one with a factor or an offset that is seen and not worked out."""
    if rng.random() < RIGHT_GUESS_SHARE:
        return riddle.rule.expression
    rule = riddle.rule
    if rng.random() < 0.5:
        return Rule(rule.factor, rule.value(riddle.start) % (MOST_OFFSET + 1)).expression
    return Rule(rng.randint(2, MOST_FACTOR), rule.offset).expression


def _work(rng: random.Random, riddle: Riddle, tongue: Tongue) -> tuple[str, str]:
    """The thought, and the expression that it comes to."""
    text, found, line = _found(rng, riddle, tongue, 0)
    if rng.random() < CHECK_SHARE:
        words = tongue.words_at(line)
        checked, hits = _check(rng, found, riddle, tongue.at(line))
        text += checked + (words.yes if hits else words.no) + words.end_line
        line += 1
        if not hits and rng.random() < MEND_SHARE:
            again, found, line = _found(rng, riddle, tongue, line)
            text += rng.choice(tongue.words_at(line).wait) + again
    words = tongue.words_at(line)
    return f"{text}{words.so}{found.expression}{words.full_stop}", found.expression


def _found(rng: random.Random, riddle: Riddle, tongue: Tongue, line: int) -> tuple[str, Rule, int]:
    """Two lines: the differences with what they say, and the offset; then the rule and the next line."""
    first, second, third = (riddle.rule.value(x) for x in riddle.shown)
    words, language = tongue.words_at(line), tongue.at(line)
    steps = _slipped(rng, language, second - first), _slipped(rng, language, third - second)
    alike = steps[0] == steps[1]
    text = f"{second}-{first}={steps[0]} {third}-{second}={steps[1]}{words.same if alike else words.differ}"
    text += words.end_line
    factor = max(1, steps[0]) if alike else None
    language = tongue.at(line + 1)
    start = riddle.start
    product = _slipped(rng, language, (start if factor is None else factor) * start)
    offset = _slipped(rng, language, max(0, first - product))
    text += f"{'x' if factor is None else factor}*x {start if factor is None else factor}*{start}={product} "
    text += f"{first}-{product}={offset}{tongue.words_at(line + 1).end_line}"
    return text, Rule(factor, offset), line + 2


def _check(rng: random.Random, rule: Rule, riddle: Riddle, language: Language) -> tuple[str, bool]:
    """The rule tried on the last value that the question shows, and whether it seems to hit."""
    x = riddle.shown[-1]
    factor = x if rule.factor is None else rule.factor
    product = _slipped(rng, language, factor * x)
    value = _slipped(rng, language, product + rule.offset)
    aim = riddle.rule.value(x)
    return f"{factor}*{x}={product} {product}+{rule.offset}={value} vs {aim}", value == aim


def _slipped(rng: random.Random, language: Language, value: int) -> int:
    """The value, or now and then a number beside it."""
    if rng.random() >= SLIP_RATE[language]:
        return value
    return max(0, value + rng.choice((-3, -2, -1, 1, 2, 3, 10)))
