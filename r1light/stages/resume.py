"""Which folder a run writes in, and from which checkpoints it goes on.

`resume=auto` goes on in the folder it is given, or in the newest unfinished run of the same configuration
beside it; `resume=none` starts afresh; `resume=<path>` starts in a folder of its own from another run's
checkpoints, which are left as they are.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from r1light.config.schema import RunConfig
from r1light.core.errors import ResumeError
from r1light.core.lock import is_locked
from r1light.core.manifest import comparable, read_manifest
from r1light.core.masking import mask
from r1light.core.run_folder import RunFolder, keep_rows
from r1light.curation.committed import has_rows

CHECKPOINT_PATTERN = "iteration-*.ckpt"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ResumePlan:
    """From where a run goes on.

    Attributes:
        folder: Where it writes.
        checkpoints: What it can go on from, newest first; empty for a fresh start. The first one that loads
            is to be taken.
        reason: Why, in a few words, for the log.
    """

    folder: RunFolder
    checkpoints: tuple[Path, ...]
    reason: str


def resolve_resume(config: RunConfig, folder: RunFolder) -> ResumePlan:
    """Decide from where a run goes on. Reads only; asked again about the plan's folder, it says the same.

    Raises:
        ResumeError: `resume` names a path without checkpoints, or checkpoints of another configuration (names
            the keys that differ), or they are past what `stage.iterations` asks for.
    """
    plan = _plan(config, folder)
    limit = getattr(config.stage, "iterations", None)
    if limit is not None and plan.checkpoints and (reached := _number(plan.checkpoints[0])) > limit:
        raise ResumeError(
            f"{plan.checkpoints[0]} is after iteration {reached}, and stage.iterations={limit} asks for "
            "fewer; raise it, or start afresh with resume=none"
        )
    return plan


def _plan(config: RunConfig, folder: RunFolder) -> ResumePlan:
    if config.resume == "none":
        return ResumePlan(folder, (), "a fresh start, as resume=none asks for")
    if config.resume != "auto":
        mine = read_manifest(folder).get("fingerprint") == config.fingerprint
        if mine and (own := _checkpoints(folder)):
            return ResumePlan(folder, own, f"going on from the newest checkpoint in {folder.path}")
        return _from_path(config, folder, Path(config.resume))
    own = _checkpoints(folder)
    if own or folder.manifest.exists():
        _check_same(config, folder, "choose another hydra.run.dir, or resume=none to start over in it")
    if own or has_rows(folder.path):
        from_what = "from the newest checkpoint" if own else "behind the rows"
        return ResumePlan(folder, own, f"going on {from_what} in {folder.path}")
    limit = getattr(config.stage, "iterations", None)
    for other in _unfinished(config, folder):
        if limit is not None and _number(_checkpoints(other)[0]) > limit:
            continue  # that run is past what is asked for here
        reason = f"going on with {other.path}, the newest unfinished run of this configuration"
        return ResumePlan(other, _checkpoints(other), reason)
    return ResumePlan(folder, (), "a fresh start: no unfinished run of this configuration")


def starting_point(config: RunConfig, folder: RunFolder) -> tuple[Path | None, int]:
    """The checkpoint that training goes on from and its iteration, with the folder made ready for it.

    Rows and checkpoints of later iterations are taken out of the way, as they will be written anew; a run
    that goes on from another's checkpoint in a folder of its own takes over its history.

    Raises:
        ResumeError: None of the checkpoints loads.
    """
    from r1light.training.checkpoint import set_aside
    from r1light.training.fit import newest_readable

    plan = resolve_resume(config, folder)
    foreign = (
        config.resume == "auto" and plan.folder != folder
    )  # another run died since this folder was taken
    checkpoint, iteration, damaged = newest_readable(() if foreign else plan.checkpoints)
    for line in damaged:
        _log.warning("%s; going back to the one before", line)
    if checkpoint is not None:
        _log.info("resumed after iteration %d from %s", iteration, checkpoint)
        _take_over_history(RunFolder(checkpoint.absolute().parent.parent), folder)
        set_aside(folder.checkpoints, iteration)
    for rows in (folder.metrics, folder.samples):
        keep_rows(rows, iteration if checkpoint else -1)
    return checkpoint, iteration


def _take_over_history(source: RunFolder, folder: RunFolder) -> None:
    """Copy the rows and the best model of a run that another folder goes on with."""
    if source.path.absolute() == folder.path.absolute() or folder.metrics.exists():
        return
    for path in (source.metrics, source.samples):
        if path.exists():
            shutil.copyfile(path, folder.path / path.name)
    if (source.checkpoints / "best").is_dir():
        shutil.copytree(source.checkpoints / "best", folder.checkpoints / "best", dirs_exist_ok=True)


def _checkpoints(folder: RunFolder) -> tuple[Path, ...]:
    return tuple(sorted(folder.checkpoints.glob(CHECKPOINT_PATTERN), reverse=True))


def _number(checkpoint: Path) -> int:
    """The iteration that a checkpoint's name tells; 0 for a file of another name."""
    digits = checkpoint.stem.split("-")[-1]
    return int(digits) if digits.isdigit() else 0


