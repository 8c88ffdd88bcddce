"""What confines: the launcher's root, a program's own scratch folder, the last locks before its code runs.

Tiers: `namespaces` gives a file system of its own, no network and no other process to see; `landlock` hides
files by Landlock instead. Both end in the same limits and the same filter of system calls. `unsafe` has the
limits alone.
"""

from __future__ import annotations

import glob
import os
import resource
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from r1light.sandbox.jail import kernel, landlock, scratch
from r1light.sandbox.jail.seccomp import Filter, Profile

Tier = Literal["namespaces", "landlock", "unsafe"]

NOBODY = 65534
"""The user and group that root's launchers become."""

_MIB = 1 << 20
_UNLIMITED = resource.RLIM_INFINITY
_SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/nix/store", "/etc/ld.so.cache")
_DEVICES = ("null", "zero", "random", "urandom")
_WORK = "/work"
_INPUT = "/input"
_STDIN = b"/dev/stdin"

BINARY = "program"
"""The name of a compiled program in its scratch folder."""

_LOADERS = tuple(glob.glob("/lib*/ld-*.so*"))  # the kernel starts a program through one


@dataclass(frozen=True, slots=True)
class Setup:
    """What a launcher is told when it starts.

    Attributes:
        tier: What confines programs.
        base: A folder of its own, empty.
    """

    tier: Tier
    base: str


def enter(setup: Setup) -> kernel.Outside | None:
    """Confine the launcher itself, once; it gives up root's rights.

    Returns:
        What `build` needs in the tier of namespaces; None in the others.

    Raises:
        OSError: If the kernel refuses; the message names the call.
    """
    root = os.geteuid() == 0
    if setup.tier != "namespaces":
        if root:
            os.chown(setup.base, NOBODY, NOBODY)
            _become_nobody()
            _check_readable()
        os.chdir("/")
        return None
    outside = kernel.look_outside(os.open("/proc", os.O_PATH | os.O_DIRECTORY))
    flags = kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
    kernel.unshare(flags if root else flags | kernel.CLONE_NEWUSER)
    if not root:
        kernel.map_user(outside)
    _build_root(setup.base)
    if root:
        _become_nobody()
    kernel.drop_capabilities()
    return kernel.look_outside(outside.proc)


def _become_nobody() -> None:
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def _check_readable() -> None:
    """The standard library must stay readable for a user without rights."""
    if not os.access(os.__file__, os.R_OK):
        raise OSError(
            13, f"the interpreter's library {os.path.dirname(os.__file__)} is closed to other users"
        )


def _build_root(base: str) -> None:
    """Make `base` the root: a read-only tmpfs with the system's programs and libraries, and this Python."""
    os.umask(0o022)  # other users must get through the folders made here
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", base, "tmpfs", kernel.MS_NOSUID, "size=1m,mode=0755")
    paths = dict.fromkeys([*_SYSTEM, os.path.realpath(sys.base_prefix)])
    for path in paths:
        if path not in _SYSTEM and any(path.startswith(known + "/") for known in _SYSTEM):
            continue
        _bring_in(path, base)
    os.mkdir(f"{base}/dev")
    for name in _DEVICES:
        open(f"{base}/dev/{name}", "x").close()
        kernel.mount(f"/dev/{name}", f"{base}/dev/{name}", None, kernel.MS_BIND)
    for folder in (_WORK, _INPUT):
        os.mkdir(base + folder)
    os.symlink(_WORK, f"{base}/tmp")
    os.symlink(f"{_INPUT}/stdin", base + _STDIN.decode())  # as there is no /proc that it could point into
    os.umask(0o077)
    kernel.change_root(base)
    kernel.mount("none", "/", None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID)


def _bring_in(path: str, base: str) -> None:
    """Show a folder or file of the host at the same place, read-only."""
    target = base + path
    if not os.path.exists(path) or os.path.lexists(target):
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.makedirs(target)
    else:
        open(target, "x").close()
    kernel.mount(path, target, None, kernel.MS_BIND | kernel.MS_REC)
    kernel.make_read_only(target)


