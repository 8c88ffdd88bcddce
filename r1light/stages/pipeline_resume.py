"""In which folder a pipeline goes on: it has begun where a pipeline.json lies, whatever its steps are at."""

from __future__ import annotations

from collections.abc import Iterator

from r1light.config.schema import RunConfig
from r1light.core.errors import ResumeError
from r1light.core.lock import is_locked
from r1light.core.manifest import read_manifest
from r1light.core.run_folder import RunFolder
from r1light.pipeline.records import is_whole, read_record
from r1light.stages.resume import ResumePlan, is_default


def resolve_pipeline(config: RunConfig, folder: RunFolder) -> ResumePlan:
    """Decide in which folder a pipeline runs. What of it must be run again is decided step by step.

    Raises:
        ResumeError: The folder holds another run, or `resume` names a path.
    """
    assert config.pipeline is not None
    if config.resume == "none":
        return ResumePlan(folder, (), "a fresh start, as resume=none asks for")
    if config.resume != "auto":
        raise ResumeError(
            f"resume={config.resume}: a pipeline goes on in its own folder; name that by hydra.run.dir"
        )
    record = read_record(folder)
    name = record.get("name") if record else read_manifest(folder).get("stage")
    if name not in (None, config.pipeline.name) and (record or name != "pipeline"):
        what = f"the pipeline {name}" if record else f"a run of stage={name}"
        raise ResumeError(
            f"{folder.path} holds {what}, and this is the pipeline {config.pipeline.name}; choose another "
            "hydra.run.dir, or resume=none to start over in it"
        )
    if record:
        return ResumePlan(folder, (), f"going on in {folder.path}")
    for other in _unfinished(config, folder):
        return ResumePlan(
            other, (), f"going on with {other.path}, the newest unfinished one of this configuration"
        )
    return ResumePlan(folder, (), "a fresh start: no unfinished run of this configuration")


def _unfinished(config: RunConfig, folder: RunFolder) -> Iterator[RunFolder]:
    """Unfinished, abandoned pipelines of the same configuration beside a default folder, newest first."""
    if not is_default(config, folder):
        return
    siblings = [RunFolder(path) for path in folder.path.parent.iterdir() if path.name != folder.path.name]
    for sibling in sorted(siblings, key=_last_start, reverse=True):
        same = read_manifest(sibling).get("fingerprint") == config.fingerprint
        begun = same and bool(read_record(sibling)) and ".old-" not in sibling.path.name
        if begun and not is_whole(sibling) and not is_locked(sibling.path):
            yield sibling


def _last_start(folder: RunFolder) -> tuple[str, str]:
    sessions = read_manifest(folder).get("sessions") or [{}]
    return str(sessions[-1].get("started", "")), folder.path.name
