from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

CHILD = """
import pathlib, sys, time
from r1light.core import lifeline
lifeline.POLL_SECONDS = 0.01
lifeline.end_with_parent(lambda: pathlib.Path(sys.argv[1]).write_text("cleaned"))
print("up", flush=True)
time.sleep(60)
"""
PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]], start_new_session=True,
                         stdout=subprocess.PIPE, env={**os.environ, "R1LIGHT_PARENT": str(os.getpid())})
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


def lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="looks in /proc")
def test_a_child_cleans_up_and_ends_with_a_parent_that_was_killed(tmp_path):
    note = tmp_path / "note"
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD, str(note)], stdout=subprocess.PIPE, text=True
    ) as parent:
        child = int(parent.stdout.readline())
        assert lives(child)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while lives(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not lives(child)
    assert note.read_text() == "cleaned"
