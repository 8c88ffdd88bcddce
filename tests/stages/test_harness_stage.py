"""lm-evaluation-harness through our engine: offline, on local files, with the miniature model."""

from __future__ import annotations

import json
import os
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
from r1light.evaluation.harness_model import HarnessModel
from r1light.stages import stage_module

DEADLINE = 120.0

SUMS = """
task: local_sums
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/sums.jsonl}}}}
output_type: generate_until
test_split: test
doc_to_text: "User: Compute {{{{a}}}}+{{{{b}}}}. Assistant: <think>"
doc_to_target: "{{{{a % 10}}}}"
filter_list:
  - {{name: first_digit, filter: [{{function: regex, regex_pattern: "([0-9])"}}, {{function: take_first}}]}}
generation_kwargs: {{until: ["</think>"], do_sample: false, max_gen_toks: 40}}
repeats: {repeats}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
"""

CHOICE = """
task: local_choice
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/choice.jsonl}}}}
output_type: multiple_choice
test_split: test
doc_to_text: "User: Compute {{{{a}}}}+{{{{b}}}}. Assistant:"
doc_to_choice: ["</think>", "<think>"]
doc_to_target: 1
target_delimiter: " "
metric_list: [{{metric: acc, aggregation: mean, higher_is_better: true}}]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache", raising=False)
    rows = "".join(json.dumps({"a": a, "b": a + 1}) + "\n" for a in range(11, 17))
    (tmp_path / "sums.jsonl").write_text(rows)
    (tmp_path / "choice.jsonl").write_text(rows)
    (tmp_path / "yaml").mkdir()
    (tmp_path / "yaml/sums.yaml").write_text(SUMS.format(folder=tmp_path, repeats=1))
    (tmp_path / "yaml/choice.yaml").write_text(CHOICE.format(folder=tmp_path))
    return tmp_path


def words(folder, *more):
    return ["stage=evaluate", "trainer=cpu", "trainer.threads=1",
            f"stage.lm_eval.include_path={folder}/yaml", *more]  # fmt: skip


@pytest.fixture
def evaluate(folder):
    def run(name, *more):
        register()
        (plain,) = compose_jobs(words(folder, *more), Source("config", None, None), multirun=False).jobs
        config, run_folder = validate(plain, stage_module), RunFolder(folder / name)
        run_folder.path.mkdir(exist_ok=True)
        start_manifest(run_folder, stage="evaluate", seed=0, resolved=config.resolved, overrides=[])
        result = stage_module("evaluate").run(config, run_folder)
        return result, lambda file: list(read_jsonl(run_folder.path / file))

    return run


def test_without_the_harness_one_line_says_what_to_install(evaluate, monkeypatch):
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    with pytest.raises(ConfigError, match=r'pip install "r1light\[eval\]"') as raised:
        evaluate("run", "stage.tasks=['lm_eval:local_sums']")
    assert raised.value.exit_code == 2
    assert "\n" not in str(raised.value)


def test_texts_and_choices_beside_a_task_of_our_own(evaluate):
    pytest.importorskip("lm_eval")
    result, read = evaluate(
        "run", "stage.tasks=['lm_eval:local_sums','lm_eval:local_choice',arithmetic]", "stage.limit=5",
        "stage.k=2", "stage.max_tokens=24",
    )  # fmt: skip
    found = result.metrics
    assert found["lm_eval:local_sums/problems"] == found["arithmetic/problems"] == 5
    # the base always thinks first; the standard error of five equal values is 0
    assert (found["lm_eval:local_choice/acc"], found["lm_eval:local_choice/acc_stderr"]) == (1.0, 0.0)
    rows = read("harness/local_sums.jsonl")
    # the base adds from the right, so its first digit is often the last one of the first number
    digits = [next(char for char in row["resps"][0][0] if char in "0123456789") for row in rows]
    right = [digit == row["target"] for digit, row in zip(digits, rows, strict=True)]
    assert 0 < sum(right) <= 5
    assert found["lm_eval:local_sums/exact_match,first_digit"] == sum(right) / 5
    assert len({row["doc_id"] for row in rows}) == 5
    assert all(row["resps"][0][0] and "</think>" not in row["resps"][0][0] for row in rows)
    assert len(read("samples.jsonl")) == 10
    assert json.loads(json.dumps(found)) == found


def test_the_run_s_own_sampling_draws_k_times_and_nothing_twice(evaluate, folder, monkeypatch):
    pytest.importorskip("lm_eval")
    options = ("stage.tasks=['lm_eval:local_sums']", "stage.lm_eval.generation=run", "stage.k=3",
               "stage.temperature=1", "stage.top_p=1", "stage.max_tokens=20")  # fmt: skip
    first, read = evaluate("run", *options)
    responses = read("harness/responses.jsonl")[1:]
    assert [len(row["response"]) for row in responses] == [3] * 6
    assert len({text for row in responses for text in row["response"]}) > 6
    by_turn = [row["resps"][0][0] for row in read("harness/local_sums.jsonl")]
    assert sorted(by_turn) == sorted(text for row in responses for text in row["response"])
    lines = (folder / "run/harness/responses.jsonl").read_bytes().splitlines(keepends=True)
    cut = folder / "cut/harness"
    cut.mkdir(parents=True)
    (cut / "responses.jsonl").write_bytes(b"".join(lines[:4]) + lines[4][:-9])  # killed in a write
    asked = []
    drawn = HarnessModel._cut_context

    def counted(self, ids, each):
        asked.append(each.name)
        return drawn(self, ids, each)

    monkeypatch.setattr(HarnessModel, "_cut_context", counted)
    again, read_again = evaluate("cut", *options)
    assert len(asked) == 3  # of six, three were kept whole
    same = {name: value for name, value in first.metrics.items() if name != "wall_seconds"}
    assert {name: value for name, value in again.metrics.items() if name != "wall_seconds"} == same
    assert sorted(map(str, read_again("harness/responses.jsonl"))) == sorted(
        map(str, read("harness/responses.jsonl"))
    )


def test_what_is_wrong_is_said_in_one_line(evaluate, folder):
    pytest.importorskip("lm_eval")
    with pytest.raises(ConfigError, match="writes up to 9999 tokens, and the model's context is"):
        evaluate("long", "stage.tasks=['lm_eval:local_sums']", "stage.lm_eval.max_tokens=9999")
    (folder / "sums.jsonl").unlink()
    with pytest.raises(DataError, match="lm_eval:local_sums cannot be loaded"):
        evaluate("absent", "stage.tasks=['lm_eval:local_sums']")
    with pytest.raises(ConfigError, match="is no folder of task YAML files"):
        evaluate("nowhere", "stage.tasks=['lm_eval:x']", "stage.lm_eval.include_path=nowhere")
    with pytest.raises(ConfigError, match="needs the name of a task"):
        evaluate("nameless", "stage.tasks=['lm_eval:']")
    unsafe = CHOICE.format(folder=folder) + "unsafe_code: true\n"
    (folder / "yaml/choice.yaml").write_text(unsafe)
    with pytest.raises(ConfigError, match="outside the sandbox"):
        evaluate("unsafe", "stage.tasks=['lm_eval:local_choice']")


@pytest.mark.slow
def test_the_harness_s_own_names_are_known(evaluate):
    pytest.importorskip("lm_eval")
    with pytest.raises(ConfigError, match="has no task 'gsm8j'; did you mean lm_eval:gsm8k"):
        evaluate("run", "stage.tasks=['lm_eval:gsm8j']")


@pytest.mark.slow
@pytest.mark.distributed
def test_a_run_that_is_killed_asks_nothing_twice(evaluate, folder):
    pytest.importorskip("lm_eval")
    rows = "".join(json.dumps({"a": a, "b": 2 * a}) + "\n" for a in range(100, 400))
    (folder / "sums.jsonl").write_text(rows)
    options = ("stage.tasks=['lm_eval:local_sums']", "rollout.max_slots=4")
    straight, read = evaluate("straight", *options)
    killed = folder / "killed"
    command = [sys.executable, "-m", "r1light", *words(folder, *options), f"hydra.run.dir={killed}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)
    kept, deadline = killed / "harness/responses.jsonl", time.monotonic() + DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        if kept.exists() and kept.read_bytes().count(b"\n") > 20:
            break
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait(DEADLINE) == -signal.SIGKILL
    before = kept.read_bytes()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stderr
    assert kept.read_bytes().startswith(before[: before.rfind(b"\n") + 1])
    lines = kept.read_bytes().splitlines()
    assert len(lines) == len(set(lines)) == 301
    assert sorted(lines[1:]) == sorted(
        json.dumps(row).encode() for row in read("harness/responses.jsonl")[1:]
    )
    found = json.loads((killed / "result.json").read_text())["metrics"]
    name = "lm_eval:local_sums/exact_match,first_digit"
    assert found[name] == straight.metrics[name]