def is_default(config: RunConfig, folder: RunFolder) -> bool:
    """Whether the folder is the one that is made when nobody names one: runs/<stage>/<time>."""
    return folder.path.absolute().parent == Path("runs", config.stage_name).absolute()


def _unfinished(config: RunConfig, folder: RunFolder) -> Iterator[RunFolder]:
    """Unfinished, abandoned runs of the same configuration beside a default folder, newest first."""
    if not is_default(config, folder):
        return
    siblings = [RunFolder(path) for path in folder.path.parent.iterdir() if path.name != folder.path.name]
    started = {sibling: read_manifest(sibling) for sibling in siblings}
    for sibling in sorted(siblings, key=lambda one: (_last_start(started[one]), one.path.name), reverse=True):
        same = started[sibling].get("fingerprint") == config.fingerprint
        abandoned = same and not sibling.result.exists() and not is_locked(sibling.path)
        begun = _checkpoints(sibling) or has_rows(sibling.path)
        if abandoned and ".old-" not in sibling.path.name and begun:
            yield sibling


def _last_start(manifest: Mapping[str, Any]) -> str:
    sessions = manifest.get("sessions") or [{}]
    return str(sessions[-1].get("started", ""))


def _from_path(config: RunConfig, folder: RunFolder, path: Path) -> ResumePlan:
    """Another run's checkpoints, by its folder, its checkpoints folder or one file."""
    levels_up = 2 if path.is_file() or path.suffix == ".ckpt" else 1 if path.name == "checkpoints" else 0
    source = RunFolder([path, *path.absolute().parents][levels_up])
    found = (path,) if path.is_file() or path.suffix == ".ckpt" else _checkpoints(source)
    if not path.exists():
        raise ResumeError(f"resume={path} does not exist; name a run folder or one of its checkpoints")
    if not found:
        raise ResumeError(f"resume={path} has no checkpoints ({source.checkpoints / CHECKPOINT_PATTERN})")
    if not source.manifest.exists():
        raise ResumeError(f"resume={path} belongs to no run: there is no {source.manifest}")
    _check_same(config, source, "repeat that run's options, or start afresh with resume=none")
    return ResumePlan(folder, found, f"going on from {found[0]}, as resume={path} asks for")


def _check_same(config: RunConfig, folder: RunFolder, remedy: str) -> None:
    """Refuse the checkpoints of another configuration.

    Raises:
        ResumeError: Names up to three keys that differ, with both values.
    """
    if read_manifest(folder).get("fingerprint") == config.fingerprint:
        return
    there, here = (
        _comparable_of(folder),
        comparable(config.resolved),
    )
    differing = [key for key in sorted({*there, *here}) if there.get(key) != here.get(key)]
    shown = [f"{key} is {there.get(key)!r} there and {here.get(key)!r} here" for key in differing]
    more = [f"and {len(shown) - 3} more keys differ"] if len(shown) > 3 else []
    what = "; ".join(shown[:3] + more) or "its manifest.json cannot be read"
    raise ResumeError(f"{folder.path} holds a run of another configuration ({what}); {remedy}")


def _comparable_of(folder: RunFolder) -> dict[str, Any]:
    try:
        saved = yaml.safe_load(folder.config.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return {}
    return comparable(mask(saved)) if isinstance(saved, Mapping) else {}
