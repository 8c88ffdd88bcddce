"""How untrusted programs are confined, as plain settings; what confines them is `r1light.sandbox`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Isolation = Literal["auto", "namespaces", "landlock", "remote", "unsafe"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may use. A program that asks for more is stopped; see the statuses.

    Example:
        >>> Limits(cpu_seconds=2).wall_seconds
        10.0
    """

    wall_seconds: float = 10.0
    """Wall clock of one test, from its start, in seconds."""
    program_seconds: float = 30.0
    """Wall clock of all tests of one program, compilation aside, in seconds."""
    cpu_seconds: int = 8
    """CPU time of one test, in whole seconds."""
    memory_mib: int = 1024
    """Address space of one process, in MiB."""
    stack_mib: int = 64
    """Stack of the main thread, and the default of other threads, in MiB."""
    stdout_kib: int = 1024
    """Standard output, in KiB; four times the expected output and 64 KiB where that is more."""
    stderr_kib: int = 64
    """Standard error that is kept, in KiB; the rest is read and dropped."""
    code_kib: int = 256
    """Source text, in KiB."""
    message_mib: int = 16
    """One value that crosses between a function and its test, in MiB of JSON."""
    processes: int = 64
    """Threads of one program; a second process is refused."""
    open_files: int = 64
    """File descriptors of one process."""
    file_mib: int = 16
    """One file, in MiB."""
    scratch_mib: int = 32
    """All files of one program, in MiB."""
    scratch_files: int = 1024
    """Files and folders of one program."""
    compile_wall_seconds: float = 25.0
    """Wall clock of compiling C++, in seconds."""
    compile_cpu_seconds: int = 20
    """CPU time of compiling C++, in whole seconds a process."""
    compile_memory_mib: int = 2048
    """Address space of each process of the compiler, in MiB."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not value > 0:
                raise ValueError(f"{name}={value} must be above 0")


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """How a sandbox service is spoken to, with `isolation=remote`."""

    protocol: Literal["sandboxfusion", "piston"] = "sandboxfusion"
    """What the service understands: POST `url`/run_code of SandboxFusion, or POST `url`/execute of Piston,
    whose url ends in /api/v2."""
    key_env: str | None = None
    """The environment variable that holds the service's key; null where it asks for none."""
    key_header: str = "Authorization"
    """The header that carries the key: in Authorization as a bearer token, in any other as it is."""
    retries: int = 3
    """Further attempts after a connection error, a missed deadline, or an answer of 429 or 5xx."""
    backoff_seconds: float = 0.5
    """The wait before the first of them, in seconds; it doubles with each."""
    slack_seconds: float = 20.0
    """What the service may take beyond the program's own limits, for its queue, in seconds."""
    python_version: str = "*"
    """The version of Python to ask for, where the protocol has versions."""
    cpp_version: str = "*"
    """The version of the C++ compiler to ask for, where the protocol has versions."""

    def __post_init__(self) -> None:
        if self.retries < 0 or self.backoff_seconds < 0 or not self.slack_seconds > 0:
            raise ValueError(
                f"retries={self.retries} and backoff_seconds={self.backoff_seconds} must not be negative, "
                f"slack_seconds={self.slack_seconds} must be above 0"
            )


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """Where model-written programs run, and what they may use."""

    isolation: Isolation = "auto"
    """`auto` takes `namespaces`, else `landlock`, whichever passes its probes here, else it is an error.
    `remote` sends programs to the service at `url`. `unsafe` only limits resources: programs can read your
    files and use the network; it also needs R1LIGHT_ALLOW_UNSAFE_CODE=1 in the environment."""
    url: str | None = None
    """The address of a sandbox service, for `remote`, such as http://localhost:8080."""
    remote: RemoteOptions = field(default_factory=RemoteOptions)
    """How that service is spoken to."""
    workers: int | None = None
    """Programs that run at once; null for one a CPU core."""
    cxx: str = "g++"
    """The C++ compiler: a name on the PATH, or a path below /usr."""
    cxx_flags: tuple[str, ...] = ("-std=c++17", "-O2")
    """Its flags."""
    limits: Limits = field(default_factory=Limits)
    """What one program may use."""

    def __post_init__(self) -> None:
        if (self.isolation == "remote") != (self.url is not None):
            raise ValueError(
                f"isolation={self.isolation} with url={self.url}: a url goes with isolation=remote, "
                "such as url=http://localhost:8080"
            )
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"workers={self.workers} must be at least 1, or null")
