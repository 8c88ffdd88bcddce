"""Runs of two real processes: they write what one writes, and when one dies the other does not wait."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from r1light.core.run_folder import read_jsonl

pytestmark = [pytest.mark.slow, pytest.mark.distributed]

OPTIONS = (
    "stage=grpo",
    "trainer=ddp",
    "trainer.accelerator=cpu",
    "trainer.threads=1",
    "stage.prompts_per_iteration=4",
    "stage.group_size=4",
    "stage.minibatches=2",
    "stage.max_tokens=32",
    "stage.eval_problems=3",
    "stage.test_problems=5",
    "stage.eval_every=0",
    "stage.logged_groups=4",
    "data.train_size=64",
    "data.test_size=8",
)
DEADLINE = 240.0


def start(folder, *overrides):
    return subprocess.Popen(
        [sys.executable, "-m", "r1light", *OPTIONS, f"hydra.run.dir={folder}", *overrides],
        cwd=folder.parent,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def finish(process, deadline=DEADLINE):
    try:
        return process.communicate(timeout=deadline)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def run(folder, *overrides):
    process = start(folder, *overrides)
    said = finish(process)
    assert process.returncode == 0, said
    return folder


def samples(folder):
    return [
        (row["phase"], row["iteration"], row["problem_id"], row["completion"], row["reward"])
        for row in read_jsonl(folder / "samples.jsonl")
    ]


def assert_same(one, other):
    assert samples(one) == samples(other)
    mine, theirs = (list(read_jsonl(folder / "metrics.jsonl")) for folder in (one, other))
    assert [row["iteration"] for row in mine] == [row["iteration"] for row in theirs]
    for name in ("reward", "num_tokens", "completions/mean_length", "eval/pass@1"):
        assert [row.get(name) for row in mine] == [row.get(name) for row in theirs]
    mine, theirs = (load_file(folder / "model" / "model.safetensors") for folder in (one, other))
    assert mine.keys() == theirs.keys()
    # Adam's steps are about lr = 2e-4, six of them; summed in another order they differ by rounding
    assert max(float((mine[name].float() - theirs[name].float()).abs().max()) for name in mine) < 5e-6


def test_a_run_is_the_same_on_one_and_two_processes_and_across_them(tmp_path):
    alone = run(tmp_path / "alone", "stage.iterations=3")
    together = run(tmp_path / "together", "stage.iterations=3", "trainer.devices=2")
    assert_same(alone, together)
    assert json.loads((together / "result.json").read_text())["metrics"]["iterations"] == 3
    run(tmp_path / "changed", "stage.iterations=1", "trainer.devices=2")
    assert_same(alone, run(tmp_path / "changed", "stage.iterations=3", "trainer.devices=1"))


def follower(process, deadline=DEADLINE):
    """The process that another has started as rank 1."""
    end = time.monotonic() + deadline
    while time.monotonic() < end and process.poll() is None:
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                mine = f"PPid:\t{process.pid}\n" in status.read_text()
                if mine and b"R1LIGHT_LAUNCHED=1" in status.with_name("environ").read_bytes():
                    return int(status.parent.name)
            except OSError:
                continue
        time.sleep(0.1)
    raise AssertionError(f"no rank 1; exit code {process.poll()}")


@pytest.mark.parametrize(("name", "timeout"), [("SIGKILL", 3600), ("SIGSTOP", 40)])
def test_when_a_process_dies_or_hangs_the_other_ends_with_a_clear_line(name, timeout, tmp_path):
    words = ("stage.iterations=1000", "trainer.devices=2", f"trainer.timeout={timeout}")
    process = start(tmp_path / "out", *words)
    rank_1 = follower(process)
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end and '"iteration": 1' not in _text(tmp_path / "out" / "metrics.jsonl"):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.1)
    os.kill(rank_1, getattr(signal, name))
    try:
        said = finish(process, deadline=120.0)
    finally:
        if Path(f"/proc/{rank_1}").exists():
            os.kill(rank_1, signal.SIGKILL)
    assert process.returncode == 1
    line = said.splitlines()[-1]
    if name == "SIGKILL":
        assert line.startswith("error: rank 1 of 2 was killed by SIGKILL; its last words in ")
    else:
        assert "another process is gone or gave no answer in trainer.timeout=40 s" in line
    assert "rank-1.log: " in line
    assert "Traceback" not in said


def test_a_follower_does_not_outlive_a_first_process_that_is_killed(tmp_path):
    process = start(tmp_path / "out", "stage.iterations=1000", "trainer.devices=2")
    rank_1 = follower(process)
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end and '"iteration": 1' not in _text(tmp_path / "out" / "metrics.jsonl"):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.1)
    process.kill()
    finish(process)
    end = time.monotonic() + 30
    while time.monotonic() < end and _lives(rank_1):
        time.sleep(0.1)
    assert not _lives(rank_1)


def test_a_signal_to_the_first_process_saves_the_run_of_both_and_it_goes_on(tmp_path):
    words = ("stage.iterations=30", "trainer.devices=2", "stage.checkpoint_every=1000")
    process = start(tmp_path / "out", *words)
    follower(process)
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end and '"iteration": 2' not in _text(tmp_path / "out" / "metrics.jsonl"):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    said = finish(process)
    assert process.returncode == 143, said
    assert "Traceback" not in said + _text(tmp_path / "out" / "rank-1.log")
    (saved,) = (tmp_path / "out" / "checkpoints").glob("*.ckpt")
    reached = int(saved.stem.split("-")[1])
    process = start(tmp_path / "out", "stage.iterations=30", "trainer.devices=2", *words[2:])
    assert f"resumed after iteration {reached}" in finish(process)
    assert process.returncode == 0


def test_fine_tuning_under_torchrun_on_two_processes_is_that_on_one(tmp_path):
    rows = [{"prompt": f"Compute {a}+{b}.", "completion": f"{a + b}"} for a in range(3, 9) for b in range(4)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = (
        "stage=sft", f"data.path={tmp_path}/rows.jsonl", "stage.batch_size=6", "stage.max_updates=4",
        "trainer=ddp", "trainer.accelerator=cpu", "trainer.threads=1",
    )  # fmt: skip
    launchers = {
        "alone": [sys.executable],
        "together": [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"],
    }
    losses, models = {}, {}
    for name, launcher in launchers.items():
        folder = tmp_path / name
        devices = 2 if name == "together" else 1
        ran = subprocess.run(
            [*launcher, "-m", "r1light", *words, f"trainer.devices={devices}", f"hydra.run.dir={folder}"],
            cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
            timeout=DEADLINE, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        losses[name] = [row["loss"] for row in read_jsonl(folder / "metrics.jsonl") if "loss" in row]
        models[name] = load_file(folder / "model" / "model.safetensors")
    assert len(losses["alone"]) == 4
    assert losses["together"] == pytest.approx(losses["alone"], rel=1e-5)
    one, two = models["alone"], models["together"]
    # Adam's steps are about lr = 1e-3, four of them; summed in another order they differ by rounding
    assert max(float((one[name].float() - two[name].float()).abs().max()) for name in one) < 2e-5


def _lives(pid):
    """Whether a process is there and is no zombie that nobody has reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _text(path):
    return path.read_text() if path.exists() else ""


def test_each_process_must_be_one_of_the_run(tmp_path):
    torchrun = {"TORCHELASTIC_RUN_ID": "x", "RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "3"}
    process = subprocess.run(
        [sys.executable, "-m", "r1light", *OPTIONS, "trainer.devices=2", f"hydra.run.dir={tmp_path / 'out'}"],
        env={**os.environ, **torchrun, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert process.returncode == 2
    assert process.stderr.splitlines()[-1] == (
        "error: 3 processes were started, and trainer.devices=2 x trainer.nodes=1 is 2; let them be what "
        "torchrun or SLURM was told"
    )
