"""Lightning's messages of its own: not shown, as r1light says what there is to say."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_NOISE = (
    ".*does not have many workers.*",
    ".*treespec.*",
    ".*resuming from a checkpoint.*",
    ".*module.s. in eval mode.*",
    ".*`weights_only` was not set.*",
)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hide tips and device listings; warnings that r1light does not know are shown."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for message in _NOISE:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        logger.setLevel(level)
