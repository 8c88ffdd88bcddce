"""A real vLLM under a small GRPO run: in process, and behind a server that is killed in the middle."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from statistics import fmean

import pytest

from r1light.core.run_folder import read_jsonl
from r1light.rollout.vllm.process import MODULE, is_installed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.vllm,
    pytest.mark.distributed,
    pytest.mark.skipif(not is_installed(), reason="vLLM is not installed here: make venv-vllm has it"),
]

ITERATIONS = 20
OPTIONS = (
    "stage=grpo", f"stage.iterations={ITERATIONS}", "stage.prompts_per_iteration=8", "stage.group_size=8",
    "stage.max_tokens=96", "stage.eval_every=0", "stage.eval_problems=0", "stage.test_problems=8",
    "stage.checkpoint_every=20", "trainer=cpu", "trainer.threads=1", "resume=none",
)  # fmt: skip
DEADLINE = 300.0


def begin(folder, *options):
    """A run in a process of its own."""
    words = [sys.executable, "-m", "r1light", *OPTIONS, *options, f"hydra.run.dir={folder}"]
    with (folder.parent / f"{folder.name}.log").open("w") as log:
        return subprocess.Popen(words, stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"})


def finish(process, folder):
    """Its rows of training."""
    log = folder.parent / f"{folder.name}.log"
    try:
        assert process.wait(DEADLINE) == 0, log.read_text()[-3000:]
    finally:
        process.kill()
    return [row for row in read_jsonl(folder / "metrics.jsonl") if row["iteration"]]


def server_of(run):
    """The process id and the port of the server that a run has started."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_text().split("\0")
            parent = int(re.search(r"PPid:\s*(\d+)", (path / "status").read_text())[1])
        except OSError:
            continue
        if parent == run and MODULE in words:
            return int(path.name), int(words[words.index("--port") + 1])
    raise AssertionError("the run has no server")


def wait_for_rows(folder, count):
    path, due = folder / "metrics.jsonl", time.monotonic() + DEADLINE
    while not path.exists() or len(path.read_text().splitlines()) < count:
        assert time.monotonic() < due
        time.sleep(0.2)


def gain(rows):
    rewards = [row["reward"] for row in rows]
    return fmean(rewards[-5:]) - fmean(rewards[:5])


def check(rows):
    """What holds of a run with vLLM, whatever befell it."""
    assert [row["iteration"] for row in rows] == list(range(1, ITERATIONS + 1))
    assert max(row["sampling/sync_difference/max"] for row in rows) < 1e-3
    assert max(row["sampling/sampling_logp_difference/mean"] for row in rows) < 1e-4


@pytest.fixture(scope="module")
def native_gain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "native"
    return gain(finish(begin(folder, "rollout=native"), folder))


def test_in_process_every_sync_agrees_and_the_run_learns_as_native_does(tmp_path, native_gain):
    folder = tmp_path / "colocated"
    rows = finish(begin(folder, "rollout=vllm"), folder)
    check(rows)
    # other draws of one and the same policy: a mean of five iterations of 64 rewards is uncertain by 0.05
    assert native_gain > 0.2
    assert gain(rows) > native_gain - 0.2


def test_a_server_that_is_killed_comes_back_with_the_weights(tmp_path, native_gain):
    folder = tmp_path / "server"
    run = begin(folder, "rollout=vllm", "rollout.mode=server")
    try:
        wait_for_rows(folder, 8)
        server, port = server_of(run.pid)
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/collective_rpc", b'{"method": "x"}')
        with pytest.raises(urllib.error.HTTPError, match="401"):  # without the key
            urllib.request.urlopen(asked, timeout=30)
        os.killpg(server, signal.SIGKILL)
        rows = finish(run, folder)
    finally:
        run.kill()
    check(rows)
    assert rows[-1]["rollout/restarts"] == 1
    assert gain(rows) > native_gain - 0.2
    assert not Path(f"/proc/{server}").exists()
