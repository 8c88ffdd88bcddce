"""The hostile programs, sandboxes for each tier and user, and a machine for them to attack."""

import contextlib
import json
import os
import platform
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
NOBODY = 65534
SECRET_NAME = "R1LIGHT_HOSTILE_KEY"
LIMITS = {
    "wall_seconds": 2.0,
    "program_seconds": 6.0,
    "cpu_seconds": 1,
    "memory_mib": 512,
    "compile_wall_seconds": 8.0,
    "compile_cpu_seconds": 2,
    "compile_memory_mib": 1024,
}
MOST_SECONDS = 60.0
"""One program may take this long from being asked for to its verdict, others that run before it included."""


@dataclass(frozen=True)
class Case:
    """One program and the verdicts that are right for it; see the heads of the TOML files."""

    kind: str
    name: str
    why: str
    code: str
    expect: list
    control: str
    stdio: tuple = ()
    asserts: tuple = ()
    before: str | None = None
    language: str = "python"
    entry_point: str = ""
    machine: str | None = None
    quick: bool = False

    def __str__(self):
        return f"{self.kind}-{self.name}"


def load_cases():
    cases = []
    for path in sorted(HERE.glob("*.toml")):
        table = tomllib.loads(path.read_text())
        cases += [Case(path.stem, **{**table["defaults"], **row}) for row in table["case"]]
    return [case for case in cases if case.machine in (None, platform.machine())]


@dataclass(frozen=True)
class Scenario:
    """An isolation, the tier that it must come to, and the user who asks for it."""

    name: str
    isolation: str
    tier: str | None
    as_nobody: bool = False
    forbid_namespaces: bool = False

    def __str__(self):
        return self.name


SCENARIOS = [
    Scenario("own-namespaces", "namespaces", "namespaces"),
    Scenario("own-landlock", "landlock", "landlock"),
    Scenario("user-namespaces", "namespaces", "namespaces", as_nobody=True),
    Scenario("user-landlock", "landlock", "landlock", as_nobody=True),
    Scenario("user-without-namespaces", "auto", "landlock", as_nobody=True, forbid_namespaces=True),
]
QUICK = Scenario("own-auto", "auto", None)


def pytest_generate_tests(metafunc):
    if "attack" in metafunc.fixturenames:
        attacks = [case for case in load_cases() if case.control != "none"]
        metafunc.parametrize("attack", attacks, ids=str)
    if "judged_case" in metafunc.fixturenames:
        rows = [pytest.param(QUICK, case, id=f"{QUICK}-{case}") for case in load_cases() if case.quick]
        rows += [
            pytest.param(scenario, case, id=f"{scenario}-{case}", marks=pytest.mark.slow)
            for scenario in SCENARIOS
            for case in load_cases()
        ]
        metafunc.parametrize(("scenario", "judged_case"), rows)


@pytest.fixture(scope="session")
def corpus():
    return load_cases()


class Machine:
    """What there is to attack: a file, an environment, a process, servers, folders open to all."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="r1light-hostile-"))
        self.secret, self.token = secrets.token_hex(16), f"r1light-{secrets.token_hex(8)}"
        self.outbox, self.scratch = self.folder / "outbox", self.folder / "scratch"
        for folder, mode in ((self.folder, 0o755), (self.outbox, 0o777), (self.scratch, 0o777)):
            folder.mkdir(exist_ok=True)
            folder.chmod(mode)
        self.secret_file = self.folder / "secret.txt"
        self.secret_file.write_text(self.secret)
        self.secret_file.chmod(0o644)
        if os.getuid() == 0:
            os.chown(self.secret_file, NOBODY, NOBODY)
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
        environment = {SECRET_NAME: self.secret}
        self.victim = subprocess.Popen(["sleep", "3600"], env=environment, **user)
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.unix, self.abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        self.unix.bind(str(self.folder / "socket"))
        (self.folder / "socket").chmod(0o777)
        self.abstract.bind("\0" + self.token)
        for server in (self.tcp, self.unix, self.abstract):
            server.listen()
            server.setblocking(False)
        self.udp.setblocking(False)

    def fill(self, text):
        """Put this machine's names into a program."""
        names = {
            "SECRET_FILE": self.secret_file,
            "SECRET_NAME": SECRET_NAME,
            "SECRET": self.secret,
            "TOKEN": self.token,
            "OUTBOX": self.outbox,
            "VICTIM": self.victim.pid,
            "TCP_PORT": self.tcp.getsockname()[1],
            "UDP_PORT": self.udp.getsockname()[1],
            "UNIX_SOCKET": self.folder / "socket",
            "ABSTRACT_SOCKET": self.token,
            "NULL": "\0",
            "SURROGATE": "\ud800",
            "BRACKETS": "(" * 100_000 + ")" * 100_000,
            "LONG_COMMENT": "# a comment\n" * 100_000,
        }
        for name, value in names.items():
            text = text.replace(f"@{name}@", str(value))
        return text

    def damage(self):
        """What was reached of it, in words."""
        found = []
        for server in (self.tcp, self.unix, self.abstract):
            with contextlib.suppress(BlockingIOError):
                found.append(f"connected to {server.accept()[0].getsockname()}")
        with contextlib.suppress(BlockingIOError):
            found.append(f"sent {self.udp.recv(100)}")
        if self.victim.poll() is not None:
            found.append("ended another process")
        folders = (self.outbox, Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
        found += [str(path) for folder in folders for path in folder.glob(f"*{self.token}*")]
        if self.secret_file.read_text() != self.secret:
            found.append("changed a file")
        return found

    def close(self):
        self.victim.kill()
        self.victim.wait()
        for server in (self.tcp, self.udp, self.unix, self.abstract):
            server.close()
        shutil.rmtree(self.folder)


class Box:
    """A sandbox in another process, with verdicts by the number of the request."""

    def __init__(self, scenario, machine):
        self.machine = machine
        python, user = interpreter(scenario.as_nobody)
        settings = {
            "isolation": scenario.isolation,
            "forbid_namespaces": scenario.forbid_namespaces,
            "limits": LIMITS,
            "workers": 2,
        }
        environment = {**os.environ, SECRET_NAME: machine.secret, "TMPDIR": str(machine.scratch)}
        self.process = subprocess.Popen(
            [python, str(HERE / "box_server.py"), json.dumps(settings)],
            env=environment | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **user,
        )
        self.messages, self._news = {}, threading.Condition()
        self.errors = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True).start()
        self.tier = self.wait("tier", MOST_SECONDS)["tier"]
        self._asked = 0

    def ask(self, case):
        """Hand a case in; returns its number."""
        self._asked += 1
        programs = [
            {"code": self.machine.fill(code), "language": case.language} for code in (case.before,) if code
        ]
        own = {"code": self.machine.fill(case.code), "language": case.language}
        programs.append(own | {"entry_point": case.entry_point or None})
        tests = [*case.asserts, *case.stdio]
        request = {"id": self._asked, "programs": programs, "tests": tests, "patient": case.kind == "benign"}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._asked

    def wait(self, key, seconds):
        """The message of a number or name."""
        with self._news:
            there = self._news.wait_for(
                lambda: key in self.messages or self.process.poll() is not None, seconds
            )
            if key in self.messages:
                return self.messages[key]
        time.sleep(0.2)  # for the last lines of its errors
        what = "ended" if there else f"said nothing for {seconds} s"
        raise RuntimeError(f"the sandbox {what}: {''.join(self.errors)[-3000:]}")

    def close(self):
        """End it, and return the processes it left behind."""
        self.process.stdin.close()
        left = self.wait("left", MOST_SECONDS)["left"]
        self.process.wait(MOST_SECONDS)
        return left

    def _read(self):
        for line in self.process.stdout:
            message = json.loads(line)
            key = next((name for name in ("tier", "left") if name in message), message.get("id"))
            with self._news:
                self.messages[key] = message
                self._news.notify_all()
        with self._news:
            self._news.notify_all()


