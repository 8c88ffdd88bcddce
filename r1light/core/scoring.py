"""Lifting a function of one sample to a reward, and scores as plain data."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from r1light.core.types import Sample, Score


def per_sample(
    function: Callable[[Sample], float | Score | None],
) -> Callable[[Sequence[Sample]], list[Score]]:
    """Make a reward of a function that looks at one sample.

    A float (or a bool) is a score, None an abstention, a Score itself. An exception becomes an error of that
    one sample, with the exception and its place as its detail, as does a value that is none of these: it is
    counted, and never taken for a 0.

    Example:
        >>> @per_sample
        ... def short(sample):
        ...     return len(sample.completion.token_ids) < 100
    """

    @functools.wraps(function)
    def reward(samples: Sequence[Sample]) -> list[Score]:
        return [_score(function, sample) for sample in samples]

    return reward


def _score(function: Callable[[Sample], float | Score | None], sample: Sample) -> Score:
    try:
        value = function(sample)
    except Exception as error:  # whatever a reward raises is an error of its sample, counted by the mix
        place = traceback.extract_tb(error.__traceback__)[-1]
        return Score.error(f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})")
    if isinstance(value, Score):
        return value
    try:
        return Score.abstain() if value is None else Score.ok(value)
    except (TypeError, ValueError):
        return Score.error(f"returned {value!r:.80} where a number, a Score or None belongs")


def score_fields(score: Score) -> dict[str, Any]:
    """A score as a row of samples.jsonl holds it; `parts` stand there where there are any.

    Example:
        >>> score_fields(Score.ok(1.0))
        {'value': 1.0, 'status': 'ok', 'detail': ''}
    """
    fields: dict[str, Any] = {"value": score.value, "status": score.status, "detail": score.detail}
    return {**fields, "parts": dict(score.parts)} if score.parts else fields
