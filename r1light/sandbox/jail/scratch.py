"""Clearing folders that a hostile program has filled: any depth, any permissions, no link followed."""

from __future__ import annotations

import os
from collections.abc import Callable


def clear(folder: str, keep: str | None = None) -> None:
    """Delete all that a folder holds; what cannot be deleted stays.

    Deep trees are lifted level by level, so that neither recursion nor the length of a path bounds them.

    Args:
        folder: The folder; stays itself.
        keep: The name of an entry to leave.
    """
    lifted = 0
    folders = _empty(folder, folder, keep, 0)[0]
    while folders:
        path = folders.pop()
        inner, lifted = _empty(path, folder, None, lifted)
        folders += inner
        _try(os.rmdir, path)


def _empty(folder: str, top: str, keep: str | None, lifted: int) -> tuple[list[str], int]:
    """Delete a folder's files, and move its folders to the top under names that nothing has."""
    folders: list[str] = []
    _try(_open_up, folder)
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return [], lifted
    for entry in entries:
        if entry.name == keep:
            continue
        if not entry.is_dir(follow_symlinks=False):
            _try(os.unlink, entry.path)
            continue
        target = entry.path
        if folder != top:
            lifted += 1
            target = os.path.join(top, f".lifted-{lifted}")
            _try(_open_up, entry.path)  # moving it writes to it
            try:
                os.rename(entry.path, target)
            except OSError:
                continue
        folders.append(target)
    return folders, lifted


def _open_up(path: str) -> None:
    os.chmod(path, 0o700)


def _try(action: Callable[[str], None], path: str) -> None:
    try:
        action(path)
    except OSError:
        return
