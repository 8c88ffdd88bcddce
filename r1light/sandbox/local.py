"""The sandbox on this machine: two fork servers, and the programs that go through them."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from r1light.sandbox.cpp import SCRATCH_MIB, compile_program
from r1light.sandbox.function_tests import FunctionTests, run_function_tests
from r1light.sandbox.launch import Launcher, LocalTier, SandboxFaultError
from r1light.sandbox.stdio_tests import run_stdio_test
from r1light.sandbox.types import (
    AssertTest,
    Limits,
    Outcome,
    Probe,
    Program,
    SandboxConfig,
    StdioTest,
    Test,
    TestOutcome,
)
from r1light.sandbox.work import TOO_LATE, Work

ATTEMPTS = 2
"""How often a program is begun whose sandbox failed."""


@dataclass(frozen=True, slots=True)
class _Job:
    """One program to judge, and until which monotonic time the caller waits."""

    program: Program
    tests: Sequence[Test]
    stop_on_fail: bool
    limits: Limits
    expires: float = float("inf")


class LocalSandbox:
    """Runs programs on this machine. Use `box.open_sandbox`, which also probes whether it confines them."""

    def __init__(self, config: SandboxConfig, tier: LocalTier, executable: str, workers: int) -> None:
        """Start the fork servers.

        Raises:
            SandboxFaultError: If they cannot start, or cannot confine themselves; says why.
        """
        self.config, self.workers = config, workers
        self._tier, self._executable = tier, executable
        self._places = threading.BoundedSemaphore(workers)
        self._lock = threading.Lock()
        self._closed = False
        self._owner = os.getpid()
        self._launchers: dict[str, Launcher] = {}
        try:
            for role in ("programs", "tests"):
                self._launchers[role] = self._launch()
        except SandboxFaultError:
            self.close()
            raise

    @property
    def tier(self) -> LocalTier:
        """What confines the programs."""
        return self._tier

    @property
    def python(self) -> str:
        """The version of the Python that runs programs, such as "3.12.4"."""
        return self._launcher("programs").python

    @property
    def pids(self) -> list[int]:
        """The process ids of the fork servers."""
        return [launcher.pid for launcher in self._launchers.values()]

    def selftest(self) -> tuple[Probe, ...]:
        """Try what must not be possible, and what must; takes about two seconds."""
        from r1light.sandbox.selftest import run_probes

        return run_probes(self, thorough=True)

    def run(
        self,
        program: Program,
        tests: Sequence[Test],
        *,
        stop_on_fail: bool = True,
        limits: Limits | None = None,
    ) -> Outcome:
        """Run one program on its tests, in their order; never raises for what the program does.

        Args:
            program: The program.
            tests: Its tests.
            stop_on_fail: Whether the tests after the first that fails are left out.
            limits: Other limits than the configuration's, such as a problem's own.

        Raises:
            ValueError: If there are no tests.
        """
        return self._run(_Job(program, tests, stop_on_fail, limits or self.config.limits))

    def run_many(
        self, items: Sequence[tuple[Program, Sequence[Test]]], *, deadline_s: float, stop_on_fail: bool = True
    ) -> list[Outcome]:
        """Run several, in their order, `workers` at once; those unfinished at the deadline are `infra`.

        Raises:
            ValueError: If one has no tests.
        """
        expires = time.monotonic() + deadline_s
        with ThreadPoolExecutor(self.workers, "r1light-sandbox") as pool:
            futures = [
                pool.submit(self._run, _Job(program, tests, stop_on_fail, self.config.limits, expires))
                for program, tests in items
            ]
            try:
                return [future.result() for future in futures]
            except BaseException:
                self.close()  # an interrupt does not wait for programs
                raise

    def close(self) -> None:
        """Kill what runs, and leave no process and no file. May be called twice."""
        self._closed = True
        for launcher in self._launchers.values():
            launcher.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, job: _Job) -> Outcome:
        if not job.tests:
            raise ValueError("a program without tests cannot be judged")
        refused = _refuse(job)
        if refused is not None:
            return refused
        self._leave_parents_launchers()
        wait = max(0.0, job.expires - time.monotonic())
        if not self._places.acquire(timeout=min(wait, threading.TIMEOUT_MAX)):
            return Outcome.whole("infra", len(job.tests), TOO_LATE)
        try:
            return self._attempt(job)
        finally:
            self._places.release()

    def _attempt(self, job: _Job) -> Outcome:
        fault = "the sandbox is closed" if self._closed else TOO_LATE
        for _ in range(ATTEMPTS):
            if self._closed or time.monotonic() >= job.expires:
                break
            try:
                return self._judge(job)
            except SandboxFaultError as error:
                fault = str(error)
            except OSError as error:
                fault = f"{type(error).__name__}: {error}"
        return Outcome.whole("infra", len(job.tests), fault)

    def _judge(self, job: _Job) -> Outcome:
        total, compiled = len(job.tests), job.program.language == "cpp"
        limits = job.limits
        if compiled:
            limits = replace(limits, scratch_mib=max(limits.scratch_mib, SCRATCH_MIB))
        session = self._launcher("programs").start(job.program.code.encode(), limits)
        with closing(session):
            work = Work(job.program, session, limits, job.expires)
            if compiled and (failed := compile_program(work, self.config)) is not None:
                return Outcome.whole(failed[0], total, failed[1])
            work.start_clock()
            outcomes: list[TestOutcome] = []
            while len(outcomes) < total:
                outcomes += self._next(work, job.tests[len(outcomes) :], job.stop_on_fail)
                if job.stop_on_fail and outcomes[-1].status != "pass":
                    break
            return Outcome.of(outcomes, total)

    def _next(self, work: Work, tests: Sequence[Test], stop_on_fail: bool) -> list[TestOutcome]:
        """Run one test by output, or all function tests up to the next of those."""
        if isinstance(tests[0], StdioTest):
            return [run_stdio_test(work, tests[0])]
        functions = itertools.takewhile(lambda test: isinstance(test, AssertTest), tests)
        sources = [test.source for test in functions if isinstance(test, AssertTest)]
        called = FunctionTests(sources, work.program.entry_point)
        with closing(self._launcher("tests").start(called.encode(), work.limits)) as judge:
            outcomes = run_function_tests(work, judge, called, 0)
            while len(outcomes) < len(sources) and not stop_on_fail:
                outcomes += run_function_tests(work, judge, called, len(outcomes))
            return outcomes

    def _launch(self) -> Launcher:
        return Launcher(self._tier, self._executable)

    def _launcher(self, role: str) -> Launcher:
        """The fork server, started anew where it has died."""
        with self._lock:
            if self._closed:
                raise SandboxFaultError("the sandbox is closed")
            launcher = self._launchers.get(role)
            if launcher is None or launcher.gone():
                if launcher is not None:
                    launcher.close()
                self._launchers[role] = launcher = self._launch()
            return launcher

    def _leave_parents_launchers(self) -> None:
        """In a forked child: start fork servers of its own."""
        if self._owner != os.getpid():
            self._launchers = {}
            self._lock = threading.Lock()  # a thread of the parent may have held it
            self._places = threading.BoundedSemaphore(self.workers)
            self._owner = os.getpid()


def _refuse(job: _Job) -> Outcome | None:
    """The outcome of a program that is not worth starting."""
    code, total, limit = job.program.code, len(job.tests), job.limits.code_kib
    try:
        size = len(code.encode())
    except UnicodeEncodeError as error:
        return Outcome.whole("compile_error", total, f"the source is no text: {error.reason}")
    if size > limit << 10:
        return Outcome.whole(
            "compile_error", total, f"{size >> 10} KiB of source, above the limit of {limit}"
        )
    if job.program.language == "cpp" and any(isinstance(test, AssertTest) for test in job.tests):
        return Outcome.whole("unsupported", total, "function tests are for Python programs")
    return None
