"""How many completions have room in the memory for keys and values: arithmetic, no tensors."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from r1light.core.errors import DataError
from r1light.core.types import RolloutRequest, SamplingParams

CACHE_STEP = 64
"""The cache's length is a multiple of this many tokens, so that calls of like length share its memory."""
UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def memory_bytes(text: str) -> int:
    """The bytes of a size such as "4GiB" or "512 MiB".

    Raises:
        ValueError: If it is none, or less than a byte.

    Example:
        >>> memory_bytes("1.5KiB")
        1536
    """
    found = re.fullmatch(rf"\s*(\d+(?:\.\d+)?)\s*({'|'.join(UNITS)})\s*", text)
    size = int(float(found[1]) * UNITS[found[2]]) if found else 0
    if size < 1:
        raise ValueError(f"rollout.kv_memory={text!r} is no size; 4GiB and 512MiB are, and null is no bound")
    return size


def rounded(length: int) -> int:
    """A cache's length for texts of `length` tokens."""
    return -(-length // CACHE_STEP) * CACHE_STEP


@dataclass(frozen=True, slots=True)
class Room:
    """What bounds the cache.

    Attributes:
        slots: Most completions at a time.
        token_bytes: What keys and values of one token take.
        memory: Most bytes of the cache; None for no bound.
    """

    slots: int
    token_bytes: int
    memory: int | None = None

    def slots_for(self, length: int) -> int:
        """How many texts of at most `length` tokens have room; 0 where not even one has."""
        if self.memory is None:
            return self.slots
        return min(self.slots, self.memory // (self.token_bytes * rounded(length)))

    def check(self, requests: Sequence[RolloutRequest], params: SamplingParams, context: int) -> None:
        """Refuse a request of which not even one completion has room.

        Raises:
            DataError: Names the problem, and the memory that it needs.
        """
        for request in requests:
            length = text_length(request.prompt_ids, params.max_tokens, context)
            if self.slots_for(length) < 1:
                needed = self.token_bytes * rounded(length) / UNITS["MiB"]
                raise DataError(
                    f"one completion of problem {request.problem_id!r} may need {needed:.4g} MiB for keys "
                    f"and values of {length} tokens, prompt included, which is more than rollout.kv_memory; "
                    f"set rollout.kv_memory={math.ceil(needed)}MiB or more, or ask for fewer tokens"
                )


def text_length(prompt_ids: Sequence[int], max_tokens: int, context: int) -> int:
    """The longest that prompt and completion may become, in tokens."""
    return min(len(prompt_ids) + max_tokens, context)
