"""Saying in time that the host's memory or the run's disk runs short."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

from r1light.training.host import available_memory

LOW_MEMORY = 0.05
"""The share of the memory that was free at the start from which on there is a warning."""

CHECKPOINTS_AHEAD = 2
"""As many further checkpoints are to fit on the disk, as a new one is written before an old one goes."""

_log = logging.getLogger(__name__)


class Shortage:
    """Warns once of each thing that runs short, and again when it had been there again.

    Attributes:
        folder: The run folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._memory_at_start = available_memory()
        self._said: set[str] = set()

    def of_memory(self) -> None:
        """Look at what this process and all others have left the host."""
        left = available_memory()
        if left is None or self._memory_at_start is None:
            return
        self._say(
            "memory",
            left < LOW_MEMORY * self._memory_at_start,
            f"the host has {_size(left)} of memory left, of {_size(self._memory_at_start)} at the start; the "
            "system ends what takes more. End other programs, or resume with fewer trainer.devices",
        )

    def of_disk(self, checkpoint: int) -> None:
        """Look at the disk of the run folder.

        Args:
            checkpoint: Bytes that one takes.
        """
        left = shutil.disk_usage(self.folder).free
        self._say(
            "disk",
            left < CHECKPOINTS_AHEAD * checkpoint,
            f"the disk of {self.folder} has {_size(left)} left, and a checkpoint takes about "
            f"{_size(checkpoint)}; the run ends where one cannot be written. Make room, or lower "
            "stage.checkpoints_kept",
        )

    def _say(self, what: str, short: bool, line: str) -> None:
        if short and what not in self._said:
            _log.warning("%s", line)
        self._said = self._said | {what} if short else self._said - {what}


def state_bytes(module: Any) -> int:
    """Bytes of a checkpoint of a LightningModule: the weights that are trained, and two moments of each."""
    trained = (each for each in module.parameters() if each.requires_grad)
    return sum(3 * each.numel() * each.element_size() for each in trained)


def _size(count: float) -> str:
    """Bytes in words.

    Example:
        >>> _size(2.5e9), _size(3e6)
        ('2.5 GB', '3.0 MB')
    """
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
