"""stage=sample: what it draws, keeps, refuses, and goes on with after a kill."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.search_path import register
from r1light.config.validate import validate
from r1light.core.errors import ConfigError, DataError
from r1light.core.manifest import start_manifest
from r1light.core.run_folder import RunFolder, read_jsonl
from r1light.curation.rejection import Rejection
from r1light.data.conversations import read_conversations
from r1light.data.rows import HubSplit
from r1light.graders.judge_client import JudgeFailed
from r1light.stages import stage_module

FILES = ("prompts.jsonl", "completions.jsonl", "data.jsonl", "dropped.jsonl")
DEADLINE = 120.0


def configured(*overrides):
    register()
    lines = ["stage=sample", "trainer=cpu", "trainer.threads=1", *overrides]
    (plain,) = compose_jobs(lines, Source("config", None, None), multirun=False).jobs
    return validate(plain, stage_module)


@pytest.fixture
def sample(tmp_path):
    """Run the stage in a folder of that name; returns the result and a reader of its files."""

    def run(name, *overrides):
        config, folder = configured(*overrides), RunFolder(tmp_path / name)
        folder.path.mkdir(exist_ok=True)
        start_manifest(folder, stage="sample", seed=0, resolved=config.resolved, overrides=[])
        result = stage_module("sample").run(config, folder)
        return result, lambda file: list(read_jsonl(folder.path / file))

    return run


def right_sum(row):
    """Graded by other means than the math grader: the sum in the prompt, and the number in the answer tag."""
    left, right = map(int, re.search(r"User: Compute (\d+)\+(\d+)\.", row["prompt"]).groups())
    answer = re.search(r"</think>\s*<answer>\s*(\d+)\s*</answer>\s*$", row["completion"])
    return answer is not None and int(answer[1]) == left + right


def test_a_curation_that_there_is_not_is_named():
    with pytest.raises(ConfigError, match="unknown curation 'rejektion'; did you mean 'rejection'"):
        stage_module("sample").Config(curation="rejektion")
    with pytest.raises(ValueError, match="batch_prompts=0 must be at least 1"):
        stage_module("sample").Config(batch_prompts=0)


@pytest.mark.slow
def test_rejection_keeps_only_right_rows_in_the_miniature_world(sample, tmp_path):
    options = ("stage.curation=rejection", "stage.n=4", "data.train_size=48", "stage.max_tokens=96")
    result, read = sample("run", *options)
    rows, dropped = read("data.jsonl"), read("dropped.jsonl")
    assert len(rows) == result.metrics["kept"] > 5
    assert all(map(right_sum, rows))
    assert {row["reason"] for row in dropped} >= {"wrong", "malformed"}  # a base model: most is neither
    assert len(rows) + len(dropped) == result.metrics["completions"] == len(read("completions.jsonl"))
    assert result.metrics["drawn"] == 48 * 4
    assert "What was dropped" in (tmp_path / "run/report.html").read_text()
    learnt = list(read_conversations(result.outputs["data"], HubSplit(None, "train", None)))
    assert [(each.prompt, each.completion) for each in learnt] == [
        (row["prompt"], row["completion"]) for row in rows
    ]
    again, _ = sample("again", *options, f"stage.completions={result.outputs['completions']}")
    assert (tmp_path / "again/data.jsonl").read_bytes() == (tmp_path / "run/data.jsonl").read_bytes()
    assert again.metrics["kept"] == result.metrics["kept"]


@pytest.mark.slow
def test_neither_the_batch_nor_a_limit_changes_what_is_drawn_for_a_problem(sample):
    options = ("stage.n=2", "data.train_size=12", "stage.max_tokens=48")
    _, read = sample("whole", *options)
    _, read_small = sample("small", *options, "stage.batch_prompts=5", "stage.limit=7")
    whole, small = read("completions.jsonl"), read_small("completions.jsonl")
    asked = {row["problem"]["id"] for row in small}
    assert len(asked) == 7
    assert small == [row for row in whole if row["problem"]["id"] in asked]


@pytest.mark.slow
def test_conversations_can_be_asked_and_too_long_ones_left_out(sample, tmp_path):
    rows = [{"prompt": "2+3?", "completion": "5"}, {"prompt": "x" * 5000, "completion": "5"}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ("data=conversations", f"data.path={tmp_path}/rows.jsonl", "data.test_share=0", "rollout=fake",
               "rollout.default=['<think> a </think> <answer> b </answer>']", "stage.n=1")  # fmt: skip
    with pytest.raises(DataError, match="its prompt leaves no room for an answer"):
        sample("refused", *options)
    result, read = sample("run", *options, "stage.too_long=skip")
    assert (result.metrics["too_long"], result.metrics["kept"]) == (1, 1)
    assert read("completions.jsonl")[0]["problem"]["answer"] == "5"
    with pytest.raises(DataError, match=r"stage\.completions=none\.jsonl is no file"):
        sample("other", *options, "stage.completions=none.jsonl")


@pytest.mark.slow
def test_nothing_kept_is_an_error_that_says_why(sample, tmp_path):
    options = ("stage.curation=rejection", "data.train_size=3", "rollout=fake", "stage.n=2")
    with pytest.raises(DataError, match=r"none of 3 completions was kept: wrong 3\. See .*report\.html"):
        sample("run", *options)
    assert (tmp_path / "run/result.json").exists()


class ScriptedJudge:
    """Finds right what names Paris, and fails on Rome."""

    def ask(self, messages):
        text = messages[1].content
        mark, answer = text.split()[3].rstrip("."), text.partition("candidate's answer")[2]
        if "Rome" in answer:
            raise JudgeFailed("the server is away")
        verdict = "correct" if "Paris" in answer else "incorrect"
        return json.dumps({"mark": mark, "analysis": "because", "verdict": verdict})


@pytest.mark.slow
def test_the_judge_of_the_stage_grades_where_there_is_no_rule(sample, tmp_path, monkeypatch):
    monkeypatch.setattr("r1light.graders.judge_model._chat_model", lambda config: ScriptedJudge())
    (tmp_path / "rows.jsonl").write_text('{"prompt": "The capital of France?", "answer": "Paris"}\n')
    answers = [f"<think> I know it </think> <answer> {city} </answer>" for city in ("Paris", "Rome", "Oslo")]
    _, read = sample(
        "run", "stage.curation=rejection", "data=jsonl", f"data.path={tmp_path}/rows.jsonl",
        "data.test_share=0", "data.grader=judge", "rollout=fake", f"rollout.default={answers}", "stage.n=3",
        "stage.judge.model_path=judge", "stage.judge.cache=''",
    )  # fmt: skip
    (row,) = read("data.jsonl")
    assert "Paris" in row["completion"]
    dropped = {each["reason"]: each["detail"] for each in read("dropped.jsonl")}
    assert dropped == {"grader_error": "judge: the server is away", "wrong": "because"}


class Death(BaseException):
    """A kill, from within."""


@pytest.mark.slow
def test_curation_goes_on_where_it_died(sample, tmp_path, monkeypatch):
    options = ("stage.curation=rejection", "data.train_size=12", "stage.batch_prompts=2", "stage.n=4",
               "stage.max_tokens=96")  # fmt: skip
    result, _ = sample("straight", *options)
    options += (f"stage.completions={result.outputs['completions']}",)
    curate, left = Rejection.curate, 0

    def dies(self, problem, candidates):
        nonlocal left
        left -= 1
        if left < 0:
            raise Death
        return curate(self, problem, candidates)

    for calls in (3, 8):
        left, name = calls, f"killed-{calls}"
        with monkeypatch.context() as patch:
            patch.setattr(Rejection, "curate", dies)
            with pytest.raises(Death):
                sample(name, *options)
        assert list(read_jsonl(tmp_path / name / "outcomes.jsonl"))
        sample(name, *options)
        for file in ("data.jsonl", "dropped.jsonl"):
            assert (tmp_path / name / file).read_bytes() == (tmp_path / "straight" / file).read_bytes()


@pytest.mark.slow
@pytest.mark.distributed
def test_a_run_that_is_killed_again_and_again_ends_the_same(sample, tmp_path):
    options = ("stage.curation=rejection", "stage.n=4", "data.train_size=40", "stage.batch_prompts=4",
               "stage.max_tokens=96")  # fmt: skip
    sample("straight", *options)
    runs, rng = tmp_path / "runs/sample", random.Random(3)
    for _ in range(2):
        process = start(tmp_path, *options)
        deadline, before = time.monotonic() + DEADLINE, drawn(runs)
        while process.poll() is None and drawn(runs) <= before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        assert process.wait(DEADLINE) == -signal.SIGKILL
        process.stderr.close()
    last = start(tmp_path, *options)
    said = last.communicate(timeout=DEADLINE)[1]
    assert last.returncode == 0, said
    assert "the newest unfinished run of this configuration" in said
    (folder,) = runs.iterdir()
    for name in FILES:
        assert (folder / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()
    assert not list(folder.glob("*.state.json"))


def start(where, *options):
    return subprocess.Popen(
        [sys.executable, "-m", "r1light", "stage=sample", "trainer=cpu", "trainer.threads=1", *options],
        cwd=where,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def drawn(runs):
    """Bytes of completions that are on the disk."""
    return sum(path.stat().st_size for path in runs.glob("*/completions.jsonl"))
