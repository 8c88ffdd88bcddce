"""The filter of system calls: everything is allowed but what no judged program needs.

What is refused fails with EPERM, so that a program that probes goes on; a call of a foreign architecture
kills. Refused for all: sockets but connected pairs, namespaces and mounts, tracing and reading other
processes, io_uring, bpf, keys, shared memory by key, message queues, anonymous files, handles of processes,
clocks, modules, and signals, limits and priorities of other processes. Refused for all but the compiler:
second processes, and changes of a file's owner, mode and times. Refused for Python: other programs.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from r1light.sandbox.jail.kernel import MACHINE

Profile = Literal["python", "binary", "compiler"]
"""What runs under the filter: Python code, a compiled program, or the compiler and its helpers."""

# name: (number on x86_64, number on aarch64); -1 where there is none. Only x86_64 has been tested.
_REFUSED = {
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "accept": (43, 202),
    "accept4": (288, 242), "setsockopt": (54, 208), "sendmsg": (46, 211), "sendmmsg": (307, 269),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "move_mount": (429, 429), "open_tree": (428, 428),
    "mount_setattr": (442, 442), "open_tree_attr": (467, 467), "statmount": (457, 457),
    "listmount": (458, 458), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "swapon": (167, 224), "swapoff": (168, 225),
    "reboot": (169, 142), "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "acct": (163, 89), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "sethostname": (170, 161), "setdomainname": (171, 162), "iopl": (172, -1), "ioperm": (173, -1),
    "modify_ldt": (154, -1), "personality": (135, 92), "syslog": (103, 116), "vhangup": (153, 58),
    "lookup_dcookie": (212, 18), "nfsservctl": (180, 42), "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "process_madvise": (440, 440), "process_mrelease": (448, 448),
    "kcmp": (312, 272), "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "memfd_create": (319, 279),
    "memfd_secret": (447, 447), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424), "shmget": (29, 194), "shmctl": (31, 195), "shmat": (30, 196),
    "semget": (64, 190), "semctl": (66, 191), "semop": (65, 193), "msgget": (68, 186), "msgctl": (71, 187),
    "msgsnd": (69, 189), "msgrcv": (70, 188), "mq_open": (240, 180), "mq_unlink": (241, 181),
    "mq_notify": (244, 184), "seccomp": (317, 277), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "setpriority": (141, 140), "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118), "sched_setattr": (314, 274), "ioprio_set": (251, 30), "mbind": (237, 235),
    "set_mempolicy": (238, 237), "migrate_pages": (256, 238), "move_pages": (279, 239), "uselib": (134, -1),
    "sysfs": (139, -1),
}  # fmt: skip
# Landlock does not guard who owns a file, its mode, its times, and in its first versions its length.
_METADATA = {
    "chmod": (90, -1), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, -1),
    "fchown": (93, 55), "lchown": (94, -1), "fchownat": (260, 54), "utime": (132, -1), "utimes": (235, -1),
    "futimesat": (261, -1), "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "setxattrat": (463, 463), "removexattr": (197, 14), "lremovexattr": (198, 15),
    "fremovexattr": (199, 16), "removexattrat": (466, 466), "truncate": (76, 45), "inotify_init": (253, -1),
    "inotify_init1": (294, 26), "file_setattr": (469, 469),
}  # fmt: skip
_FORKS = {"fork": (57, -1), "vfork": (58, -1)}
_EXECS = {"execve": (59, 221), "execveat": (322, 281)}
_KILL, _TGKILL = (62, 129), (234, 131)
_PRLIMIT, _SETAFFINITY = (302, 261), (203, 122)
_CLONE, _CLONE3, _FCNTL, _CLOSE_RANGE = (56, 220), (435, 435), (72, 25), (436, 436)

_ARCHITECTURES: Mapping[str, tuple[int, int]] = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32 = 0x40000000
_SOCKETPAIR = (53, 199)
_UNIX, _STREAM, _SOCKET_KIND = 1, 1, 0xF
_NEW_NAMESPACES, _THREAD, _SHARED_FILES = 0x7E020080, 0x00010000, 0x00000400
_UNSHARES_FILES = 2
_SETS_SIGNAL_OWNER = (8, 10, 15)  # F_SETOWN, F_SETSIG, F_SETOWN_EX: a signal to anyone, by way of a pipe

_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_SET, _RETURN, _AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_KILL_PROCESS, _ALLOW, _REFUSE = 0x80000000, 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS = 1, 38


def supported() -> bool:
    """Whether there is a table for this machine."""
    return MACHINE in _ARCHITECTURES


@dataclass(frozen=True, slots=True)
class Filter:
    """The filter of one profile, but for the process's own id, which is known only when it is installed."""

    profile: Profile

    def program(self, pid: int) -> bytes:
        """The filter as classic BPF, 8 bytes an instruction, for the process of that id.

        Raises:
            OSError: On a machine without a table.
        """
        if not supported():
            raise OSError(_ENOSYS, f"no system call numbers for {MACHINE}")
        return _PROLOGUE + _own_process_only(pid) + _TAILS[self.profile]


