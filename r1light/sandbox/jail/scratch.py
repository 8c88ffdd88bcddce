"""Folders that a hostile program fills: how much it keeps there, and clearing them.

Any depth, any permissions, no link followed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable

_MAP = re.compile(r"\S+ \S+ \S+ \S+ (\d+) +(/.*) \(deleted\)")


def clear(folder: str) -> None:
    """Delete all that a folder holds; what cannot be deleted stays.

    Deep trees are lifted level by level, so that neither recursion nor the length of a path bounds them.

    Args:
        folder: The folder; stays itself.
    """
    lifted = 0
    folders = _empty(folder, folder, 0)[0]
    while folders:
        path = folders.pop()
        inner, lifted = _empty(path, folder, lifted)
        folders += inner
        _try(os.rmdir, path)


def _empty(folder: str, top: str, lifted: int) -> tuple[list[str], int]:
    """Delete a folder's files, and move its folders to the top under names that nothing has."""
    folders: list[str] = []
    _try(_open_up, folder)
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return [], lifted
    for entry in entries:
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


def used(folder: str, pid: int, largest: int) -> tuple[int, int]:
    """The files and bytes that a process keeps on disk.

    Args:
        folder: Its folder.
        pid: The process; what it has deleted and still holds counts too.
        largest: The most bytes that it may write to a file.
    """
    count = size = 0
    for inner, folders, files in os.walk(folder):
        count += len(folders) + len(files)
        for name in files:
            try:
                size += os.lstat(os.path.join(inner, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    deleted = _deleted(folder, pid, largest)
    return count + len(deleted), size + sum(deleted.values())


def _deleted(folder: str, pid: int, largest: int) -> dict[int, int]:
    """Files below no folder any more that a process still holds: inode to bytes.

    One that is mapped counts as the largest that may be written, as it can be closed and shows no size.
    """
    found: dict[int, int] = {}
    task, mapped = _live_task(pid)
    for match in filter(None, map(_MAP.match, mapped)):
        if match[2].startswith(folder):
            found[int(match[1])] = largest
    for name in _listed(f"{task}/fd") if task else []:
        try:
            path, held = os.readlink(f"{task}/fd/{name}"), os.stat(f"{task}/fd/{name}")
        except OSError:
            continue  # closed meanwhile
        if held.st_nlink == 0 and path.startswith(folder):
            found.setdefault(held.st_ino, held.st_blocks * 512)
    return found


def _live_task(pid: int) -> tuple[str, list[str]]:
    """A thread of a process that has not ended, and its memory map; threads share descriptors and memory."""
    for name in _listed(f"/proc/{pid}/task"):
        task = f"/proc/{pid}/task/{name}"
        try:
            with open(f"{task}/maps", errors="replace") as maps:
                if lines := maps.readlines():
                    return task, lines
        except OSError:
            continue
    return "", []


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []  # what it belonged to has ended
