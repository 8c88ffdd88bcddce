"""SHA-256 digests beside checkpoints, which tell a damaged one; `sha256sum --check` reads them too."""

from __future__ import annotations

import hashlib
from pathlib import Path

from r1light.core.run_folder import write_atomic

SUFFIX = ".sha256"


def digest_of(checkpoint: Path) -> Path:
    """The file with a checkpoint's digests."""
    return checkpoint.with_name(checkpoint.name + SUFFIX)


def note_digest(written: Path, checkpoint: Path) -> None:
    """Hash what is written aside, and note it beside the place that it is about to be renamed to.

    Args:
        written: A file, or a folder of them.
        checkpoint: Where it will stand.

    Raises:
        StorageError: If it cannot be noted.
        OSError: If what is written cannot be read back.
    """
    lines = (f"{_sha256(path)}  {checkpoint.name}{name}\n" for name, path in _files(written).items())
    write_atomic(digest_of(checkpoint), "".join(lines).encode())


def check_digest(checkpoint: Path) -> None:
    """Compare a checkpoint with its digests; one that has none passes.

    Raises:
        ValueError: If a file's digest is another, or files are missing or added.
    """
    noted = digest_of(checkpoint)
    if not noted.exists():
        return
    lines = (line.split("  ", 1) for line in noted.read_text("utf-8").splitlines())
    expected = {name: sha256 for sha256, name in lines}
    found = {checkpoint.name + name: _sha256(path) for name, path in _files(checkpoint).items()}
    differing = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
    if differing:
        raise ValueError(f"{differing[0]} is not what {noted.name} says")


def _files(checkpoint: Path) -> dict[str, Path]:
    """A checkpoint's files, by what is added to its name."""
    if not checkpoint.is_dir():
        return {"": checkpoint}
    return {
        f"/{path.relative_to(checkpoint).as_posix()}": path
        for path in sorted(checkpoint.rglob("*"))
        if path.is_file()
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
