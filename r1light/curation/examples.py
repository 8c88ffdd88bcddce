"""Examples with a long thought, for asking by example: out of a file, or a few for the miniature world."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from r1light.core.errors import DataError
from r1light.core.types import Problem
from r1light.data.columns import canonical_prompt
from r1light.data.rows import parse_object

_KEYS = ("question", "thinking", "answer")


@dataclass(frozen=True, slots=True)
class Example:
    """A question with a long thought and the answer that it comes to."""

    question: str
    thinking: str
    answer: str


BUILT_IN = (
    Example(
        "Compute 478+256",
        "8+6=14 put 4 carry 1;\n7+5+1=12, wait, 7+5+1=13 put 3 carry 1;\n4+2+1=7 put 7;\nSo 734.",
        "734",
    ),
    Example(
        "Compute 3905+88",
        "5+8=13 put 3 carry 1;\n0+8+1=9 put 9;\n9+0=9 put 9;\n3+0=3 put 3;\nSo 3993.",
        "3993",
    ),
    Example(
        "Compute 64+971",
        "4+1=5 put 5;\n6+7=13 put 3 carry 1;\n0+9+1=11, mistake, 0+9+1=10 put 0 carry 1;\nSo 1035.",
        "1035",
    ),
)
"""Sums as the miniature models work them out, in columns from the ones upward."""


def read_examples(path: str) -> list[Example]:
    """Examples from JSON lines `{"question": "...", "thinking": "...", "answer": "..."}`.

    Raises:
        DataError: The file cannot be read, holds none, or a line is none; names the line.
    """
    try:
        lines = Path(path).expanduser().read_bytes().splitlines()
    except OSError as error:
        raise DataError(f"cannot read the examples {path}: {error.strerror or error}") from error
    found = [_example(line, f"{path}:{number}") for number, line in enumerate(lines, start=1) if line.strip()]
    if not found:
        raise DataError(f"the examples {path} are none; a line is an object with {', '.join(_KEYS)}")
    return found


def _example(line: bytes, where: str) -> Example:
    row = parse_object(line, where)
    texts = [row.get(key) for key in _KEYS]
    if set(row) != set(_KEYS) or not all(isinstance(text, str) and text.strip() for text in texts):
        raise DataError(
            f"{where}: an example has the texts {', '.join(_KEYS)} and nothing else, and none is empty"
        )
    return Example(*map(str, texts))


def chosen(examples: Sequence[Example], problem: Problem, count: int, seed: int) -> list[Example]:
    """Examples for one problem, drawn by the seed and its id; never its own question."""
    question = canonical_prompt(problem.prompt)
    others = [example for example in examples if canonical_prompt(example.question) != question]
    rng = random.Random(f"examples/{seed}/{problem.id}")
    return rng.sample(others, min(count, len(others)))
