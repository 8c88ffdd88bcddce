"""Real processes: small ones."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from r1light.core.errors import WorkerError
from r1light.pipeline import process
from r1light.pipeline.process import StepProcess, end_all

DEADLINE = 30.0
SAVES = (
    "import signal, sys, time\n"
    "def save(*_):\n    print('saved', flush=True)\n    sys.exit(143)\n"
    "signal.signal(signal.SIGTERM, save)\n"
    "print('ready', flush=True)\n"
    "time.sleep(60)\n"
)
DEAF = SAVES.replace("save)\nprint", "signal.SIG_IGN)\nprint")


def wait_until(true):
    deadline = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def start(tmp_path):
    started = []

    def begin(code, seconds=DEADLINE, ready=True):
        output = tmp_path / f"{len(started)}.log"
        one = StepProcess([sys.executable, "-c", code], output, os.environ, seconds)
        started.append(one)
        if ready:
            wait_until(lambda: output.exists() and "ready" in output.read_text())
        return one

    yield begin
    for one in started:
        one.kill()


def ended(one):
    wait_until(lambda: one.poll() is not None)
    return one.poll()


def test_its_output_goes_to_a_file_and_its_exit_code_is_told(start):
    one = start("import sys; print('out'); print('err', file=sys.stderr); sys.exit(2)", ready=False)
    assert ended(one) == 2
    assert sorted(one.output.read_text().split()) == ["err", "out"]


def test_it_is_asked_to_save_before_it_ends(start):
    one = start(SAVES)
    end_all([one], DEADLINE)
    assert one.poll() == 143
    assert one.output.read_text().split() == ["ready", "saved"]


def test_one_that_does_not_listen_is_killed_with_what_it_started(start, tmp_path):
    child = f"import subprocess\nsubprocess.Popen([sys.executable, '-c', {DEAF!r}])"
    deaf, saves = start(DEAF.replace("print('ready', flush=True)", child)), start(SAVES)
    group = deaf._process.pid
    end_all([deaf, saves], 0.3)
    assert (deaf.poll(), saves.poll()) == (-signal.SIGKILL, 143)
    wait_until(lambda: not group_alive(group))


def group_alive(group):
    """Whether a process of the group runs; one that nobody has waited for yet does not count."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, pgrp = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(pgrp) == group and state != "Z":
            return True
    return False


def test_past_its_deadline_it_is_ended(start):
    one = start(SAVES, seconds=1.0)
    with pytest.raises(WorkerError, match=r"more than 0\.000277778 hours, its deadline, and was ended"):
        ended(one)
    assert "saved" in one.output.read_text()


def test_a_program_that_is_not_there_is_a_workers_error(tmp_path):
    with pytest.raises(WorkerError, match="cannot start /no/such"):
        StepProcess(["/no/such"], tmp_path / "log", os.environ, 1.0)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_it_ends_when_its_parent_is_killed(tmp_path):
    output = tmp_path / "log"
    parent = (
        "import os, time\nfrom pathlib import Path\nfrom r1light.pipeline.process import StepProcess\n"
        f"one = StepProcess([{sys.executable!r}, '-c', {SAVES!r}], Path({str(output)!r}), os.environ, 60.0)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], cwd=Path(process.__file__).parents[2]) as killed:
        wait_until(lambda: output.exists() and "ready" in output.read_text())
        killed.kill()
    wait_until(lambda: "saved" in output.read_text())
