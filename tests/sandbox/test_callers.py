"""Who opens a sandbox: root, an ordinary user, one without namespaces, a large process, a killed one."""

import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from r1light.core.errors import SandboxError
from r1light.sandbox import box as box_module
from r1light.sandbox.box import UNSAFE_VARIABLE, open_sandbox
from r1light.sandbox.types import Program, SandboxConfig, StdioTest

pytestmark = [pytest.mark.sandbox, pytest.mark.distributed]

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("callers.py")
USER = 4321  # anyone but root
RIGHT = {
    "right": "pass", "wrong": "wrong", "hangs": "timeout", "function": "pass", "wrong function": "wrong",
}  # fmt: skip


def command(**arguments):
    return [str(SCRIPT), json.dumps(arguments)]


def start(user, **arguments):
    """The script as a user: with this interpreter where the user can read it, else with the system's."""
    executable = sys.executable
    if user is not None:
        executable = next((path for path in (executable, "/usr/bin/python3") if runs_as(user, path)), "")
        if not executable:
            pytest.skip("an ordinary user can run no interpreter here")
    return subprocess.Popen(
        [executable, "-B", *command(**arguments)],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        user=user,
        group=user,
        extra_groups=[] if user is not None else None,
    )


def runs_as(user, executable):
    try:
        done = subprocess.run(
            [executable, "-B", "-c", "import sys, r1light.core.types; assert sys.version_info >= (3, 11)"],
            env={"PYTHONPATH": str(ROOT)}, cwd="/", user=user, group=user, capture_output=True, check=False,
        )  # fmt: skip
    except PermissionError:
        return False
    return done.returncode == 0


def result(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out)


USERS = [
    pytest.param(None, id="self"),
    pytest.param(USER, id="ordinary", marks=pytest.mark.skipif(os.geteuid() != 0, reason="not root")),
]


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("isolation", ["namespaces", "landlock"])
def test_whoever_opens_it(user, isolation):
    found = result(start(user, isolation=isolation))
    if "error" in found:
        pytest.skip(found["error"])
    assert found["tier"] == isolation
    assert found["outcomes"] == RIGHT | ({"cpp": "pass"} if "cpp" in found["outcomes"] else {})


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the filter is for x86_64")
@pytest.mark.parametrize("user", USERS)
def test_where_namespaces_are_forbidden_landlock_is_taken(user):
    found = result(start(user, isolation="auto", forbid=True))
    if "error" in found:
        pytest.skip(found["error"])
    assert found["tier"] == "landlock"
    assert found["outcomes"] == RIGHT | ({"cpp": "pass"} if "cpp" in found["outcomes"] else {})


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the filter is for x86_64")
def test_a_tier_that_is_not_there_is_one_line_that_says_what_to_do():
    error = result(start(None, isolation="namespaces", forbid=True))["error"]
    assert "namespaces: unshare: Operation not permitted" in error
    assert "sandbox.isolation=remote" in error
    assert "\n" not in error


@pytest.mark.parametrize("isolation", ["namespaces", "landlock"])
def test_a_caller_that_is_killed_leaves_nothing(isolation):
    process = start(None, isolation=isolation, wait=True)
    line = process.stdout.readline()
    left = json.loads(line) if line else {}
    if "pids" not in left:
        process.communicate(timeout=60)
        pytest.skip(left.get("error", "no sandbox"))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    end = time.monotonic() + 15
    while any(Path("/proc", str(pid)).exists() for pid in left["pids"]) and time.monotonic() < end:
        time.sleep(0.05)
    assert [pid for pid in left["pids"] if Path("/proc", str(pid)).exists()] == []
    assert [base for base in left["bases"] if os.path.isdir(base) and os.listdir(base)] == []


def test_unsafe_has_to_be_accepted(monkeypatch):
    monkeypatch.delenv(UNSAFE_VARIABLE, raising=False)
    with pytest.raises(SandboxError, match=f"set {UNSAFE_VARIABLE}=1"):
        open_sandbox(SandboxConfig(isolation="unsafe"), 1)


def test_unsafe_still_judges_from_outside_and_kills_what_is_left(monkeypatch):
    monkeypatch.setenv(UNSAFE_VARIABLE, "1")
    orphan = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(99)
    os._exit(0)
print(1)
"""
    with open_sandbox(SandboxConfig(isolation="unsafe"), 1) as box:
        assert box.tier == "unsafe"
        assert box.run(Program(orphan), [StdioTest("", "1")]).status == "pass"
        pids = set(box.pids)
    parents = {
        int(stat.read_text().rpartition(")")[2].split()[1])
        for stat in Path("/proc").glob("[0-9]*/stat")
        if stat.exists()
    }
    assert not parents & pids


def test_another_system_is_refused(monkeypatch):
    monkeypatch.setattr(box_module.sys, "platform", "darwin")
    with pytest.raises(SandboxError, match=r"darwin.*isolation=remote"):
        open_sandbox(SandboxConfig(), 1)


def test_nothing_is_left_in_the_folder_for_temporary_files(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)  # pytest closes them, and root's fork servers become another user
    try:
        box = open_sandbox(SandboxConfig(), 1)
    except SandboxError as error:
        pytest.skip(str(error))
    with box:
        box.run(Program("open('file', 'w').write('x')"), [StdioTest("", "")])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_callers_size_does_not_slow_it():
    rates = {}
    for gib in (0, 4):
        done = subprocess.run(
            [
                sys.executable, ROOT / "tools/bench/sandbox.py", "--programs=48", "--naive-programs=1",
                "--rounds=3", f"--parent-gib={gib}", "--json=/dev/stdout", "--workers=2",
            ],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=True, timeout=150,
        )  # fmt: skip
        figures = json.loads(done.stdout[done.stdout.index("\n{") :])["methods"]
        rates[gib] = {name: method["programs_per_s"] for name, method in figures.items() if "," in name}
    assert rates[0], "no tier works here"
    for name, rate in rates[0].items():
        assert rates[4][name] > 0.6 * rate  # a fork of 4 GiB would be at 0.1: see docs/sandbox.md
