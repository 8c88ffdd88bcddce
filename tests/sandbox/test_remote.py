import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from r1light.core.errors import SandboxError
from r1light.core.sandbox import Limits, RemoteOptions, SandboxConfig
from r1light.sandbox.box import open_sandbox
from r1light.sandbox.remote import RemoteSandbox
from r1light.sandbox.types import AssertTest, Program, StdioTest

ADD = Program("a, b = map(int, input().split())\nprint(a + b)")
FIVE = StdioTest("2 3\n", "5\n")
LIMITS = Limits(wall_seconds=2.0, compile_wall_seconds=1.0, program_seconds=10.0, stdout_kib=64)
KEY = "sk-very-secret-key-0123456789"


def run_python(code, stdin, seconds):
    """Exit status (None after a kill for time), output and errors of a program that these tests trust."""
    try:
        done = subprocess.run(
            [sys.executable, "-S", "-c", code],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, "", ""
    return done.returncode, done.stdout, done.stderr


def fusion(request):
    code, stdout, stderr = run_python(request["code"], request["stdin"], request["run_timeout"])
    status = "TimeLimitExceeded" if code is None else "Finished"
    result = {
        "status": status,
        "return_code": code,
        "stdout": stdout,
        "stderr": stderr,
        "execution_time": 0.1,
    }
    return {
        "status": "Success" if code == 0 else "Failed",
        "message": "",
        "compile_result": None,
        "run_result": result,
    }


def piston(request):
    assert request["files"][0]["name"] == "main.py"
    content = request["files"][0]["content"]
    code, stdout, stderr = run_python(content, request["stdin"], request["run_timeout"] / 1000)
    signal = "SIGKILL" if code is None else None
    stage = {"stdout": stdout, "stderr": stderr, "output": stdout + stderr, "code": code, "signal": signal}
    return {
        "language": "python",
        "version": "3",
        "run": stage | {"status": "TO" if code is None else None},
    }


class Service:
    """A service on the loopback interface; `behave` takes the path, headers and request to (status, body)."""

    def __init__(self, behave):
        self.requests = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.requests.append((self.path, dict(self.headers), body))
                status, answer, *headers = behave(self, body)
                if status is None:
                    return
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *what):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def service(behave):
    started = Service(behave)
    try:
        yield started
    finally:
        started.close()


@contextmanager
def sandbox(url, *, workers=2, limits=LIMITS, **options):
    options = {"backoff_seconds": 0.01, "slack_seconds": 2.0} | options
    config = SandboxConfig(isolation="remote", url=url, limits=limits, remote=RemoteOptions(**options))
    with open_sandbox(config, workers) as box:
        yield box


def real(handler, request):
    return 200, piston(request) if handler.path.endswith("/execute") else fusion(request)


class FirstReal:
    """A real service for the first request, which is the client's probe, then what is given."""

    def __init__(self, *then):
        self.then, self.asked = then, 0

    def __call__(self, handler, request):
        self.asked += 1
        if self.asked == 1:
            return real(handler, request)
        return self.then[min(self.asked - 2, len(self.then) - 1)](handler, request)


def answers(status, body, *headers):
    return lambda handler, request: (status, body, *headers)


@pytest.fixture(scope="module")
def real_service():
    with service(real) as running:
        yield running


@pytest.fixture(params=["sandboxfusion", "piston"])
def box(request, real_service):
    url = real_service.url + ("/api/v2" if request.param == "piston" else "/")
    with sandbox(url, protocol=request.param) as opened:
        yield opened


@pytest.mark.parametrize(
    ("code", "status", "detail"),
    [
        (ADD.code, "pass", ""),
        ("print(6)", "wrong", "test 1 of 1: line 1: '6' where '5' is expected"),
        ("print(5)\nprint(6)", "wrong", "goes on after"),
        ("print(5)\nraise SystemExit(3)", "runtime_error", "exit status 3"),
        ("print(5, flush=True)\n1 / 0", "runtime_error", "exit status 1: ZeroDivisionError"),
        ("raise MemoryError", "memory", "MemoryError"),
        ("print('x' * 70000)", "output_limit", "64 KiB"),  # 70,000 bytes are more than 65,536
        ("print('do\ud800ne')", "compile_error", "no valid Unicode"),
        ("#" * 300_000, "compile_error", "longer than 256 KiB"),
    ],
)
def test_verdicts_are_made_here(box, code, status, detail):
    outcome = box.run(Program(code), [FIVE])
    assert (outcome.status, outcome.passed, outcome.total) == (status, int(status == "pass"), 1)
    assert detail in outcome.detail


