"""Copies of checkpoints in a place that fsspec knows, made beside the work."""

from __future__ import annotations

import logging
import posixpath
import threading
from pathlib import Path

import fsspec

from r1light.core.errors import ConfigError
from r1light.training.checkpoint import CHECKPOINT_NAME
from r1light.training.digest import SUFFIX, digest_of

FAREWELL_SECONDS = 120.0
"""What a last copy may take after the run's end."""

_log = logging.getLogger(__name__)


class Upload:
    """Copies one checkpoint at a time, in a thread; a copy that fails is a warning, and the next one follows.

    Credentials are those of the place's own library, from the environment or its files.
    """

    def __init__(self, url: str, kept: int) -> None:
        """Copy nothing yet.

        Args:
            url: A folder, such as s3://bucket/run or file:///mnt/run.
            kept: The newest copies that are kept.

        Raises:
            ConfigError: If fsspec does not know such a place, or lacks the package for it.
        """
        try:
            self._there, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise ConfigError(f"stage.checkpoint_url={url}: {error}") from error
        self._url = url
        self._kept = kept
        self._thread: threading.Thread | None = None

    def take(self, checkpoint: Path) -> None:
        """Begin to copy a checkpoint and its digest; left out where the copy before is still under way."""
        if self._thread is not None and self._thread.is_alive():
            _log.warning("%s is not copied to %s: the one before still is", checkpoint.name, self._url)
            return
        self._thread = threading.Thread(target=self._copy, args=(checkpoint,), name="upload", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for the copy that is under way, two minutes at most."""
        if self._thread is None:
            return
        self._thread.join(FAREWELL_SECONDS)
        if self._thread.is_alive():
            _log.warning(
                "the last copy to %s is not done after %g s: it is given up", self._url, FAREWELL_SECONDS
            )

    def _copy(self, checkpoint: Path) -> None:
        try:
            target = posixpath.join(self._root, checkpoint.name)
            self._there.makedirs(self._root, exist_ok=True)
            self._there.put(str(checkpoint), target, recursive=checkpoint.is_dir())
            # the digest comes last: a copy that has one is whole
            self._there.put(str(digest_of(checkpoint)), target + SUFFIX)
            self._prune()
        except Exception as error:  # of whatever library: training does not hang on it
            told = " ".join(str(error).split())
            _log.warning("cannot copy %s to %s: %s: %s", checkpoint, self._url, type(error).__name__, told)

    def _prune(self) -> None:
        paths = {
            posixpath.basename(path.rstrip("/")): path for path in self._there.ls(self._root, detail=False)
        }
        for name in sorted(filter(CHECKPOINT_NAME.match, paths), reverse=True)[self._kept :]:
            self._there.rm(paths[name], recursive=True)
            if name + SUFFIX in paths:
                self._there.rm(paths[name + SUFFIX])
