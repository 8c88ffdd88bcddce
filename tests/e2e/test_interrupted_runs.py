"""Real processes that are killed: what they had done is kept, and the end is the same."""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

from r1light.core.run_folder import RunFolder, read_jsonl
from r1light.training.checkpoint import saved_checkpoints

pytestmark = [pytest.mark.slow, pytest.mark.distributed]

ITERATIONS = 12
OPTIONS = (
    "stage=grpo",
    "trainer=cpu",
    "trainer.threads=1",
    f"stage.iterations={ITERATIONS}",
    "stage.prompts_per_iteration=4",
    "stage.group_size=4",
    "stage.max_tokens=48",
    "stage.eval_problems=8",
    "stage.test_problems=8",
    "stage.eval_every=5",
    "stage.checkpoint_every=1",
    "data.train_size=256",
    "data.test_size=16",
)
DEADLINE = 240.0


def start(folder, *overrides, **kwargs):
    return subprocess.Popen(
        [sys.executable, "-m", "r1light", *OPTIONS, f"hydra.run.dir={folder}", *overrides],
        cwd=folder.parent,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        **kwargs,
    )


def finish(process):
    try:
        _, said = process.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return said


def wait_for_checkpoint(folder, number, process):
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        saved = saved_checkpoints(folder / "checkpoints")
        if saved and int(saved[0].stem.split("-")[1]) >= number:
            return
        time.sleep(0.01)
    raise AssertionError(f"no checkpoint {number} in time; exit code {process.poll()}")


def weights(folder):
    return load_file(folder / "model" / "model.safetensors")


def assert_same_weights(one, other):
    one, other = weights(one), weights(other)
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    process = start(folder)
    said = finish(process)
    assert process.returncode == 0, said
    return folder


def test_killed_at_three_random_moments_the_run_ends_the_same(whole, tmp_path):
    folder, rng = tmp_path / "run", random.Random()
    done = 0
    for _ in range(3):
        process = start(folder)
        wait_for_checkpoint(folder, done + 1, process)
        time.sleep(rng.uniform(0, 0.6))
        os.killpg(process.pid, signal.SIGKILL)
        said = finish(process)
        assert process.returncode == -signal.SIGKILL, said
        if done:
            resumed = int(re.search(r"resumed after iteration (\d+)", said)[1])
            assert resumed == done > 0
        done = int(saved_checkpoints(folder / "checkpoints")[0].stem.split("-")[1])
    process = start(folder)
    said = finish(process)
    assert process.returncode == 0, said
    assert f"resumed after iteration {done}" in said
    assert_same_weights(whole, folder)
    iterations = [row["iteration"] for row in read_jsonl(RunFolder(folder).metrics)]
    assert iterations == list(range(ITERATIONS + 1)), "every iteration stands there once"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_ends_the_run_with_its_exit_code(whole, tmp_path, signum):
    folder = tmp_path / "run"
    # checkpoints are far apart, so what is there after the signal was saved because of it
    process = start(folder, "stage.checkpoint_every=100")
    metrics = RunFolder(folder).metrics
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and not (metrics.exists() and len(list(read_jsonl(metrics))) >= 4):
        time.sleep(0.02)
    process.send_signal(signum)
    said = finish(process)
    assert process.returncode == 128 + signum, said
    assert "Traceback" not in said
    (saved,) = saved_checkpoints(folder / "checkpoints")
    assert int(saved.stem.split("-")[1]) >= 3
    assert f"saved: run/checkpoints/{saved.name}" in said
    process = start(folder, "stage.checkpoint_every=100")
    said = finish(process)
    assert process.returncode == 0, said
    assert "resumed after iteration" in said
    assert_same_weights(whole, folder)


def test_a_full_disk_is_one_line_and_exit_code_1_and_the_last_checkpoint_loads(tmp_path):
    folder = tmp_path / "run"
    process = start(folder, "stage.iterations=2")
    said = finish(process)
    assert process.returncode == 0, said
    kept = saved_checkpoints(folder / "checkpoints")[0]
    (folder / "result.json").unlink()

    def small_files():  # every file may have one megabyte, as on a disk with one left; a checkpoint is larger
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    process = start(folder, "stage.iterations=4", preexec_fn=small_files)
    said = finish(process)
    assert process.returncode == 1, said
    last = said.strip().splitlines()[-1]
    assert last.startswith("error: cannot save the checkpoint")
    assert "Traceback" not in said
    assert torch.load(kept, weights_only=True)["progress"]["iteration"] == 2
    process = start(folder, "stage.iterations=4")
    assert "resumed after iteration 2" in finish(process)
    assert process.returncode == 0