def interpreter(as_nobody):
    """A Python that the tests' own user, or an ordinary one, can run, and the options that make the user."""
    if not as_nobody or os.getuid() != 0:
        return sys.executable, {}
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    probe = "import sys, r1light.core; assert sys.version_info >= (3, 11)"
    how = {"check": True, "capture_output": True, "timeout": 20, "cwd": "/", "env": {"PYTHONPATH": str(ROOT)}}
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run([python, "-c", probe], **how, **user)
            return python, user
    pytest.skip("no Python here that an ordinary user can run this checkout with")


@pytest.fixture(scope="session")
def machine():
    machine = Machine()
    yield machine
    machine.close()


class Boxes:
    """One open sandbox at a time, that of the scenario whose tests are running."""

    def __init__(self, machine, items):
        self.machine, self.items = machine, items
        self.scenario, self.box, self.failure, self.left = None, None, None, []

    def of(self, scenario):
        """The scenario's sandbox, with all its selected cases handed in at once."""
        if scenario is not self.scenario:
            self.close()
            self.scenario, self.failure = scenario, None
            try:
                self.box = Box(scenario, self.machine)
            except RuntimeError as error:
                self.failure = str(error)
            else:
                params = [item.callspec.params for item in self.items if "judged_case" in item.fixturenames]
                cases = [one["judged_case"] for one in params if one["scenario"] is scenario]
                self.box.numbers = {str(case): self.box.ask(case) for case in cases}
        if self.failure:
            pytest.fail(self.failure, pytrace=False)
        return self.box

    def close(self):
        if self.box is not None:
            self.left += self.box.close()
            self.box = None


@pytest.fixture(scope="session")
def boxes(machine, request):
    boxes = Boxes(machine, request.session.items)
    yield boxes
    boxes.close()
    assert boxes.left == [], "processes that outlived their sandbox"
    assert list(machine.scratch.iterdir()) == [], "files that outlived their sandbox"


@pytest.fixture
def box(scenario, boxes):
    return boxes.of(scenario)


@pytest.fixture
def outside(machine):
    """Runs a script without a sandbox, as root or as an ordinary user, and removes what it made."""
    folder = machine.folder / "outside"
    folder.mkdir()
    folder.chmod(0o777)

    def run(case, script):
        if case.control == "root" and os.getuid() != 0:
            pytest.skip("an attack of root's")
        python, user = interpreter(case.control != "root")
        (folder / "program.py").write_text(script)
        return subprocess.run(
            [python, "program.py"],
            cwd=folder,
            env={SECRET_NAME: machine.secret},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            **user,
        )

    yield run
    shutil.rmtree(folder)
    for place in (machine.outbox, Path("/var/tmp"), Path("/dev/shm")):
        (place / machine.token).unlink(missing_ok=True)
    machine.damage()


@pytest.fixture
def box_after_attacks(machine, corpus):
    """The statuses of right programs and others, one after another in one sandbox."""
    cases = {str(case): case for case in corpus}
    names = (
        "benign-sum_of_two",
        "hangs-busy_loop",
        "bombs-memory_at_once",
        "benign-function",
        "bombs-endless_output",
        "benign-sum_of_two",
    )
    box = Box(QUICK, machine)
    numbers = [box.ask(cases[name]) for name in names]
    statuses = [box.wait(number, MOST_SECONDS)["outcome"]["status"] for number in numbers]
    assert box.close() == []
    return statuses
