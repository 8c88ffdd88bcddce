"""Landlock: which files a process may reach, without any privilege.

It does not cover metadata (`stat` of any path works) nor UDP; the filter of system calls refuses sockets.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable

from r1light.sandbox.jail.kernel import call

_EXECUTE, _WRITE, _READ, _READ_DIR = 1, 2, 4, 8
_FILE_RIGHTS = _EXECUTE | _WRITE | _READ | (1 << 14) | (1 << 15)  # also truncate and ioctl
_RULE_PATH_BENEATH = 1


def abi() -> int:
    """The kernel's version of the interface.

    Raises:
        OSError: If the kernel has none, or it is switched off.
    """
    return call("landlock_create_ruleset", None, 0, 1)


def _all_rights(version: int) -> int:
    """Every right on files that this version knows: 13 at first, then refer, truncate and ioctl."""
    return (1 << (13 + (version >= 2) + (version >= 3) + (version >= 5))) - 1


def ruleset(readable: Iterable[str], writable: Iterable[str], *, execute: bool) -> int:
    """A descriptor of rules: nothing but these paths and what is below them; no TCP, no signals out.

    Paths that do not exist are left out.

    Args:
        readable: May be read and listed.
        writable: May be read, written, created and deleted in.
        execute: Whether what can be read can also be run.

    Raises:
        OSError: If there is no Landlock here.
    """
    version = abi()
    every = _all_rights(version)
    network = 3 if version >= 4 else 0
    scoped = 3 if version >= 6 else 0
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    attributes = struct.pack("<QQQ", every, network, scoped)[:size]
    rules = call("landlock_create_ruleset", attributes, size, 0)
    read = _READ | _READ_DIR | (_EXECUTE if execute else 0)
    for path, rights in [(path, read) for path in readable] + [(path, every) for path in writable]:
        _allow(rules, path, rights & every)
    return rules


def execute_only(paths: Iterable[str]) -> int:
    """A descriptor of rules: of all programs, only these files can be run; nothing else is restricted.

    Raises:
        OSError: If there is no Landlock here.
    """
    rules = call("landlock_create_ruleset", struct.pack("<Q", _EXECUTE), 8, 0)
    for path in paths:
        _allow(rules, path, _EXECUTE)
    return rules


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _FILE_RIGHTS
        call("landlock_add_rule", rules, _RULE_PATH_BENEATH, struct.pack("<Qi", rights, target), 0)
    finally:
        os.close(target)


def restrict(rules: int) -> None:
    """Hold this process and its children to the rules, for good; needs `renounce_privileges` before."""
    call("landlock_restrict_self", rules, 0)
