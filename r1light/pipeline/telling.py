"""What a running pipeline says: when steps begin and end, how far the whole is, and signs of life."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from r1light.core.progress import Progress
from r1light.pipeline.failure import last_lines
from r1light.pipeline.graph import Instance

ALIVE_SECONDS = 30.0
"""Without a terminal, the newest lines of running steps at most this often."""

_PREFIX = re.compile(r"^[\d-]+ [\d:,]+ [A-Z]+ [\w.]+: ")  # of r1light.log
_WIDTH = 160

_log = logging.getLogger(__name__)


class Telling:
    """Says how the steps do, and counts them."""

    def __init__(self, bar: Progress, weights: dict[str, int]) -> None:
        """Take the bar that counts.

        Args:
            bar: The progress of the whole.
            weights: How much each instance counts, by key.
        """
        self._bar, self._weights = bar, weights
        self._done = 0
        self._said = time.monotonic()

    def started(self, instance: Instance, why: str) -> None:
        """Say that a step begins, and why."""
        _log.info("step %s (%s): %s", instance.key, instance.spec.title or instance.spec.stage, why)

    def ended(self, instance: Instance, how: str, headline: str) -> None:
        """Say that a step is done, with its headline number, and count it."""
        self._done += 1
        _log.info("step %s %s%s", instance.key, how, f"; {headline}" if headline else "")
        self._bar.advance(self._weights[instance.key], steps=self._done)

    def alive(self, running: Sequence[tuple[str, Path]]) -> None:
        """Where there is no bar, say now and then what the running steps said last.

        Args:
            running: Keys of steps, and their logs.
        """
        if sys.stderr.isatty() or time.monotonic() - self._said < ALIVE_SECONDS:
            return
        self._said = time.monotonic()
        for key, log in running:
            for line in last_lines(log, 1):
                _log.info("  %s: %s", key, _PREFIX.sub("", line)[:_WIDTH])


def step_weights(instances: Sequence[Instance]) -> tuple[dict[str, int], str]:
    """How much each instance counts in the whole, and the unit.

    Minutes where the pipeline was measured, those of the others being the mean; else each counts one.

    Args:
        instances: The instances that are to run.
    """
    known = [instance.spec.minutes for instance in instances if instance.spec.minutes is not None]
    if not known:
        return {instance.key: 1 for instance in instances}, "steps"
    mean = sum(known) / len(known)
    minutes = {each.key: mean if each.spec.minutes is None else each.spec.minutes for each in instances}
    return {key: max(1, round(value)) for key, value in minutes.items()}, "minutes planned"
