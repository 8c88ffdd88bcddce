"""Rows of a run folder on their way to trackers, in this session and after it was interrupted."""

from __future__ import annotations

import json
import logging
import math
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from r1light.config.logger_schema import LoggerSpec
from r1light.core.errors import ConfigError
from r1light.core.masking import mask
from r1light.core.run_folder import RunFolder, StageResult, read_jsonl, write_json
from r1light.training.trackers import Session, Tracker, check_packages, open_tracker

STATE = "loggers.json"
"""Beside the run's rows: the ids of its runs elsewhere, and how many rows were sent."""

_log = logging.getLogger(__name__)


class Relay:
    """Sends rows on. A tracker that fails is given up with a warning: the run goes on, and so do the others.

    A tracker that remembers is sent the rows that no session has sent; another one is sent all of them.
    """

    def __init__(self, spec: LoggerSpec, folder: RunFolder, config: Mapping[str, Any]) -> None:
        """Open the trackers.

        Raises:
            ConfigError: A package is absent, or a tracker cannot be opened.
        """
        check_packages(spec)
        self.folder = folder
        self._state = folder.path / STATE
        kept = json.loads(self._state.read_text()) if self._state.exists() else {}
        self._ids: dict[str, str] = kept.get("ids", {"wandb": uuid.uuid4().hex[:8]})
        self._sent: int = kept.get("sent", 0)
        self._caught_up = False
        self._step = 0
        session = Session(folder.path, mask(config), self._ids)
        self._trackers: dict[str, Tracker] = {}
        try:
            for name, options in spec.chosen().items():
                self._trackers[name] = self._open(name, options, session)
        except BaseException:
            self.close(None, failed=True)
            raise
        self._save()

    def _open(self, name: str, options: Any, session: Session) -> Tracker:
        try:
            return open_tracker(name, options, session)
        except Exception as error:
            why = " ".join(f"{type(error).__name__}: {error}".split())
            hint = "; logger.wandb.mode=offline needs no account" if name == "wandb" else ""
            raise ConfigError(f"logger={name} cannot be opened: {why}{hint}") from error

    def __call__(self, path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
        """Send rows that were just appended to a file of the folder."""
        if path == self.folder.samples and rows:
            self._each("samples", rows, int(rows[0].get("iteration", 0)))
        if path != self.folder.metrics:
            return
        if not self._caught_up:
            self._catch_up(list(read_jsonl(path))[: -len(rows)])
        for row in rows:
            self._send(row)
        self._sent += len(rows)
        self._save()

    def finish(self, result: StageResult) -> None:
        """Send the stage's figures, and close."""
        if not self._caught_up and self.folder.metrics.exists():  # a run that had nothing left to train
            self._catch_up(list(read_jsonl(self.folder.metrics)))
        self._each("metrics", _numbers(result.metrics), self._step)
        self._save()
        model = result.outputs.get("model")
        self.close(None if model is None else Path(model), failed=False)

    def close(self, model: Path | None, *, failed: bool) -> None:
        """Close the trackers that are still open."""
        self._each("close", model, failed=failed)
        self._trackers.clear()

    def _catch_up(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Send the rows of earlier sessions to those that lack them."""
        self._caught_up = True
        self._sent = min(self._sent, len(history))  # rows behind the checkpoint were dropped
        for number, row in enumerate(history):
            self._send(row, remembered=number < self._sent)
        self._sent = len(history)

    def _send(self, row: Mapping[str, Any], *, remembered: bool = False) -> None:
        self._step = int(row.get("iteration", self._step))
        for name, tracker in [*self._trackers.items()]:
            if not (remembered and tracker.remembers):
                self._try(name, "metrics", _numbers(row), self._step)

    def _each(self, method: str, *values: Any, **options: Any) -> None:
        for name in [*self._trackers]:
            self._try(name, method, *values, **options)

    def _try(self, name: str, method: str, *values: Any, **options: Any) -> None:
        try:
            getattr(self._trackers[name], method)(*values, **options)
        except Exception as error:
            why = " ".join(f"{type(error).__name__}: {error}".split())
            _log.warning("logger %s is given up, metrics.jsonl has everything: %s", name, why)
            del self._trackers[name]

    def _save(self) -> None:
        write_json(self._state, {"ids": self._ids, "sent": self._sent})


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers of a row, its counters and its clock left out."""
    return {
        name: value
        for name, value in row.items()
        if name not in ("iteration", "time") and isinstance(value, int | float) and math.isfinite(value)
    }
