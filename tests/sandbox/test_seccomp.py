"""The filter, run by a small interpreter of classic BPF."""

import struct

import pytest

from r1light.sandbox.jail import seccomp

pytestmark = pytest.mark.skipif(seccomp.MACHINE != "x86_64", reason="the numbers here are x86_64's")

PID = 4321
X86_64 = 0xC000003E
I386 = 0x40000003
ALLOW, EPERM, ENOSYS, KILL = 0x7FFF0000, 0x50001, 0x50026, 0x80000000

CALLS = {
    "read": 0, "write": 1, "mmap": 9, "socket": 41, "clone": 56, "fork": 57, "execve": 59, "kill": 62,
    "fcntl": 72, "ptrace": 101, "mount": 165, "tkill": 200, "sched_setaffinity": 203, "futex": 202,
    "tgkill": 234, "openat": 257, "unshare": 272, "prlimit64": 302, "bpf": 321, "io_uring_setup": 425,
    "clone3": 435, "exit_group": 231, "fchmodat": 268, "utimensat": 280, "truncate": 76, "ftruncate": 77,
}  # fmt: skip


def decide(profile, call, *arguments, architecture=X86_64):
    number = CALLS.get(call, call)
    data = struct.pack("<IIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    program = seccomp.Filter(profile).program(PID)
    assert len(program) // 8 < 4096  # the kernel's bound
    accumulator, position = 0, 0
    while True:
        code, then, otherwise, value = struct.unpack_from("<HBBI", program, position * 8)
        position += 1
        if code == 0x20:
            accumulator = struct.unpack_from("<I", data, value)[0]
        elif code == 0x06:
            return value
        else:
            holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: accumulator & value != 0}
            position += then if holds[code] else otherwise


@pytest.mark.parametrize("call", ["read", "write", "mmap", "futex", "openat", "exit_group"])
@pytest.mark.parametrize("profile", ["python", "binary", "compiler"])
def test_what_every_program_needs_is_allowed(profile, call):
    assert decide(profile, call) == ALLOW


@pytest.mark.parametrize("call", ["socket", "ptrace", "mount", "unshare", "bpf", "io_uring_setup", "tkill"])
@pytest.mark.parametrize("profile", ["python", "binary", "compiler"])
def test_what_none_needs_is_refused(profile, call):
    assert decide(profile, call) == EPERM


def test_second_processes_are_the_compilers_alone():
    thread, child, container = 0x10F00, 17, 0x10000000 | 17
    for profile in ("python", "binary"):
        assert decide(profile, "clone", thread) == ALLOW
        assert decide(profile, "clone", child) == EPERM
        assert decide(profile, "fork") == EPERM
    assert decide("compiler", "clone", child) == ALLOW
    assert decide("compiler", "fork") == ALLOW
    for profile in ("python", "binary", "compiler"):
        assert decide(profile, "clone", container) == EPERM
        assert decide(profile, "clone", thread | 0x20000000) == EPERM
        assert decide(profile, "clone3") == ENOSYS


def test_other_programs_are_not_for_python():
    assert decide("python", "execve") == EPERM
    assert decide("binary", "execve") == ALLOW


@pytest.mark.parametrize("call", ["kill", "tgkill"])
def test_signals_go_to_oneself_alone(call):
    assert decide("python", call, PID) == ALLOW
    for other in (1, 0, PID + 1, 2**32 - 1):
        assert decide("python", call, other) == EPERM


@pytest.mark.parametrize("call", ["prlimit64", "sched_setaffinity"])
def test_limits_are_ones_own(call):
    assert decide("python", call, PID) == ALLOW
    assert decide("python", call, 0) == ALLOW
    assert decide("python", call, PID + 1) == EPERM


def test_no_signal_by_way_of_a_descriptors_owner():
    assert decide("python", "fcntl", 3, 1) == ALLOW
    for command in (8, 10, 15):
        assert decide("python", "fcntl", 3, command) == EPERM


def test_foreign_numbers_kill():
    assert decide("python", "read", architecture=I386) == KILL
    assert decide("python", 0x40000000 + 41) == KILL


def test_metadata_of_files_are_the_compilers_alone():
    for call in ("fchmodat", "utimensat", "truncate"):
        assert decide("python", call) == EPERM
        assert decide("binary", call) == EPERM
        assert decide("compiler", call) == ALLOW
    assert decide("python", "ftruncate") == ALLOW
