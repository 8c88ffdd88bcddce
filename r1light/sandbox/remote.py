"""A sandbox service on another machine, by HTTP: it runs programs, and verdicts are made here.

Covers: programs with stdin/stdout tests, in Python and C++. The expected output never leaves this process.
Does not cover: function tests. A service runs one process, so asserts would stand beside the program that
they judge, which could exit before them or read the expected values; they are `unsupported`.

How well programs are confined is the service's affair, and what it does with them too.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

from r1light.core.errors import SandboxError
from r1light.core.masking import MASK
from r1light.core.sandbox import RemoteOptions, SandboxConfig
from r1light.sandbox.compare import difference
from r1light.sandbox.http_exchange import Address, Answer, ExchangeError, TooLargeError, post
from r1light.sandbox.remote_protocols import PROTOCOLS, BadAnswerError, RemoteRun
from r1light.sandbox.types import (
    AssertTest,
    Limits,
    Outcome,
    Probe,
    Program,
    Sandbox,
    StdioTest,
    Test,
    TestOutcome,
    Tier,
)

_NO_FUNCTION_TESTS = (
    "a remote service would run the asserts beside the program; use isolation=namespaces or landlock"
)
_TRANSIENT = frozenset([408, 425, 429])
_ESCAPED = 6  # the most bytes that JSON makes of one byte of output


class RemoteSandbox:
    """A client of a sandbox service.

    A service that cannot be reached, or that fails, after all retries, makes the outcome `infra`, which is no
    verdict on the program. The key stands in no representation, message or outcome of this object.
    """

    def __init__(
        self, config: SandboxConfig, workers: int, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Look for the key and try the service.

        Args:
            config: Address, protocol and limits.
            workers: Requests that are under way at once.
            sleep: How to wait between attempts.

        Raises:
            SandboxError: The address or the key is missing or wrong, or the service does not run a program.
        """
        if config.url is None:
            raise SandboxError("sandbox.url is missing; isolation=remote needs the service's address")
        try:
            self._address = Address.parse(config.url)
        except ValueError as error:
            raise SandboxError(f"sandbox.url {error}") from None
        self._limits = config.limits
        self._options = config.remote
        self._protocol = PROTOCOLS[config.remote.protocol]
        self._key = _key(config.remote)
        self._sleep = sleep
        self._closed = False
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="r1light-remote-sandbox")
        for probe in self.selftest():
            if not probe.ok:
                self.close()
                raise SandboxError(f"the sandbox service at {self._address} is of no use: {probe.detail}")

    @property
    def tier(self) -> Tier:
        """What confines the programs: the service does."""
        return "remote"

    def selftest(self) -> tuple[Probe, ...]:
        """Whether the service runs a program; how it confines programs cannot be seen from here."""
        test = StdioTest("2 3\n", "5\n")
        outcome = self.run(Program("print(sum(map(int, input().split())))"), [test])
        return (Probe("runs a program", outcome.status == "pass", outcome.detail or outcome.status),)

    def run(self, program: Program, tests: Sequence[Test], *, stop_on_fail: bool = True) -> Outcome:
        """Run one program on its tests, one request a test; never raises for what program or service do.

        Raises:
            ValueError: If there are no tests, or it was closed.
        """
        return self._run(program, tests, stop_on_fail, float("inf"))

    def run_many(
        self, items: Sequence[tuple[Program, Sequence[Test]]], *, deadline_s: float, stop_on_fail: bool = True
    ) -> list[Outcome]:
        """Run several, in their order, `workers` at once; those unfinished at the deadline are `infra`."""
        deadline = time.monotonic() + deadline_s
        futures = [
            self._pool.submit(self._run, program, tests, stop_on_fail, deadline) for program, tests in items
        ]
        wait(futures, deadline_s)
        return [
            _outcome(future, len(tests), deadline_s)
            for future, (_, tests) in zip(futures, items, strict=True)
        ]

    def close(self) -> None:
        """Let go of waiting requests. May be called twice."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"RemoteSandbox({self._address}, workers={self._workers})"

    def _run(self, program: Program, tests: Sequence[Test], stop_on_fail: bool, deadline: float) -> Outcome:
        if self._closed or not tests:
            raise ValueError("the sandbox is closed" if self._closed else "a program without tests")
        refused = _refused(program.code, self._limits)
        if refused:
            return Outcome.whole("compile_error", len(tests), refused)
        done: list[TestOutcome] = []
        end = min(deadline, time.monotonic() + self._limits.program_seconds + self._patience())
        for test in tests:
            done.append(self._test(program, test, end))
            if done[-1].status != "pass" and (stop_on_fail or done[-1].status in ("infra", "compile_error")):
                break
        return Outcome.of(done, len(tests))

    def _test(self, program: Program, test: Test, deadline: float) -> TestOutcome:
        if isinstance(test, AssertTest):
            return TestOutcome("unsupported", _NO_FUNCTION_TESTS)
        started = time.monotonic()
        request = self._protocol.request(program, test.stdin, self._limits, self._options)
        most = _ESCAPED * (self._most_output(test) + (1 << 20)) + (1 << 16)
        outcome = self._judge(self._ask(json.dumps(request).encode(), most, deadline), test)
        return TestOutcome(outcome.status, self._masked(outcome.detail), time.monotonic() - started)

    def _judge(self, run: RemoteRun, test: StdioTest) -> TestOutcome:
        most = self._most_output(test)
        if run.ending == "output_limit" or len(run.stdout.encode("utf-8", "replace")) >= most:
            return TestOutcome("output_limit", run.failure or f"{most >> 10} KiB")
        if run.ending != "ended":
            return TestOutcome(run.ending, run.failure)
        if run.failure:
            return TestOutcome("memory" if run.out_of_memory else "runtime_error", run.failure)
        wrong = difference(test.stdout, run.stdout)
        return TestOutcome("wrong", wrong) if wrong else TestOutcome("pass")

    def _ask(self, body: bytes, most_bytes: int, deadline: float) -> RemoteRun:
        """Send a request until it is answered, the attempts are used up, or the time is."""
        failure = ""
        for attempt in range(self._options.retries + 1):
            pause: float | None = None
            try:
                answer = self._post(body, most_bytes, min(deadline, time.monotonic() + self._patience()))
                if answer.status == 200:
                    run = self._protocol.result(_parsed(answer.body))
                    if run.ending != "infra":
                        return run
                    failure = run.failure
                else:
                    failure, pause = _refusal(answer), answer.retry_after
                    if answer.status < 500 and answer.status not in _TRANSIENT:
                        break
            except TooLargeError:
                return RemoteRun("output_limit")
            except BadAnswerError as error:
                failure = f"answered otherwise than {self._options.protocol} does: {error}"
                break
            except ExchangeError as error:
                failure = str(error)
            if not self._paused(attempt, pause, deadline):
                break
        return RemoteRun("infra", failure=f"the service {failure}")

    def _post(self, body: bytes, most_bytes: int, deadline: float) -> Answer:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key is not None:
            bearer = self._options.key_header.lower() == "authorization"
            headers[self._options.key_header] = f"Bearer {self._key}" if bearer else self._key
        path = self._protocol.path
        return post(self._address, path, body, headers, deadline=deadline, most_bytes=most_bytes)

    def _paused(self, attempt: int, wanted: float | None, deadline: float) -> bool:
        """Wait before the next attempt; False where there is none, or no time for it."""
        if attempt == self._options.retries or self._closed:
            return False
        # spread, as many programs fail at the same moment and would come back at the same moment
        pause = self._options.backoff_seconds * 2**attempt * random.uniform(0.5, 1.0)
        pause = max(pause, wanted or 0.0)
        if time.monotonic() + pause >= deadline:
            return False
        self._sleep(pause)
        return True

    def _patience(self) -> float:
        """Seconds that one request may take."""
        limits = self._limits
        return limits.wall_seconds + limits.compile_wall_seconds + self._options.slack_seconds

    def _most_output(self, test: StdioTest) -> int:
        """Bytes of standard output, as for local programs; see Limits."""
        return max(self._limits.stdout_kib << 10, 4 * len(test.stdout) + (64 << 10))

    def _masked(self, text: str) -> str:
        """One line, without the key, which a service may echo."""
        line = " ".join(text.split())[:300]
        return line.replace(self._key, MASK) if self._key else line


def _key(options: RemoteOptions) -> str | None:
    if options.key_env is None:
        return None
    key = os.environ.get(options.key_env, "").strip()
    if not key:
        raise SandboxError(
            f"sandbox.remote.key_env={options.key_env}: the environment variable {options.key_env} is not "
            "set; put the service's key into it, or set key_env=null"
        )
    if not key.isascii() or not key.isprintable():
        raise SandboxError(f"the environment variable {options.key_env} holds what no HTTP header can carry")
    return key


def _refused(code: str, limits: Limits) -> str:
    """Why source text is not sent, or nothing."""
    try:
        size = len(code.encode())
    except UnicodeEncodeError:
        return "the source text is no valid Unicode"
    return f"the source text is longer than {limits.code_kib} KiB" if size > limits.code_kib << 10 else ""


def _refusal(answer: Answer) -> str:
    """What an answer other than 200 says, in one line."""
    says = " ".join(answer.body[:400].decode("utf-8", "replace").split())[:200]
    return f"answered {answer.status}: {says}".rstrip(": ")


def _parsed(body: bytes) -> dict[str, object]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise BadAnswerError("it is no JSON") from None
    if not isinstance(answer, dict):
        raise BadAnswerError("it is no JSON object")
    return answer


def _outcome(future: Future[Outcome], total: int, deadline_s: float) -> Outcome:
    if future.done() and not future.cancelled():
        return future.result()
    future.cancel()
    return Outcome.whole("infra", total, f"not finished within {deadline_s:g} s")


_sandbox: type[Sandbox] = RemoteSandbox  # held to the protocol by the type checker
