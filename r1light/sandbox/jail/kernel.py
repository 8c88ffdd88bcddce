"""The system calls that the standard library has no name for, through ctypes."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
from collections.abc import Mapping
from dataclasses import dataclass

MACHINE = platform.machine()
"""x86_64 or aarch64; other machines have no table."""

_X86_64 = {
    "capset": 126, "clone": 56, "landlock_add_rule": 445, "landlock_create_ruleset": 444,
    "landlock_restrict_self": 446, "mount": 165, "mount_setattr": 442, "pivot_root": 155, "prctl": 157,
    "umount2": 166, "unshare": 272,
}  # fmt: skip
_AARCH64 = {
    "capset": 91, "clone": 220, "landlock_add_rule": 445, "landlock_create_ruleset": 444,
    "landlock_restrict_self": 446, "mount": 40, "mount_setattr": 442, "pivot_root": 41, "prctl": 167,
    "umount2": 39, "unshare": 97,
}  # fmt: skip
NUMBERS: Mapping[str, int] = {"x86_64": _X86_64, "aarch64": _AARCH64}.get(MACHINE, {})
"""Numbers of the calls made here. Source: the kernel's asm/unistd_64.h and asm-generic/unistd.h."""

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 32, 4096, 16384, 1 << 18
MS_RDONLY = 1
MNT_DETACH = 2

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_CHILD_SUBREAPER, _PR_SET_SECCOMP = 4, 38, 36, 22
_M_ARENA_MAX = -8
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_CAPABILITY_VERSION_3 = 0x20080522

# PyDLL keeps the interpreter's lock: after `clone` the child has one thread, which must hold it.
_LIBC = ctypes.PyDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long


def call(name: str, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """Make a system call; integers are passed as longs, bytes as pointers.

    Raises:
        OSError: As the kernel says; ENOSYS on a machine without a table.
    """
    if name not in NUMBERS:
        raise OSError(38, f"{name}: no system call numbers for {MACHINE}")
    passed = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result = int(_LIBC.syscall(ctypes.c_long(NUMBERS[name]), *passed))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Leave the namespaces that the flags name for fresh ones."""
    call("unshare", flags)


def clone(flags: int) -> int:
    """Fork into fresh namespaces; 0 in the child. Only for a process of one thread."""
    return call("clone", flags | signal.SIGCHLD, 0, 0, 0, 0)


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, options: str = "") -> None:
    """Mount a file system, or bind a folder or file."""
    kind_bytes = kind.encode() if kind else None
    call("mount", source.encode(), target.encode(), kind_bytes, flags, options.encode() or None)


def make_read_only(target: str) -> None:
    """Make a mount and what is mounted below it read-only, without devices and set-user-id programs."""
    attributes = (_ATTR_RDONLY | _ATTR_NOSUID | _ATTR_NODEV).to_bytes(8, "little") + bytes(24)
    try:
        call("mount_setattr", _AT_FDCWD, target.encode(), _AT_RECURSIVE, attributes, len(attributes))
    except OSError as error:
        if error.errno != 38:
            raise
        kept = os.statvfs(target).f_flag & (2 | 4 | 8 | 1024 | 2048)  # flags that a user may not clear
        mount("none", target, None, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | kept)


def change_root(folder: str) -> None:
    """Make a mounted folder the root, and let go of the old one."""
    os.chdir(folder)
    call("pivot_root", b".", b".")
    call("umount2", b".", MNT_DETACH)
    os.chdir("/")


def share_memory_arenas() -> None:
    """Have the C library's threads allocate from one arena; each of their own would reserve address space."""
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_ARENA_MAX, 1)


def set_dumpable(dumpable: bool) -> None:
    """Whether processes of the same user may look into this one."""
    call("prctl", _PR_SET_DUMPABLE, int(dumpable), 0, 0, 0)


def become_subreaper() -> None:
    """Take in the orphans among one's descendants."""
    call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def renounce_privileges() -> None:
    """No program that this process starts has more rights than it has; for good."""
    call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def drop_capabilities() -> None:
    """Give up all capabilities."""
    call("capset", _CAPABILITY_VERSION_3.to_bytes(4, "little") + bytes(4), bytes(24))


def filter_calls(program: bytes) -> None:
    """Install a seccomp filter, for good; needs `renounce_privileges` before.

    Args:
        program: Classic BPF instructions, 8 bytes each.
    """
    code = ctypes.create_string_buffer(program, len(program))
    header = (len(program) // 8).to_bytes(8, "little") + ctypes.addressof(code).to_bytes(8, "little")
    call("prctl", _PR_SET_SECCOMP, 2, header, 0, 0)


@dataclass(frozen=True, slots=True)
class Outside:
    """What a process must know of where it was, when it has entered a fresh user namespace.

    Attributes:
        proc: A descriptor of /proc.
        user: Its user there.
        group: Its group there.
    """

    proc: int
    user: int
    group: int


def look_outside(proc: int) -> Outside:
    """This process as it is, to be taken along into a user namespace."""
    return Outside(proc, os.geteuid(), os.getegid())


def map_user(outside: Outside) -> None:
    """In a fresh user namespace: be user and group 1000, and no other.

    Raises:
        OSError: If the kernel refuses; the message names the file.
    """
    set_dumpable(True)  # otherwise the files below belong to root
    for name, line in (
        ("setgroups", "deny"), ("uid_map", f"1000 {outside.user} 1"), ("gid_map", f"1000 {outside.group} 1"),
    ):  # fmt: skip
        file = os.open(f"self/{name}", os.O_WRONLY, dir_fd=outside.proc)
        try:
            os.write(file, line.encode())
        except OSError as error:
            raise OSError(error.errno, f"writing {name}: {error.strerror}") from error
        finally:
            os.close(file)
    set_dumpable(False)
