import subprocess
import sys
import time
from pathlib import Path

import pytest

import r1light
from r1light.core.errors import WorkerError
from r1light.core.lock import LOCK_NAME, FolderLock
from r1light.core.run_folder import RunFolder
from r1light.pipeline import lingering

HOLD = (
    "import sys, time\nfrom pathlib import Path\nfrom r1light.core.lock import FolderLock\n"
    "FolderLock(Path(sys.argv[1])).acquire()\nprint('held', flush=True)\ntime.sleep(float(sys.argv[2]))\n"
)


@pytest.fixture
def hold(tmp_path):
    started = []

    def begin(seconds):
        command = [sys.executable, "-c", HOLD, str(tmp_path), str(seconds)]
        root = Path(r1light.__file__).parents[1]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root))
        assert started[-1].stdout.readline() == "held\n"
        return started[-1]

    yield begin
    for one in started:
        one.kill()
        one.communicate()


def test_a_step_that_still_saves_is_waited_for(hold, tmp_path):
    holder = hold(0.5)
    lingering.settle([RunFolder(tmp_path / "absent"), RunFolder(tmp_path)], seconds=30.0)
    assert holder.wait(10) == 0


def test_one_that_does_not_end_in_time_is_killed(hold, tmp_path):
    holder = hold(60)
    lingering.settle([RunFolder(tmp_path)], seconds=0.2)
    assert holder.wait(10) == -9


def test_one_of_another_machine_is_left_alone(hold, tmp_path, monkeypatch):
    monkeypatch.setattr(lingering, "_KILL_SECONDS", 0.2)
    holder = hold(60)
    (tmp_path / LOCK_NAME).write_text("process 1 on elsewhere\n")
    with pytest.raises(WorkerError, match="in use by process 1 on elsewhere; end that process"):
        lingering.settle([RunFolder(tmp_path)], seconds=0.1)
    assert holder.poll() is None


def test_a_free_folder_costs_no_time(tmp_path):
    lock = FolderLock(tmp_path)
    lock.acquire()
    lock.release()
    start = time.monotonic()
    lingering.settle([RunFolder(tmp_path)])
    assert time.monotonic() - start < 5.0