@dataclass(slots=True)
class Cage:
    """The confinement of one program; all of its processes are held to it.

    Attributes:
        tier: What confines it.
        limits: The fields of `core.sandbox.Limits`.
        scratch: The program's own folder.
        rules: A descriptor of Landlock rules, or None where the tier or the kernel has none.
        input: Whether /dev/stdin has to be made for the program.
    """

    tier: Tier
    limits: Mapping[str, Any]
    scratch: str
    rules: int | None
    input: bool = False

    def lock(self, profile: Profile, cpu_seconds: int) -> None:
        """Give up everything that the program may not have; the caller's next step is to run it.

        Raises:
            OSError: If one of the locks does not close.
        """
        _set_limits(self, profile, cpu_seconds)
        if self.tier == "unsafe":
            return
        kernel.drop_capabilities()
        kernel.renounce_privileges()
        if self.tier == "landlock":
            kernel.set_dumpable(True)  # for the supervisor to see its files; it can look into nothing itself
        if self.rules is not None:
            landlock.restrict(self.rules)
            os.close(self.rules)
            if profile == "binary":
                only = landlock.execute_only([os.path.join(self.scratch, BINARY), *_LOADERS])
                landlock.restrict(only)
                os.close(only)
        kernel.filter_calls(Filter(profile).program(os.getpid()))

    def files(self, pid: int) -> tuple[int, int]:
        """The files and bytes that a process keeps on disk; only where no quota of the kernel holds them."""
        if self.tier == "namespaces":
            return 0, 0
        return scratch.used(self.scratch, pid, self.limits["file_mib"] << 20)

    def show_input(self, descriptor: int) -> None:
        """Put a copy of standard input where /dev/stdin points to, for a program that names it."""
        if not self.input:
            return
        scratch.clear(_INPUT)
        with open(descriptor, "rb", closefd=False) as source, open(f"{_INPUT}/stdin", "xb") as copy:
            shutil.copyfileobj(source, copy)
        os.lseek(descriptor, 0, os.SEEK_SET)

    def remove(self) -> None:
        """Delete what the program left; in a mount namespace the kernel does."""
        if self.tier != "namespaces":
            os.chdir("/")
            scratch.clear(self.scratch)
            os.rmdir(self.scratch)


def build(setup: Setup, outside: kernel.Outside | None, limits: Mapping[str, Any], source: bytes) -> Cage:
    """The cage of one program, from within its first process.

    Args:
        setup: The launcher's setup.
        outside: What `enter` returned.
        limits: The fields of `core.sandbox.Limits`.
        source: The program.

    Raises:
        OSError: If the kernel refuses.
    """
    names_input = setup.tier == "namespaces" and _STDIN in source
    if setup.tier == "namespaces":
        assert outside is not None
        kernel.map_user(outside)
        os.close(outside.proc)
        options = f"size={limits['scratch_mib']}m,nr_inodes={limits['scratch_files']},mode=0755"
        kernel.mount("tmpfs", _WORK, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, options)
        if names_input:
            kernel.mount(
                "tmpfs", _INPUT, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "nr_inodes=16,mode=0755"
            )
        kernel.drop_capabilities()
        folder = _WORK
    else:
        folder = os.path.join(setup.base, str(os.getpid()))
        os.mkdir(folder, 0o700)
        kernel.become_subreaper()
        kernel.set_dumpable(False)
    os.chdir(folder)
    return Cage(setup.tier, limits, folder, _rules(setup.tier, folder), names_input)


def _rules(tier: Tier, folder: str) -> int | None:
    if tier == "unsafe":
        return None
    devices = [f"/dev/{name}" for name in _DEVICES]
    if tier == "landlock":
        readable = [*_SYSTEM, os.path.realpath(sys.base_prefix), *devices[1:]]
        return landlock.ruleset(readable, [folder, devices[0]], execute=True)
    try:
        return landlock.ruleset(["/"], [folder, devices[0]], execute=True)
    except OSError:
        return None  # the namespaces hold without it


def _set_limits(cage: Cage, profile: Profile, cpu_seconds: int) -> None:
    """Set the process's resource limits.

    Soft and hard are alike but for the CPU, whose hard one kills, and the stack, which a program may raise:
    the address space bounds it.
    """
    limits = cage.limits
    compiling = profile == "compiler"
    memory = limits["compile_memory_mib"] if compiling else limits["memory_mib"]
    _limit(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1)
    _limit(resource.RLIMIT_AS, memory * _MIB)
    _limit(resource.RLIMIT_STACK, limits["stack_mib"] * _MIB, _UNLIMITED)
    _limit(resource.RLIMIT_FSIZE, (64 if compiling else limits["file_mib"]) * _MIB)
    _limit(resource.RLIMIT_NOFILE, 256 if compiling else limits["open_files"])
    if cage.tier == "namespaces":  # elsewhere all the user's processes count
        _limit(resource.RLIMIT_NPROC, limits["processes"])
    for kind in (resource.RLIMIT_CORE, resource.RLIMIT_MEMLOCK, resource.RLIMIT_MSGQUEUE):
        _limit(kind, 0)


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    """Lower a limit; one that is lower already stays."""
    ceiling = resource.getrlimit(kind)[1]
    hard = soft if hard is None else hard
    if ceiling != _UNLIMITED:
        soft = min(soft, ceiling)
        hard = ceiling if hard == _UNLIMITED else min(hard, ceiling)
    resource.setrlimit(kind, (soft, hard))
