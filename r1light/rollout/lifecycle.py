"""What may happen to an engine while somebody still iterates over its groups."""

from __future__ import annotations

from r1light.core.errors import EngineError


class Lifecycle:
    """Counts runs (calls of `generate`) and says whether one may go on.

    Attributes:
        version: The version of the weights in use, 0 until `weights_changed`.
    """

    def __init__(self) -> None:
        self.version = 0
        self._runs = 0
        self._aborted = 0
        self._stale = 0
        self._closed = False

    def begin(self) -> int:
        """Number a run.

        Raises:
            EngineError: If the engine is closed.
        """
        if self._closed:
            raise EngineError("the rollout engine is closed")
        self._runs += 1
        return self._runs

    def aborted(self, run: int) -> bool:
        """Whether the run has to give up what is unfinished.

        Raises:
            EngineError: If the engine was closed, or took new weights, since the run began.
        """
        if self._closed:
            raise EngineError("the rollout engine was closed while groups were still being generated")
        if run <= self._stale:
            raise EngineError("the rollout engine took new weights while groups were still being generated")
        return run <= self._aborted

    def abort(self) -> None:
        """Have every run begun so far give up what is unfinished."""
        self._aborted = self._runs

    def weights_changed(self, version: int) -> None:
        """Note new weights; runs begun before cannot go on."""
        self._stale = self._runs
        self.version = version

    def close(self) -> None:
        """Let no run begin or go on."""
        self._closed = True
