import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from r1light.core.errors import StorageError
from r1light.core.lock import LOCK_NAME, FolderLock, holder, is_locked

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys
from pathlib import Path
from r1light.core.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds `tmp_path / "run"` until its stdin closes."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "run")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()
    process.communicate(timeout=30)


def test_a_folder_that_a_live_process_holds_is_refused_and_its_holder_named(tmp_path, other):
    folder = tmp_path / "run"
    assert is_locked(folder)
    assert not FolderLock(folder).acquire()
    assert holder(folder).startswith(f"process {other.pid} on ")


def test_a_killed_process_leaves_its_folder_free(tmp_path, other):
    other.kill()
    other.wait(timeout=30)
    assert not is_locked(tmp_path / "run")
    with FolderLock(tmp_path / "run") as lock:
        assert lock.acquire()


def test_a_forked_worker_that_outlives_its_parent_does_not_hold_the_folder(tmp_path):
    code = HOLD.replace(
        "sys.stdin.read()",
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    print(os.getpid(), flush=True)\n"
        "    time.sleep(60)\n"
        "os._exit(0)",
    )
    done = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert done.stdout.readline() == "True\n"
    worker = int(done.stdout.readline())
    try:
        done.wait(timeout=30)
        assert not is_locked(tmp_path)
    finally:
        os.kill(worker, 9)
        done.stdout.close()


def test_a_free_folder_is_not_locked(tmp_path):
    assert not is_locked(tmp_path)
    assert holder(tmp_path) == "another process"
    with FolderLock(tmp_path) as lock:
        assert lock.acquire()
    lock.release()
    assert not is_locked(tmp_path)


def test_discarding_removes_an_unused_folder_only(tmp_path):
    for name, files in (("empty", []), ("used", ["result.json"])):
        lock = FolderLock(tmp_path / name)
        assert lock.acquire()
        for file in files:
            (tmp_path / name / file).touch()
        lock.discard()
    assert not (tmp_path / "empty").exists()
    assert (tmp_path / "used" / "result.json").exists()


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot write in"):
        FolderLock(tmp_path / "file").acquire()


def test_locks_do_not_cross_processes_started_by_spawn(tmp_path):
    with FolderLock(tmp_path) as lock:
        assert lock.acquire()
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as pool:
            assert pool.apply_async(is_locked, (tmp_path,)).get(timeout=60)
    assert (tmp_path / LOCK_NAME).exists()