def test_a_program_that_does_not_end_is_a_timeout(real_service):
    with sandbox(real_service.url, limits=Limits(wall_seconds=0.5)) as box:
        assert box.run(Program("while True: pass"), [FIVE]).status == "timeout"


def test_tests_are_requests_of_their_own_and_stop_at_the_first_failure(box, real_service):
    before = len(real_service.requests)
    tests = [FIVE, StdioTest("2 3", "6"), StdioTest("4 5", "9")]
    stopped = box.run(ADD, tests)
    assert (stopped.status, stopped.passed, stopped.total, len(stopped.tests)) == ("wrong", 1, 3, 2)
    whole = box.run(ADD, tests, stop_on_fail=False)
    assert (whole.passed, [test.status for test in whole.tests]) == (2, ["pass", "wrong", "pass"])
    assert len(real_service.requests) - before == 2 + 3


def test_the_expected_output_is_never_sent(real_service):
    with sandbox(real_service.url) as box:
        box.run(ADD, [StdioTest("2 3", "314159265")])
    assert "314159265" not in json.dumps([body for _, _, body in real_service.requests])


def test_function_tests_are_unsupported_and_send_nothing(box, real_service):
    before = len(real_service.requests)
    assert box.run(Program("def f(): return 1", entry_point="f"), [AssertTest("assert f() == 1")]).status == (
        "unsupported"
    )
    assert len(real_service.requests) == before


def test_what_cpp_is_asked_and_what_its_answers_mean():
    failed = {"status": "Finished", "return_code": 1, "stdout": "", "stderr": "main.cpp:1: error: expected"}
    bad = {"status": "Failed", "message": "", "compile_result": failed, "run_result": None}
    with service(FirstReal(answers(200, bad))) as running, sandbox(running.url) as box:
        outcome = box.run(Program("int main(", "cpp"), [FIVE, FIVE], stop_on_fail=False)
        assert (outcome.status, len(outcome.tests)) == ("compile_error", 1)
        assert "error: expected" in outcome.detail
        assert running.requests[-1][2] == {
            "code": "int main(",
            "language": "cpp",
            "stdin": "2 3\n",
            "compile_timeout": 1.0,
            "run_timeout": 2.0,
            "memory_limit_MB": 1024,
        }
    stage = {"code": 1, "signal": None, "stdout": "", "stderr": "error: expected"}
    bad = {"compile": stage, "run": stage}
    with service(FirstReal(answers(200, bad))) as running:
        with sandbox(running.url + "/api/v2", protocol="piston", cpp_version="10.2.0") as box:
            assert box.run(Program("int main(", "cpp"), [FIVE]).status == "compile_error"
        path, _, body = running.requests[-1]
        assert path == "/api/v2/execute"
        assert body == {
            "language": "c++",
            "version": "10.2.0",
            "files": [{"name": "main.cpp", "content": "int main("}],
            "stdin": "2 3\n",
            "compile_timeout": 1000,
            "run_timeout": 2000,
            "run_memory_limit": 1024 * 1024 * 1024,
        }


