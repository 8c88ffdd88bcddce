"""Programs: right is one that passes all tests, in a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from r1light.core.types import Problem, TestCase, Verdict
from r1light.graders.program_text import LABELS, program_in, with_prelude

if TYPE_CHECKING:
    from r1light.sandbox.types import Outcome, Program, Sandbox, Test

OpenSandbox = Callable[[], "Sandbox"]
"""Opens the sandbox; raises SandboxError where programs cannot be confined."""

_NO_VERDICT = frozenset(["infra", "unsupported"])


class Code:
    """Right is a program that passes the problem's tests; see `program_in` for what of an answer is run.

    The problem's tests hold `stdin` and `stdout`, or an assertion in Python. Its meta may hold

    - `language`: the programming language, "python" (the default) or "cpp";
    - `entry_point`: the function under test, for tests that call it `candidate`;
    - `prelude`: Python source that comes before the answer's, such as imports that the problem states.

    What goes wrong with the program is a wrong answer, and the verdict's detail says what; what goes wrong
    with the sandbox, and tests that it cannot run, is an abstention. A problem without tests is an error.
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """How tests make a score."""

        partial: bool = False
        """Whether the score is the share of tests passed; otherwise it is 1 for all of them, else 0."""
        max_tests: int | None = None
        """The most tests a program is run on, the first of the problem's; null for all."""
        batch_seconds: float = 600.0
        """Wall clock of one batch of answers, in seconds; programs unfinished by then are not judged."""

        def __post_init__(self) -> None:
            if self.max_tests is not None and self.max_tests < 1:
                raise ValueError(f"max_tests={self.max_tests} must be at least 1, or null")
            if not self.batch_seconds > 0:
                raise ValueError(f"batch_seconds={self.batch_seconds} must be above 0")

    waits_elsewhere = True
    """Programs run in the sandbox."""

    def __init__(self, config: Config, open_sandbox: OpenSandbox | None = None) -> None:
        """Open the sandbox, so that one that cannot be had is known at the start.

        Args:
            config: How tests make a score.
            open_sandbox: Opens the sandbox, which this grader then owns; None opens the default one.

        Raises:
            SandboxError: If programs cannot be confined here.
        """
        self.config = config
        self._sandbox = (open_sandbox or _open_default)()

    def grade(self, problem: Problem, answer: str) -> Verdict:
        """Judge one program."""
        return self.grade_many([(problem, answer)])[0]

    def grade_many(self, items: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """Judge several, in their order; a program that stands there twice is run once."""
        found = [self._job(problem, answer) for problem, answer in items]
        jobs = list(dict.fromkeys(job for job in found if not isinstance(job, Verdict)))
        outcomes: list[Outcome] = []
        if jobs:
            stop = not self.config.partial
            seconds = self.config.batch_seconds
            outcomes = self._sandbox.run_many(jobs, deadline_s=seconds, stop_on_fail=stop)
        verdicts = {job: self._verdict(outcome) for job, outcome in zip(jobs, outcomes, strict=True)}
        return [job if isinstance(job, Verdict) else verdicts[job] for job in found]

    def close(self) -> None:
        """Close the sandbox."""
        self._sandbox.close()

    def _job(self, problem: Problem, answer: str) -> tuple[Program, tuple[Test, ...]] | Verdict:
        """A program and its tests, or the verdict where there is nothing to run."""
        from r1light.sandbox.types import Program

        meta = problem.meta
        language, entry_point = meta.get("language", "python"), meta.get("entry_point")
        fault = _fault(problem.tests, meta)
        if fault:
            return Verdict(None, "error", f"problem {problem.id!r} {fault}")
        code = program_in(answer, language)
        if not code.strip():
            return Verdict(0.0, detail="there is no program in the answer")
        if language == "python":
            code = with_prelude(meta.get("prelude") or "", code)
        tests = tuple(map(_test, (problem.tests or ())[: self.config.max_tests]))
        return Program(code, language, entry_point), tests

    def _verdict(self, outcome: Outcome) -> Verdict:
        detail = f"{outcome.status}: {outcome.detail}".rstrip(": ")
        if outcome.status == "pass":
            return Verdict(1.0)
        if outcome.status in _NO_VERDICT:
            return Verdict(None, "abstain", detail)
        if not self.config.partial:
            return Verdict(0.0, detail=detail)
        unknown = next((test for test in outcome.tests if test.status in _NO_VERDICT), None)
        if unknown is not None:
            return Verdict(None, "abstain", f"{unknown.status}: {unknown.detail}")
        return Verdict(outcome.passed / outcome.total, detail=detail)


def _open_default() -> Sandbox:
    import os

    from r1light.core.sandbox import SandboxConfig
    from r1light.sandbox.box import open_sandbox

    return open_sandbox(SandboxConfig(), os.cpu_count() or 1)


def _fault(tests: Sequence[TestCase] | None, meta: Mapping[str, object]) -> str:
    """What a problem lacks, in words, or nothing."""
    if not tests:
        return "has no tests"
    if meta.get("language", "python") not in LABELS:
        return f"has meta.language={meta['language']!r}; it must be one of {', '.join(LABELS)}"
    for key in ("entry_point", "prelude"):
        if not isinstance(meta.get(key), str | None):
            return f"has meta.{key}={meta[key]!r:.60}; it must be a text"
    return ""


def _test(case: TestCase) -> Test:
    from r1light.sandbox.types import AssertTest, StdioTest

    if case.assertion is not None:
        return AssertTest(case.assertion)
    return StdioTest(case.stdin or "", case.stdout or "")
