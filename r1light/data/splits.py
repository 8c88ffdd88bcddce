"""Which split a generated problem belongs to, decided by the problem itself and so the same for everyone."""

from __future__ import annotations

import hashlib
import random
from typing import Literal

Split = Literal["train", "test"]

TEST_SHARE = 0.1
"""The share of all possible problems that is held out, whatever the seed and the sizes."""


def split_of(problem: str) -> Split:
    """The split of a problem, from a hash of its canonical form.

    Two sources of different seeds, and the corpus of the base model, agree on it; so nothing that is held
    out is ever trained on.

    Args:
        problem: A canonical form, equal for equivalent problems ("12+34" for both orders of the sum).
    """
    digest = hashlib.blake2b(problem.encode(), digest_size=8).digest()
    return "test" if int.from_bytes(digest, "big") < TEST_SHARE * 2**64 else "train"


def seeded(*parts: object) -> random.Random:
    """A generator of its own for a purpose, from a seed and names; independent of Python's global one."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=16).digest()
    return random.Random(int.from_bytes(digest, "big"))