@pytest.mark.parametrize(
    ("stage", "status"),
    [
        ({"code": None, "signal": "SIGKILL", "status": "TO"}, "timeout"),
        ({"code": None, "signal": "SIGABRT", "status": "OL"}, "output_limit"),
        ({"code": None, "signal": "SIGSEGV", "status": "SG"}, "runtime_error"),
        ({"code": None, "signal": "SIGSEGV"}, "runtime_error"),
        ({"code": None, "signal": None, "status": "XX"}, "infra"),
        ({"code": None, "signal": None}, "infra"),
        ({"code": 0, "signal": None, "stdout": ["5"]}, "infra"),
    ],
)
def test_stages_of_piston(stage, status):
    behave = FirstReal(answers(200, {"run": {"stdout": "5\n", "stderr": ""} | stage}))
    with service(behave) as running, sandbox(running.url, protocol="piston", retries=0) as box:
        assert box.run(ADD, [FIVE]).status == status


def breaks_off(handler, request):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"status": ')
    handler.close_connection = True
    return None, None


def hangs_up(handler, request):
    handler.close_connection = True
    return None, None


@pytest.mark.parametrize(
    "failure",
    [
        answers(500, b"oops"),
        answers(503, b""),
        answers(429, b"slow down", ("Retry-After", "0.02")),
        answers(200, {"status": "SandboxError", "message": "no pod"}),
        breaks_off,
        hangs_up,
    ],
)
def test_passing_failures_are_tried_again(failure):
    behave = FirstReal(failure, failure, real)
    with service(behave) as running, sandbox(running.url) as box:
        assert box.run(ADD, [FIVE]).status == "pass"
        assert behave.asked == 1 + 3


@pytest.mark.parametrize(
    ("failure", "attempts", "says"),
    [
        (answers(503, b"no room"), 3, "answered 503: no room"),
        (answers(200, {"status": "SandboxError", "message": "no pod"}), 3, "its own error: no pod"),
        (hangs_up, 3, "cannot be reached"),
        (answers(401, b"who are you?"), 1, "answered 401: who are you?"),
        (answers(404, b"not here"), 1, "answered 404"),
        (answers(302, b"", ("Location", "http://127.0.0.1:1/")), 1, "answered 302"),
        (answers(200, b"<html>hello</html>"), 1, "it is no JSON"),
        (answers(200, b"[" * 100_000), 1, "it is no JSON"),
        (answers(200, [1]), 1, "it is no JSON object"),
        (answers(200, {"status": "Fine"}), 1, "its status is 'Fine'"),
        (answers(200, {"status": "Success"}), 1, "it holds no run_result"),
        (answers(200, {"status": "Success", "run_result": 3}), 1, "its run_result is '3'"),
    ],
)
def test_lasting_failures_are_infra_and_never_a_verdict(failure, attempts, says):
    behave = FirstReal(failure)
    with service(behave) as running, sandbox(running.url, retries=2) as box:
        outcome = box.run(ADD, [FIVE, FIVE], stop_on_fail=False)
        assert (outcome.status, outcome.passed, len(outcome.tests)) == ("infra", 0, 1)
        assert says in outcome.detail
        assert behave.asked == 1 + attempts


def test_waits_between_attempts_double(monkeypatch):
    monkeypatch.setattr("r1light.sandbox.remote.random.uniform", lambda low, high: high)
    waits = []
    options = RemoteOptions(retries=3, backoff_seconds=0.5)
    with service(FirstReal(answers(500, b""))) as running:
        config = SandboxConfig(isolation="remote", url=running.url, remote=options)
        with RemoteSandbox(config, 1, sleep=waits.append) as box:
            assert box.run(ADD, [FIVE]).status == "infra"
    assert waits == [0.5, 1.0, 2.0]


