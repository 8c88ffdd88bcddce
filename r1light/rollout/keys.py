"""Draws that hang on (seed, request key, sample index, token position) and on nothing else.

A counter-based generator: a row's state is a hash of what names the row, and its draw at a position is
SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators") at that counter. No
state is carried along, so a draw is the same whatever was drawn before it, in whatever batch. Imports no
torch; `r1light.rollout.sampling` has the same arithmetic on tensors.
"""

from __future__ import annotations

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB


def mix(value: int) -> int:
    """SplitMix64's finaliser, a bijection of the 64-bit integers.

    Args:
        value: Any integer; taken modulo 2**64.

    Returns:
        An integer in [0, 2**64).
    """
    value &= MASK
    value = ((value ^ (value >> 30)) * MIX_1) & MASK
    value = ((value ^ (value >> 27)) * MIX_2) & MASK
    return value ^ (value >> 31)


def row_state(seed: int, key: tuple[int, int], index: int) -> int:
    """The state of one sample's stream of draws.

    Args:
        seed: The run's seed.
        key: The request's key.
        index: The sample's index in its group.

    Returns:
        An integer in [0, 2**64).
    """
    state = mix(seed + GOLDEN)
    for part in (*key, index):
        state = mix(mix(state ^ (part & MASK)) + GOLDEN)
    return state


def uniform(state: int, position: int) -> float:
    """The draw at a token position: the stream's SplitMix64 output (position + 1), in [0, 1) with 53 bits."""
    return float(mix(state + (position + 1) * GOLDEN) >> 11) * 2.0**-53
