"""Running a stage in its folder: lock, log, configuration and manifest before it, the result after it."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import yaml

from r1light.config.schema import RunConfig
from r1light.core.errors import UserError
from r1light.core.manifest import finish_manifest, read_manifest, start_manifest
from r1light.core.masking import mask
from r1light.core.progress import logging_to
from r1light.core.run_folder import RunFolder, StageResult, write_atomic
from r1light.stages import stage_module
from r1light.stages.launch import LAUNCHED, joined, process_rank, shares_training
from r1light.stages.logged import logged
from r1light.stages.take_folder import open_run_folder

_log = logging.getLogger("r1light")


def run_stage(config: RunConfig, folder: RunFolder, overrides: Sequence[str] = ()) -> StageResult:
    """Run a stage in a run folder: lock, log, manifest and config before it, result.json after it.

    Args:
        config: The validated configuration.
        folder: Where to write; `resume=auto` may go on in another.
        overrides: The command line's overrides, for the manifest.

    Raises:
        R1LightError: What the stage raises; it stands in r1light.log too.
    """
    module = stage_module(config.stage_name)
    makes_one = getattr(module, "MAKES_RUN_FOLDER", True)
    if not (makes_one(config) if callable(makes_one) else makes_one):
        _remove_empty(folder.path)
        with logging_to(None, debug=config.debug):
            return _run(config, folder)
    if process_rank() > 0:
        return _follow(config, folder)
    with open_run_folder(config, folder) as plan, logging_to(plan.folder.log, debug=config.debug):
        _log.info("stage %s in %s: %s", config.stage_name, plan.folder.path, plan.reason)
        try:
            with joined(config, plan.folder, overrides):
                return _recorded(config, plan.folder, overrides)
        except BaseException as error:
            _log_to_file_only(error)
            raise


def _follow(config: RunConfig, folder: RunFolder) -> StageResult:
    """Be a later rank: work with the first, and write nothing; there is nothing to do where it works alone.

    Args:
        config: The run's configuration.
        folder: What Hydra made for this process.
    """
    if not shares_training(config.stage_name):
        return StageResult(config.stage_name)
    with (
        logging_to(None, debug=config.debug, quiet=LAUNCHED not in os.environ),
        joined(config, None) as shared,
    ):
        if shared.path != folder.path.absolute():
            _remove_empty(folder.path)
        return _run(config, shared)


def _run(config: RunConfig, folder: RunFolder) -> StageResult:
    result: StageResult = stage_module(config.stage_name).run(config, folder)
    return result


def _recorded(config: RunConfig, folder: RunFolder, overrides: Sequence[str]) -> StageResult:
    """Run the stage between the two halves of its manifest."""
    text = yaml.safe_dump(mask(config.resolved), sort_keys=False, allow_unicode=True)
    write_atomic(folder.config, text.encode())
    start_manifest(
        folder, stage=config.stage_name, seed=config.seed, resolved=config.resolved, overrides=overrides
    )
    with logged(config, folder) as (listened, finish):
        result = _run(config, listened)
        finish(result)
    if not read_manifest(folder).get("finished"):  # a stage with a report has done so before it
        finish_manifest(folder)
    folder.save_result(result)
    return result


def _log_to_file_only(error: BaseException) -> None:
    """Put an error into r1light.log; stderr gets its line from `main`."""
    for handler in _log.handlers:
        if isinstance(handler, logging.FileHandler):
            known = isinstance(error, UserError)
            trace = None if known else (type(error), error, error.__traceback__)
            text = str(error) or type(error).__name__
            handler.handle(_log.makeRecord(_log.name, logging.ERROR, __file__, 0, text, (), trace))


def _remove_empty(path: Path) -> None:
    """Remove a folder that Hydra made for a stage that writes nothing, and its parents if they are empty."""
    for folder in (path, path.parent, path.parent.parent):
        if not folder.is_dir() or any(folder.iterdir()) or folder.absolute() == Path.cwd():
            return
        folder.rmdir()