def trickles(handler, request):
    """A byte now and then: each read is in time, and the whole never."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    try:
        for _ in range(200):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        pass
    handler.close_connection = True
    return None, None


def sleeps(handler, request):
    time.sleep(10)
    return None, None


@pytest.mark.parametrize("behaviour", [sleeps, trickles])
def test_a_service_that_does_not_answer_costs_its_deadline(behaviour):
    limits = Limits(wall_seconds=0.3, compile_wall_seconds=0.1)
    options = {"limits": limits, "slack_seconds": 0.2, "retries": 1}
    with service(FirstReal(behaviour)) as running, sandbox(running.url, **options) as box:
        started = time.monotonic()
        outcome = box.run(ADD, [FIVE])
        assert time.monotonic() - started < 4  # twice 0.3 + 0.1 + 0.2 s, and the waits
    assert outcome.status == "infra"
    assert "did not answer within" in outcome.detail


def test_an_answer_without_end_is_not_read_to_it():
    huge = json.dumps({"status": "Success", "run_result": {"stdout": "x" * 8_000_000}}).encode()
    with service(FirstReal(answers(200, huge))) as running, sandbox(running.url) as box:
        assert box.run(ADD, [FIVE]).status == "output_limit"


def test_many_are_in_order_and_run_at_once(real_service):
    with sandbox(real_service.url, workers=4) as box:
        items = [(Program(f"print({n % 3})"), [StdioTest("", "0")]) for n in range(12)]
        outcomes = box.run_many(items, deadline_s=60)
    assert [outcome.status for outcome in outcomes] == ["pass", "wrong", "wrong"] * 4


def test_what_is_unfinished_at_the_deadline_is_infra():
    def slow(handler, request):
        if "slow" in request["code"]:
            time.sleep(5)
        return real(handler, request)

    with service(slow) as running, sandbox(running.url, workers=3) as box:
        started = time.monotonic()
        items = [(Program("print(5)" + "  # slow" * (n == 1)), [FIVE]) for n in range(3)]
        outcomes = box.run_many(items, deadline_s=1.5)
        assert time.monotonic() - started < 4
    assert [outcome.status for outcome in outcomes] == ["pass", "infra", "pass"]


@pytest.mark.parametrize(("header", "sent"), [("Authorization", f"Bearer {KEY}"), ("X-Api-Key", KEY)])
def test_the_key_is_sent_and_shown_nowhere(header, sent, monkeypatch, caplog):
    caplog.set_level("DEBUG")
    monkeypatch.setenv("REMOTE_KEY", KEY)
    echo = answers(403, f"the key {KEY} is not allowed to do this".encode())
    with (
        service(FirstReal(echo)) as running,
        sandbox(running.url, key_env="REMOTE_KEY", key_header=header) as box,
    ):
        outcome = box.run(ADD, [FIVE])
        assert running.requests[-1][1][header] == sent
        shown = repr(box) + repr(outcome) + caplog.text
    assert "the key *** is not allowed" in outcome.detail
    assert KEY not in shown


def test_the_key_is_not_in_the_error_of_opening(monkeypatch):
    monkeypatch.setenv("REMOTE_KEY", KEY)
    with (
        service(answers(401, f"bad key {KEY}".encode())) as running,
        pytest.raises(SandboxError, match=r"of no use: .*answered 401: bad key") as raised,
        sandbox(running.url, key_env="REMOTE_KEY"),
    ):
        pass
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "options", "says"),
    [
        ("localhost:8080", {}, "no address of the form"),
        ("ftp://host/", {}, "no address of the form"),
        ("http://me:secret@host/", {}, "holds a user or password"),
        ("http://127.0.0.1:1", {}, "cannot be reached"),
        ("http://127.0.0.1:1", {"key_env": "NO_SUCH_KEY"}, "the environment variable NO_SUCH_KEY is not set"),
    ],
)
def test_what_cannot_work_is_said_when_it_is_opened(url, options, says):
    with pytest.raises(SandboxError, match=says) as raised, sandbox(url, retries=0, **options):
        pass
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_key_that_would_be_two_headers_is_refused(monkeypatch):
    monkeypatch.setenv("REMOTE_KEY", "a\r\nX-Other: b")
    refused = pytest.raises(SandboxError, match="no HTTP header can carry")
    with refused, sandbox("http://127.0.0.1:1", key_env="REMOTE_KEY"):
        pass


def test_closing_twice_is_fine_and_running_after_it_is_not(real_service):
    with sandbox(real_service.url) as box:
        pass
    box.close()
    with pytest.raises(ValueError, match="closed"):
        box.run(ADD, [FIVE])


@pytest.mark.parametrize("options", [{"retries": -1}, {"backoff_seconds": -0.1}, {"slack_seconds": 0.0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="must"):
        RemoteOptions(**options)