def _op(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("<HBBI", code, then, otherwise, value & 0xFFFFFFFF)


def _refuse(error: int = _EPERM) -> bytes:
    return _op(_RETURN, _REFUSE | error)


def _when(call: tuple[int, int], body: bytes) -> bytes:
    """Run `body`, which must return or leave the call's number loaded, for that call alone."""
    number = call[_ARCHITECTURES[MACHINE][0]]
    if number < 0:
        return b""
    return _op(_JUMP_EQUAL, number, 0, len(body) // 8) + body


def _own_process_only(pid: int) -> bytes:
    """Signals only to itself; limits and CPU masks of itself, which 0 stands for too."""
    refuse_other = _op(_LOAD, _ARGUMENTS) + _op(_JUMP_EQUAL, pid, 1, 0) + _refuse() + _op(_RETURN, _ALLOW)
    zero_too = _op(_LOAD, _ARGUMENTS) + _op(_JUMP_EQUAL, 0, 2, 0) + refuse_other[8:]
    signals = _when(_KILL, refuse_other) + _when(_TGKILL, refuse_other)
    return signals + _when(_PRLIMIT, zero_too) + _when(_SETAFFINITY, zero_too)


def _tail(profile: Profile) -> bytes:
    refused = dict(_REFUSED)
    if profile != "compiler":
        refused |= _FORKS | _METADATA
    if profile == "python":
        refused |= _EXECS
    parts = [_when(call, _refuse()) for call in refused.values()]
    parts.append(_when(_CLONE3, _refuse(_ENOSYS)))  # its flags are out of reach; libc falls back to clone
    parts.append(_when(_CLONE, _checked_clone(profile != "compiler")))
    parts.append(_when(_FCNTL, _checked_fcntl()))
    own_files = _op(_LOAD, _ARGUMENTS + 16) + _op(_JUMP_SET, _UNSHARES_FILES, 0, 1) + _refuse()
    parts.append(_when(_CLOSE_RANGE, own_files + _op(_RETURN, _ALLOW)))
    parts.append(_when(_SOCKETPAIR, _checked_socketpair()))
    return b"".join(parts) + _op(_RETURN, _ALLOW)


def _checked_clone(threads_only: bool) -> bytes:
    body = _op(_LOAD, _ARGUMENTS) + _op(_JUMP_SET, _NEW_NAMESPACES, 0, 1) + _refuse()
    if threads_only:  # a table of files of a thread's own would not be looked at
        for flag in (_THREAD, _SHARED_FILES):
            body += _op(_JUMP_SET, flag, 1, 0) + _refuse()
    return body + _op(_RETURN, _ALLOW)


def _checked_socketpair() -> bytes:
    """Pairs that are connected to each other for good, as event loops wake themselves by.

    A pair of datagram sockets could send to others, and descriptors sent over a pair are refused by sendmsg.
    """
    family = _op(_LOAD, _ARGUMENTS) + _op(_JUMP_EQUAL, _UNIX, 1, 0) + _refuse()
    kind = _op(_LOAD, _ARGUMENTS + 8) + _op(_AND, _SOCKET_KIND) + _op(_JUMP_EQUAL, _STREAM, 1, 0) + _refuse()
    return family + kind + _op(_RETURN, _ALLOW)


def _checked_fcntl() -> bytes:
    checks = b"".join(_op(_JUMP_EQUAL, command, 0, 1) + _refuse() for command in _SETS_SIGNAL_OWNER)
    return _op(_LOAD, _ARGUMENTS + 8) + checks + _op(_RETURN, _ALLOW)


def _prologue() -> bytes:
    architecture = _ARCHITECTURES[MACHINE][1]
    start = _op(_LOAD, _ARCHITECTURE) + _op(_JUMP_EQUAL, architecture, 1, 0) + _op(_RETURN, _KILL_PROCESS)
    start += _op(_LOAD, _NUMBER)
    if MACHINE == "x86_64":
        start += _op(_JUMP_ABOVE, _X32, 0, 1) + _op(_RETURN, _KILL_PROCESS)
    return start


_PROLOGUE = _prologue() if supported() else b""
_TAILS: Mapping[Profile, bytes] = (
    {"python": _tail("python"), "binary": _tail("binary"), "compiler": _tail("compiler")}
    if supported()
    else {}
)
