"""A stage's rows on their way to the loggers that the configuration names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from r1light.config.schema import RunConfig
from r1light.core.run_folder import RunFolder, StageResult


@contextmanager
def logged(config: RunConfig, folder: RunFolder) -> Iterator[tuple[RunFolder, Callable[[StageResult], None]]]:
    """The folder for a stage to write in, and what is to be told its result.

    Raises:
        ConfigError: A logger's package is absent, or it cannot be opened.
    """
    if not config.logger.chosen():
        yield folder, _nothing
        return
    from r1light.training.relay import Relay

    relay = Relay(config.logger, folder, config.resolved)
    try:
        yield replace(folder, listener=relay), relay.finish
    finally:
        relay.close(None, failed=True)  # nothing is left to close of a run that has finished


def _nothing(result: StageResult) -> None:
    del result
