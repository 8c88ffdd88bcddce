"""Pipelines by the command line: real steps in processes of their own, killed and gone on with."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from r1light.core.run_folder import RunFolder
from r1light.pipeline.records import read_record
from r1light.training.checkpoint import saved_checkpoints

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 240.0
PIPELINE = """
name: real
title: A policy, its completions, and their scores twice
steps:
  zero:
    stage: grpo
    groups: {trainer: cpu}
    options:
      trainer: {threads: 1}
      stage:
        iterations: 4
        prompts_per_iteration: 4
        group_size: 4
        max_tokens: 48
        eval_problems: 8
        test_problems: 8
        checkpoint_every: 1
      data: {train_size: 64, test_size: 16}
  ask:
    stage: sample
    groups: {trainer: cpu}
    options:
      trainer: {threads: 1}
      model: {path: "${output:zero.model}"}
      stage: {limit: 16, n: 2, max_tokens: 32, batch_prompts: 2}
      data: {train_size: 64, test_size: 16}
  score:
    stage: score
    options: {stage: {input: "${output:ask.completions}", output: '\\${hydra:run.dir}/scores.jsonl'}}
  format:
    stage: score
    groups: {reward: format}
    options: {stage: {input: "${output:ask.completions}", output: '\\${hydra:run.dir}/scores.jsonl'}}
story: [zero]
questions:
  rq1:
    asks: Does it learn?
    claim: It does.
    paper: "0 -> 1"
    checks:
      accuracy:
        what: right answers before and after
        before: {step: zero, metric: before/pass@1}
        after: {step: zero, metric: after/pass@1}
        at_least: -1.0
      tokens:
        what: the mean reward of what it writes
        after: {step: score, metric: reward}
        compare: value
"""


@pytest.fixture(scope="module")
def conf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conf")
    (folder / "pipeline").mkdir()
    (folder / "pipeline" / "real.yaml").write_text(PIPELINE)
    return folder


def start(conf, folder, *overrides):
    words = ["--config-dir", str(conf), "stage=pipeline", "pipeline=real", f"hydra.run.dir={folder.name}"]
    return subprocess.Popen(
        [sys.executable, "-m", "r1light", *words, *overrides],
        cwd=folder.parent,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    )


def finish(process):
    try:
        _, said = process.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return said


def wait_until(true, process):
    deadline = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        assert process is None or process.poll() is None, finish(process)
        time.sleep(0.01)


def steps_alive(folder):
    """Processes of steps that run in that working directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes()
            if words and b"steps/" in words and os.readlink(entry / "cwd") == str(folder.parent):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def result(folder):
    found = json.loads((folder / "result.json").read_text())
    del found["metrics"]["wall_seconds"]
    return found


def row(folder, key):
    rows = read_record(RunFolder(folder)).get("steps") or []
    return next((row for row in rows if row["key"] == key), {})


@pytest.fixture(scope="module")
def whole(conf, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    process = start(conf, folder)
    said = finish(process)
    assert process.returncode == 0, said
    return folder


@pytest.mark.slow
@pytest.mark.distributed
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_killed_within_and_between_steps_it_ends_the_same_and_leaves_no_orphans(conf, whole, tmp_path):
    folder = tmp_path / "run"
    zero = RunFolder(folder / "steps/zero/seed-0")

    def in_the_middle_of_zero():
        return len(saved_checkpoints(zero.checkpoints)) >= 2

    def in_ask():
        return row(folder, "ask@0").get("state") == "running"

    for moment in (in_the_middle_of_zero, in_ask):
        process = start(conf, folder)
        wait_until(moment, process)
        time.sleep(random.uniform(0, 0.3))
        process.kill()
        finish(process)
        assert process.returncode == -signal.SIGKILL
        wait_until(lambda: not steps_alive(folder), None)
    assert "resumed after iteration" in zero.log.read_text()
    process = start(conf, folder)
    said = finish(process)
    assert process.returncode == 0, said
    assert "step zero@0 reused: its configuration, the code and its inputs are unchanged" in said
    assert result(folder) == result(whole)
    assert result(folder)["metrics"]["rq1_holds"] == 1.0
    assert '<th scope="row">finished</th><td>20' in zero.report.read_text(), "its page shows when it ended"
    names = ["zero@0", "ask@0", "score@0", "format@0"]
    assert [row(folder, key)["state"] for key in names] == ["done"] * 4


@pytest.mark.slow
@pytest.mark.distributed
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_signal_is_passed_on_and_waited_for_and_two_run_side_by_side(conf, whole, tmp_path):
    folder = tmp_path / "run"
    process = start(conf, folder, "stage.jobs=2")
    zero = RunFolder(folder / "steps/zero/seed-0")
    wait_until(lambda: saved_checkpoints(zero.checkpoints), process)
    process.send_signal(signal.SIGTERM)
    said = finish(process)
    assert process.returncode == 143, said
    assert steps_alive(folder) == []
    assert "Traceback" not in said
    assert row(folder, "zero@0")["state"] == "waiting"
    process = start(conf, folder, "stage.jobs=2")
    side_by_side = []

    def both():
        states = [row(folder, key).get("state") for key in ("score@0", "format@0")]
        side_by_side.append(states == ["running", "running"])
        return side_by_side[-1]

    wait_until(both, process)
    said = finish(process)
    assert process.returncode == 0, said
    assert result(folder) == result(whole)


def test_a_dry_run_by_the_command_line_prints_the_plan_and_writes_nothing(command, conf):
    words = ["--config-dir", str(conf), "stage=pipeline", "pipeline=real", "stage.dry_run=true"]
    done = command(*words)
    assert done.returncode == 0, done.stderr
    assert "ask" in done.stderr
    assert list(command.folder.iterdir()) == []
    done = command(*words, "pipeline.steps.format.groups.reward=formt")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: pipeline.steps.format: unknown reward 'formt'; did you mean 'format'?"
    )


@pytest.mark.slow
def test_a_step_of_wrong_input_ends_the_pipeline_with_exit_code_2_and_one_line(command, conf):
    (command.folder / "empty.jsonl").write_text("")
    words = ["--config-dir", str(conf), "stage=pipeline", "pipeline=real", "hydra.run.dir=out"]
    done = command(
        *words, "stage.only=[score]", "pipeline.steps.score.options.stage.input=empty.jsonl",
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1] == (
        "error: step score@0: stage.input=empty.jsonl holds no rows; its output is "
        "out/steps/score/seed-0/process.log"
    )
    assert not (command.folder / "out" / "result.json").exists()
