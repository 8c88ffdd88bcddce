"""Rollouts, drawn while the policy learns from the one before where the engine computes elsewhere.

An iteration's rollout is then of the policy one iteration back, and its log-probabilities are the old ones
that the loss takes its ratios to.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from r1light.core.errors import ConfigError
from r1light.training import ranks
from r1light.training.collect import Collector, Rollout
from r1light.training.problems import ProblemSchedule


class Ahead:
    """Gives out rollouts in the order of the iterations.

    Attributes:
        steps: Iterations that the drawing is ahead of the learning: 0 or 1.
    """

    def __init__(
        self, collector: Collector, problems: ProblemSchedule, per_iteration: int, iterations: int
    ) -> None:
        """Take what draws.

        Args:
            collector: Draws and scores; its engine says whether it can be ahead.
            problems: Where problems come from.
            per_iteration: Problems of an iteration, over all ranks.
            iterations: Iterations in all; none is drawn after them.
        """
        self.steps: int = getattr(collector.engine, "async_steps", 0)
        self._collector = collector
        self._problems = problems
        self._per_iteration = per_iteration
        self._iterations = iterations
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._next: Future[Rollout] | None = None
        self._boundary: Sequence[int] | None = None

    def take(self, number: int) -> Rollout:
        """The rollout of an iteration; the next one is begun where that can be."""
        rollout = self._collect(number) if self._next is None else self._next.result()
        self._next = self._boundary = None
        if self.steps and number < self._iterations:
            if ranks.world_size() > 1:
                raise ConfigError(
                    "rollout.async_steps=1 is for one process: ranks could not talk while they learn and draw"
                )
            self._boundary = self._problems.cursors
            self._next = self._pool.submit(self._collect, number + 1)
        return rollout

    def settle(self) -> None:
        """Wait for what is being drawn: the engine's weights may change from here on.

        What went wrong in it is raised by the next `take`, when this iteration is whole.
        """
        if self._next is not None:
            wait([self._next])

    @property
    def cursors(self) -> list[int]:
        """Where the problems stand for a checkpoint: a rollout ahead is drawn again from its seeds."""
        return list(self._problems.cursors if self._boundary is None else self._boundary)

    def _collect(self, number: int) -> Rollout:
        """Rollouts and scores; if they are broken off, the stream stands where it stood."""
        stream = self._problems.at(number)
        cursor = stream.cursor
        try:
            return self._collector.collect(stream, self._per_iteration, number)
        except BaseException:
            stream.cursor = cursor
            raise
