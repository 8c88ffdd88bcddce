"""Which split a generated problem belongs to, decided by the problem itself and so the same for everyone."""

from __future__ import annotations

import hashlib
import random
import unicodedata
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
    return "test" if place_of(problem) < TEST_SHARE else "train"


def place_of(problem: str) -> float:
    """Where in [0, 1) a hash puts a problem: always in the same place, and all together evenly spread.

    Below a share it is held out; a larger share keeps all that a smaller one held out.

    Args:
        problem: A canonical form, as for `split_of`.
    """
    digest = hashlib.blake2b(problem.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def canonical(text: str) -> str:
    r"""A question apart from its spelling: Unicode NFKC, lower case, single spaces.

    Example:
        >>> canonical(" Compute\n2 + ３ ")
        'compute 2 + 3'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def seeded(*parts: object) -> random.Random:
    """A generator of its own for a purpose, from a seed and names; independent of Python's global one."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=16).digest()
    return random.Random(int.from_bytes(digest, "big"))
