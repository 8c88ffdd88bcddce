"""Whether a step must be run: what it was made of, written beside it, against what it would be made of now.

A step's mark, step.json in its run folder, has its whole configuration, a hash of r1light's own sources and
YAML, the versions of the libraries, and a hash of every file and folder that its configuration points to,
the models and data of the steps before it among them. A step is reused only if it has finished and nothing
of that has changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from r1light.core.manifest import comparable, hash_path, versions
from r1light.core.run_folder import RunFolder, write_json

FILE = "step.json"
"""The mark's name in the step's run folder."""

_WRITTEN = ("output", "review")
"""Keys of files that the step itself writes: they count as it left them."""
_CODE = (".py", ".yaml", ".json", ".safetensors")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Code:
    """What computes: a hash of sources and YAML, and the versions of r1light, its plugins and libraries."""

    sources: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Mark:
    """What a step is made of.

    Attributes:
        config: Its resolved configuration, as dotted key to value, iterations included and secrets masked.
        code: What computes it.
        inputs: Dotted key to the hash of the file or folder that the key names.
        finished: Whether its process ended with exit code 0.
    """

    config: Mapping[str, Any]
    code: Code
    inputs: Mapping[str, str]
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with a step, and why.

    Attributes:
        action: "reuse" it; "go_on" in its folder; or "run" it, with a folder of before moved aside.
        why: In a few words, for the log.
    """

    action: Literal["reuse", "go_on", "run"]
    why: str


def code_version(folders: Sequence[Path]) -> Code:
    """The code as it is now.

    Args:
        folders: Those of the package and of its YAML. What lies in the YAML's folder `pipeline` is left
            out: what it says to a step stands in the step's configuration.
    """
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if path.suffix in _CODE and not (name.parts[0] == "pipeline" and path.suffix == ".yaml"):
                digest.update(f"{name.as_posix()}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return Code(digest.hexdigest(), versions())


def make_mark(resolved: Mapping[str, Any], code: Code, root: Path) -> Mark:
    """The mark of a step that is to begin now.

    Args:
        resolved: Its configuration as plain data.
        code: The code as it is now.
        root: The pipeline's run folder: paths below it are written from there, so that it can be moved.
    """
    config = comparable(resolved) | _iterations(resolved)
    placed: dict[str, Any] = json.loads(json.dumps({key: _placed(config[key], root) for key in config}))
    hashes = input_hashes(resolved)
    at_start = {key: value for key, value in hashes.items() if key.rpartition(".")[2] not in _WRITTEN}
    return Mark(placed, code, at_start)


def finish_mark(folder: RunFolder, resolved: Mapping[str, Any]) -> None:
    """Note down that a step has finished, and the files that it made where its configuration says."""
    mark = read_mark(folder)
    if mark is not None:
        now = input_hashes(resolved)
        write_mark(folder, replace(mark, inputs={**now, **mark.inputs}, finished=True))


def decide(folder: RunFolder, now: Mark, resolved: Mapping[str, Any]) -> Decision:
    """Whether a step is reused, gone on with, or run.

    Args:
        folder: Its run folder.
        now: What it would be made of.
        resolved: Its configuration as plain data.
    """
    if not is_begun(folder):
        return Decision("run", "it has not run yet")
    before = read_mark(folder)
    if before is None:
        return Decision("run", f"what its folder holds is of unknown origin: there is no {FILE}")
    changed = list(_changes(before, now, input_hashes(resolved)))
    if changed:
        return Decision("run", "; ".join(changed))
    if before.finished and folder.result.exists():
        return Decision("reuse", "its configuration, the code and its inputs are unchanged")
    if folder.result.exists() and not any(folder.checkpoints.glob("*.ckpt")):
        return Decision("run", "it was ended before it was done")
    return Decision("go_on", "it is unfinished, and nothing has changed")


def is_begun(folder: RunFolder) -> bool:
    """Whether anything but a lock lies in a step's folder."""
    return folder.path.is_dir() and any(not path.name.startswith(".") for path in folder.path.iterdir())


def is_finished(folder: RunFolder) -> bool:
    """Whether a step has run to its end in that folder, of whatever configuration."""
    mark = read_mark(folder)
    return mark is not None and mark.finished and folder.result.exists()


def set_aside(folder: RunFolder) -> Path | None:
    """Move a step's folder out of the way, if anything lies in it; returns where to."""
    if not is_begun(folder):
        return None
    number = 1
    while (aside := folder.path.with_name(f"{folder.path.name}.old-{number}")).exists():
        number += 1
    folder.path.rename(aside)
    return aside


def write_mark(folder: RunFolder, mark: Mark) -> None:
    """Write step.json.

    Raises:
        StorageError: It cannot be written.
    """
    write_json(folder.path / FILE, asdict(mark))


def read_mark(folder: RunFolder) -> Mark | None:
    """The mark in a step's folder; None where there is none that can be read."""
    try:
        plain = json.loads((folder.path / FILE).read_text(encoding="utf-8"))
        return Mark(plain["config"], Code(**plain["code"]), plain["inputs"], plain["finished"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def input_hashes(resolved: Mapping[str, Any]) -> dict[str, str]:
    """The hash of every file and folder that a configuration points to, by dotted key.

    A text counts if something of that path exists and it has a slash or a suffix, or a key such as `path`;
    folders that hold the working directory do not.
    """
    found = {}
    for key, text in _texts(resolved, ""):
        path = _path(key, text)
        if path is not None:
            found[key] = hash_path(path)
    return found


def _path(key: str, text: str) -> Path | None:
    name = text.rpartition(":")[0] if ".py:" in text else text  # a function of a file
    word = next((part for part in reversed(key.split(".")) if not part.isdigit()), "")
    looks_so = "/" in name or bool(Path(name).suffix) or word in ("path", "input") or word.endswith("_path")
    try:
        path = Path(name)
        if not (name and looks_so and path.exists()) or Path.cwd().is_relative_to(path.resolve()):
            return None
    except (OSError, ValueError):  # a long text, or one with a zero byte, is no path
        return None
    return path


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}.{index}")
    elif isinstance(value, str):
        yield path, value


def _iterations(resolved: Mapping[str, Any]) -> dict[str, Any]:
    stage = resolved.get("stage") or {}
    return {"stage.iterations": stage["iterations"]} if "iterations" in stage else {}


def _placed(value: Any, root: Path) -> Any:
    """A value with the pipeline's folder left out of its paths."""
    if isinstance(value, Mapping):
        return {key: _placed(item, root) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_placed(item, root) for item in value]
    if isinstance(value, str):
        for start in (str(root.absolute()), str(root)):
            if value.startswith(f"{start}/"):
                return f"<pipeline>{value[len(start) :]}"
    return value


def _changes(before: Mark, now: Mark, hashes: Mapping[str, str]) -> Iterator[str]:
    """What is another than before, in words."""
    there, here = before.config, now.config
    keys = [key for key in sorted({*there, *here}) if there.get(key) != here.get(key)]
    shown = [f"{key} was {there.get(key)!r} and is {here.get(key)!r}" for key in keys]
    yield from shown[:_SHOWN]
    if len(shown) > _SHOWN:
        yield f"{len(shown) - _SHOWN} more options changed"
    if before.code.sources != now.code.sources:
        yield "the code of r1light changed"
    if before.code.versions != now.code.versions:
        old, new = before.code.versions, now.code.versions
        names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        yield f"other versions of {', '.join(names)}"
    for key, value in before.inputs.items():
        if hashes.get(key) != value:
            yield f"the input {key} changed" if key in hashes else f"the input {key} is gone"
