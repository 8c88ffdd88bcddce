"""Saving a run's checkpoints: the newest few, room for the next, and copies elsewhere where asked for."""

from __future__ import annotations

import logging
from typing import Any

from r1light.core.run_folder import RunFolder
from r1light.training import ranks
from r1light.training.checkpoint import checkpoint_name, prune
from r1light.training.interrupt import Halt
from r1light.training.shortage import Shortage, state_bytes
from r1light.training.upload import Upload

_log = logging.getLogger(__name__)


class Keeper:
    """Saves when a record tells it to. Saving is for all ranks together; the first does the rest."""

    def __init__(self, folder: RunFolder, kept: int, url: str | None) -> None:
        """Save nothing yet.

        Args:
            folder: The run folder.
            kept: The newest checkpoints that are kept.
            url: Where copies go, in fsspec's words; None for nowhere.

        Raises:
            ConfigError: If fsspec does not know such a place.
        """
        self.shortage = Shortage(folder.path)
        self._folder = folder.checkpoints
        self._kept = kept
        self._upload = Upload(url, kept) if url is not None and ranks.rank() == 0 else None

    def begin(self, module: Any) -> None:
        """Look whether there is room for checkpoints of this LightningModule."""
        if ranks.rank() == 0:
            self.shortage.of_disk(state_bytes(module))

    def save(self, trainer: Any, iteration: int) -> None:
        """Save the checkpoint after an iteration and drop the oldest.

        Raises:
            StorageError: If it cannot be written.
        """
        path = self._folder / checkpoint_name(iteration)
        trainer.save_checkpoint(path)
        if ranks.rank() == 0:
            prune(self._folder, self._kept)
            self.begin(trainer.lightning_module)
            if self._upload is not None:
                self._upload.take(path)

    def end(self, trainer: Any, recorded: int, exception: BaseException | None = None) -> None:
        """Be done, and wait for the last copy.

        Args:
            trainer: Lightning's trainer.
            recorded: The last iteration that has its row.
            exception: What ended the run. Where a signal broke an iteration off, nothing of it has touched
                the weights, and the one before is saved.
        """
        untouched = isinstance(exception, Halt) and 0 < trainer.lightning_module.iteration == recorded
        path = self._folder / checkpoint_name(recorded)
        if untouched and not ranks.of_first(path.exists):  # file systems may be late for others
            self.save(trainer, recorded)
        if isinstance(exception, Halt) and ranks.rank() == 0:
            _log.info("%s", f"saved: {path}" if path.exists() else "nothing is saved: there was nothing yet")
        if self._upload is not None:
            self._upload.finish()
