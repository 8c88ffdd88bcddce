"""Learning-rate schedules, as a factor on the peak."""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["constant", "linear", "cosine"]


def learning_rate_factor(
    schedule: Schedule, update: int, warmup: int, total: int, floor: float = 0.0
) -> float:
    """The factor for an update, counted from 0.

    Args:
        schedule: What follows the warm-up.
        update: Optimiser steps taken before this one.
        warmup: Updates over which the factor rises linearly to 1.
        total: Updates in all.
        floor: Where "linear" and "cosine" end.

    Example:
        >>> [learning_rate_factor("linear", update, 2, 6) for update in range(6)]
        [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    if update < warmup:
        return (update + 1) / warmup
    if schedule == "constant":
        return 1.0
    progress = min(1.0, (update - warmup) / max(1, total - warmup))
    if schedule == "linear":
        return 1.0 - (1.0 - floor) * progress
    return floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * progress))
