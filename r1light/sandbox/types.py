"""What goes into a sandbox and what comes out: frozen values, and the protocol of a sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self, get_args

from r1light.core.sandbox import Isolation, Limits, SandboxConfig

__all__ = [
    "STATUSES",
    "AssertTest",
    "Isolation",
    "Language",
    "Limits",
    "Outcome",
    "Probe",
    "Program",
    "Sandbox",
    "SandboxConfig",
    "Status",
    "StdioTest",
    "Test",
    "TestOutcome",
    "Tier",
]

Language = Literal["python", "cpp"]

Tier = Literal["namespaces", "landlock", "remote", "unsafe"]
"""What confines the programs of an open sandbox."""

Status = Literal[
    "pass",
    "wrong",
    "runtime_error",
    "timeout",
    "memory",
    "output_limit",
    "compile_error",
    "unsupported",
    "infra",
]
"""How a test or a program ended. Only `pass` is right.

`infra`: the sandbox failed, so nothing is known of the program; never to be taken for a wrong answer.
`unsupported`: this sandbox cannot run such a test, whatever the program (no compiler, function tests of C++,
a test that does not compile). No program can bring about `infra` or `unsupported` by what it does.
"""

STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True)
class Program:
    """A program that a model wrote.

    Attributes:
        code: Its source text.
        language: Its language.
        entry_point: The function under test, where function tests call it `candidate`; None otherwise.

    Example:
        >>> Program("print(input())", "python").entry_point is None
        True
    """

    code: str
    language: Language = "python"
    entry_point: str | None = None


@dataclass(frozen=True, slots=True)
class StdioTest:
    """A run of the whole program: what it reads, and what it must write.

    Lines are compared in order, blanks at their ends and empty lines at the end aside; tokens must be equal,
    save that a token that stands for a floating-point number in `stdout` matches to a relative or absolute
    1e-6. The exit status must be 0.
    """

    stdin: str
    stdout: str


@dataclass(frozen=True, slots=True)
class AssertTest:
    """Statements that raise nothing when the program is right.

    Names that they use and do not bind are the program's: bare asserts (`assert f(1) == 2`), methods
    (`assert Solution().f(1) == 2`), or a definition of `check(candidate)`, which is called with the
    program's `entry_point`. They run in another process than the program; see docs/sandbox.md.
    """

    source: str


Test = StdioTest | AssertTest


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """How one test ended.

    Attributes:
        status: See Status.
        detail: Why, in one short line; empty for a pass.
        wall_seconds: Wall clock that it took.
        cpu_seconds: CPU time that the program took in it.
    """

    __test__ = False  # not a pytest class, whatever its name says

    status: Status
    detail: str = ""
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program did on its tests.

    Attributes:
        status: "pass" if all tests passed, else the first failure that says something of the program, else
            "infra".
        passed: How many tests passed.
        total: How many tests there were.
        tests: Those that were run, in their order; fewer than `total` after a failure that stopped the rest.
        detail: Which test failed and why, in one line.
    """

    status: Status
    passed: int
    total: int
    tests: tuple[TestOutcome, ...] = ()
    detail: str = ""

    @classmethod
    def of(cls, tests: Sequence[TestOutcome], total: int) -> Outcome:
        """The outcome that the tests come to; `tests` are the first of `total`."""
        passed = sum(test.status == "pass" for test in tests)
        if passed == total:
            return cls("pass", passed, total, tuple(tests))
        failed = [(index, test) for index, test in enumerate(tests) if test.status != "pass"]
        telling = [(index, test) for index, test in failed if test.status != "infra"] or failed
        if not telling:
            return cls("infra", passed, total, tuple(tests), "not all tests were run")
        index, test = telling[0]
        return cls(test.status, passed, total, tuple(tests), f"test {index + 1} of {total}: {test.detail}")

    @classmethod
    def whole(cls, status: Status, total: int, detail: str) -> Outcome:
        """The outcome of a program of which no test was run."""
        return cls(status, 0, total, (), detail)


@dataclass(frozen=True, slots=True)
class Probe:
    """What one probe of the self-test found.

    Attributes:
        name: What should hold, such as "no network".
        ok: Whether it does.
        detail: What happened instead.
    """

    name: str
    ok: bool
    detail: str = ""


class Sandbox(Protocol):
    """Runs programs; a context manager. Safe to use from several threads."""

    @property
    def tier(self) -> Tier:
        """What confines the programs."""
        ...

    def selftest(self) -> tuple[Probe, ...]:
        """Try what must not be possible, and what must."""
        ...

    def run(self, program: Program, tests: Sequence[Test], *, stop_on_fail: bool = True) -> Outcome:
        """Run one program on its tests, in their order; never raises for what the program does.

        Raises:
            ValueError: If there are no tests.
        """
        ...

    def run_many(
        self, items: Sequence[tuple[Program, Sequence[Test]]], *, deadline_s: float, stop_on_fail: bool = True
    ) -> list[Outcome]:
        """Run several, in their order, `workers` at once; those unfinished at the deadline are `infra`."""
        ...

    def close(self) -> None:
        """Kill what runs, and leave no process and no file. May be called twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
