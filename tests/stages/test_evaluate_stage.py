"""stage=evaluate: its numbers, what it keeps, refuses, and goes on with after a kill."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.search_path import register
from r1light.config.validate import validate
from r1light.core.errors import ConfigError, DataError, RewardError, UnknownNameError
from r1light.core.manifest import start_manifest
from r1light.core.run_folder import RunFolder, read_jsonl
from r1light.stages import stage_module

DEADLINE = 120.0
CLOCKS = ("wall_seconds", "generate_seconds")
SCORES = np.array([[1, 1, 0], [0, 0, 0], [1, 1, 1], [0, 1, 0]])
"""Problems by samples, of `recorded`."""
LENGTHS = np.array([[11, 12, 13], [4, 4, 4], [7, 8, 9], [20, 30, 40]])


def configured(*overrides):
    register()
    lines = ["stage=evaluate", "trainer=cpu", "trainer.threads=1", *overrides]
    (plain,) = compose_jobs(lines, Source("config", None, None), multirun=False).jobs
    return validate(plain, stage_module)


@pytest.fixture
def evaluate(tmp_path):
    """Run the stage in a folder of that name; returns the result and a reader of its files."""

    def run(name, *overrides):
        config, folder = configured(*overrides), RunFolder(tmp_path / name)
        folder.path.mkdir(exist_ok=True)
        start_manifest(folder, stage="evaluate", seed=0, resolved=config.resolved, overrides=[])
        result = stage_module("evaluate").run(config, folder)
        return result, lambda file: list(read_jsonl(folder.path / file))

    return run


def lasting(metrics):
    return {name: value for name, value in metrics.items() if name not in CLOCKS}


@pytest.fixture
def recorded(tmp_path):
    """Overrides for four problems, and three completions of each to be replayed: right by SCORES."""
    problems = [{"id": f"p{i}", "prompt": f"What is {i} + 5?", "answer": str(i + 5)} for i in range(4)]
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(each) + "\n" for each in problems))
    rows = [
        {
            "problem_id": f"problems/train/{i + 1}",
            "completion": f"<think> wait, I add. </think> <answer> {i + 5 if right else 90 + k} </answer>",
            "token_ids": [7] * int(LENGTHS[i, k]),
            "finish_reason": "length" if LENGTHS[i, k] == 40 else "stop",
        }
        for i, row in enumerate(SCORES)
        for k, right in enumerate(row)
    ]
    (tmp_path / "drawn.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows))
    return (
        "data=jsonl", f"data.path={tmp_path}/problems.jsonl", "data.grader=math", "data.test_share=0",
        "stage.split=train", "rollout=replay", f"rollout.path={tmp_path}/drawn.jsonl", "stage.k=3",
    )  # fmt: skip


def test_recorded_completions_give_the_numbers_of_numpy(evaluate, recorded, tmp_path):
    result, read = evaluate("run", *recorded)
    found, means = result.metrics, SCORES.mean(axis=1)
    assert found["pass@1"] == pytest.approx(means.mean())
    assert found["pass@1_stderr"] == pytest.approx(means.std(ddof=1) / 2)
    # of three, two right: every pair has one; one right: 2 of 3 pairs; none: none
    pairs = np.array([1.0, 0.0, 1.0, 2 / 3])
    assert found["pass@2"] == pytest.approx(pairs.mean())
    assert found["pass@2_stderr"] == pytest.approx(pairs.std(ddof=1) / 2)
    assert found["pass@3"] == pytest.approx(SCORES.max(axis=1).mean())
    rows = read("samples.jsonl")
    # the fourth problem's answers are three different ones: the seed chooses, and votes are told
    others = [1.0, 0.0, 1.0]
    fourth = found["cons@3"] * 4 - sum(others)
    assert fourth in (0.0, 1.0)
    assert [row["vote"] for row in rows[:3]] == ["5", "5", "92"]
    assert found["mean_length"] == pytest.approx(LENGTHS.mean())
    assert found["num_tokens"] == LENGTHS.sum()
    assert found["truncated"] == pytest.approx(1 / 12)
    assert (found["well_formed"], found["reflection"], found["readable"]) == (1.0, 1.0, 1.0)
    assert [row["scores"]["accuracy"]["value"] for row in rows] == SCORES.flatten().tolist()
    assert {row["phase"] for row in rows} == {"eval"}
    assert not list((tmp_path / "run").glob("*.state.json"))
    assert "Evaluation" in (tmp_path / "run/report.html").read_text()


def test_completions_are_evaluated_again_to_the_same_numbers_and_scored(evaluate, recorded, tmp_path):
    first, read = evaluate("run", *recorded)
    lines = (tmp_path / "run/completions.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "mixed.jsonl").write_bytes(b"".join(lines[::2] + lines[1::2]))
    again, read_again = evaluate("again", f"stage.completions={tmp_path}/mixed.jsonl")
    assert lasting(again.metrics) == pytest.approx(lasting(first.metrics))
    assert len(read_again("samples.jsonl")) == len(read("samples.jsonl")) == 12
    register()
    words = ["stage=score", f"stage.input={tmp_path}/run/completions.jsonl", "reward=accuracy",
             f"stage.output={tmp_path}/scores.jsonl"]  # fmt: skip
    (plain,) = compose_jobs(words, Source("config", None, None), multirun=False).jobs
    scored = stage_module("score").run(validate(plain, stage_module), RunFolder(tmp_path))
    assert scored.metrics["rewards/accuracy/mean"] == pytest.approx(first.metrics["pass@1"])


def test_recorded_completions_are_judged_by_another_grader(evaluate, tmp_path):
    texts = ("10/2", "5", "6")
    problem = {"id": "a", "prompt": "2 + 3?", "grader": "exact", "answer": "5"}
    rows = [{"problem": problem, "completion": f" a </think> <answer> {text} </answer>"} for text in texts]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    given = f"stage.completions={tmp_path}/in.jsonl"
    first, _ = evaluate("exact", given)
    second, _ = evaluate("math", given, "stage.grader=math")
    assert (first.metrics["pass@1"], second.metrics["pass@1"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert second.metrics["cons@3"] == 1.0
    with pytest.raises(UnknownNameError, match=r"unknown grader in stage\.grader: 'maths'"):
        evaluate("none", given, "stage.grader=maths")


def test_one_greedy_completion_a_problem(evaluate, recorded):
    result, read = evaluate("run", *recorded, "stage.temperature=0")
    assert [row["sampler"]["index"] for row in read("completions.jsonl")] == [0] * 4
    assert result.metrics["pass@1"] == SCORES[:, 0].mean()
    assert not [name for name in result.metrics if name.startswith("cons@")]


def test_rewards_of_the_mix_are_computed_where_they_are_named(evaluate, recorded):
    result, _ = evaluate("run", *recorded, "stage.rewards=[format]")
    assert result.metrics["rewards/format/mean"] == 1.0
    assert result.metrics["rewards/format/mean_stderr"] == 0.0
    with pytest.raises(UnknownNameError, match="did you mean 'format'"):
        evaluate("other", *recorded, "stage.rewards=[fromat]")


class Scorer:
    """A helpfulness model that likes long answers."""

    context, label, model = 64, "helpful", None

    def encode(self, turns):
        return tuple(range(len(turns[-1].content)))


def test_general_questions_get_the_number_of_their_reward_model(evaluate, monkeypatch):
    monkeypatch.setattr("r1light.models.scorer.declared_label", lambda path: "helpful")
    monkeypatch.setattr("r1light.models.scorer.load_scorer", lambda path, device: Scorer())
    monkeypatch.setattr("r1light.models.scorer.scores_of", lambda model, rows, _: [len(r) - 4 for r in rows])
    result, _ = evaluate(
        "run", "data=mixture", "data.sources.sums.test_size=3", "data.sources.countdown.test_size=3",
        "+data.sources.talk={name:tiny_general,kind:helpful,test_size:3,weight:1.0}", "rollout=fake",
        "rollout.default=[' a </think> <answer> 5 </answer>',' a </think> <answer> hello </answer>']",
        "stage.k=2", "reward=r1_all", "reward.components.helpfulness.path=x",
        "reward.components.harmlessness.path=y",
    )  # fmt: skip
    # sigmoid(1 - 4) = 0.0474 and sigmoid(5 - 4) = 0.7311
    assert result.metrics["rewards/helpfulness/mean"] == pytest.approx((0.04743 + 0.73106) / 2, abs=1e-4)
    assert result.metrics["talk/rewards/helpfulness/mean"] == result.metrics["rewards/helpfulness/mean"]
    assert (result.metrics["sums/pass@1"], result.metrics["unjudged"]) == (0.0, 1 / 3)
    assert "talk/pass@1" not in result.metrics
    assert "rewards/harmlessness/mean" not in result.metrics


def failing(monkeypatch, calls):
    """The math grader fails on the answers of those numbers, in the order of grading."""
    from r1light.core.types import Verdict
    from r1light.graders.math import Math

    graded, count = Math.grade_many, iter(range(10**6))

    def grade_many(self, items):
        found = graded(self, items)
        return [Verdict(None, "error", "it broke") if next(count) in calls else each for each in found]

    monkeypatch.setattr(Math, "grade_many", grade_many)


def test_a_grader_that_fails_ends_the_run_and_the_next_one_grades_again(
    evaluate, recorded, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        failing(patch, {4})
        with pytest.raises(RewardError, match="'accuracy' failed on 1 of 12 samples"):
            evaluate("run", *recorded)
    assert not (tmp_path / "run/result.json").exists()
    drawn = (tmp_path / "run/completions.jsonl").read_bytes()
    result, _ = evaluate("run", *recorded)
    assert (tmp_path / "run/completions.jsonl").read_bytes() == drawn  # nothing is drawn again
    assert result.metrics["pass@1"] == pytest.approx(SCORES.mean())


def test_errors_that_are_borne_are_counted_and_no_wrong_answers(evaluate, recorded, monkeypatch):
    failing(monkeypatch, {2})  # a wrong answer of the first problem
    result, read = evaluate("run", *recorded, "reward.max_error_rate=0.2")
    assert result.metrics["errors"] == pytest.approx(1 / 12)
    assert result.metrics["pass@1"] == pytest.approx((1 + 0 + 1 + 1 / 3) / 4)
    assert read("samples.jsonl")[2]["scores"]["accuracy"]["detail"] == "it broke"


def test_unequal_numbers_ties_and_missing_answers_in_any_order_and_batch(evaluate, tmp_path):
    answers = {
        "a": ["5", "5.0", None],
        "b": ["6", "5", "7", "8"],
        "c": [None, None],
        "d": ["10/2", "4", "4.0"],
    }
    rows = [
        {
            "problem": {"id": name, "prompt": "2 + 3?", "grader": "math", "answer": "5"},
            "prefill": "<think>",
            "completion": " a </think>" + (f" <answer> {answer} </answer>" if answer else ""),
        }
        for name, row in answers.items()
        for answer in row
    ]
    results = []
    for name, order, batch in (("one", 1, 64), ("two", -1, 1)):
        lines = [json.dumps(row) + "\n" for row in rows[::order]]
        (tmp_path / f"{name}.jsonl").write_text("".join(lines))
        given = f"stage.completions={tmp_path}/{name}.jsonl"
        result, _ = evaluate(name, given, f"stage.batch_prompts={batch}", "template=r1_zero")
        results.append(lasting(result.metrics))
    first, second = results
    right, samples = np.array([2, 1, 0, 1]), np.array([3, 4, 2, 3])
    assert first["pass@1"] == pytest.approx((right / samples).mean())
    assert first["pass@1_stderr"] == pytest.approx((right / samples).std(ddof=1) / 2)
    # all have two samples; of two of n, none is right in (n-c)(n-c-1) / n(n-1) of all draws
    wrong = samples - right
    pairs = 1 - wrong * (wrong - 1) / (samples * (samples - 1))
    assert first["pass@2"] == pytest.approx(pairs.mean())
    assert first["pass@2_stderr"] == pytest.approx(pairs.std(ddof=1) / 2)
    # the first two vote: 5 is elected; 6 and 5, a tie; nobody; 10/2 and 4, a tie
    assert first["cons@2"] * 4 - 1 in (0, 1, 2)
    voted = {"cons@2", "cons@2_stderr"}  # the last two are others than the first two
    assert {key: first[key] for key in first if key not in voted} == pytest.approx(
        {key: second[key] for key in second if key not in voted}
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: row | {"completion": 5}, r"completions\.jsonl:2: completion=5 is no text"),
        (lambda row: row | {"problem": {"id": "p0"}}, r"completions\.jsonl:2: problem 'p0' has nothing"),
        (
            lambda row: row | {"problem": {**row["problem"], "grader": "maths"}, "token_ids": None},
            "unknown grader of problem 'p0', 'maths'",
        ),
        (
            lambda row: row | {"problem": {**row["problem"], "language": "English!"}},
            "is no code of ISO 639-1",
        ),
    ],
)
def test_wrong_lines_are_named(evaluate, tmp_path, change, said):
    problem = {"id": "p0", "prompt": "2 + 3?", "grader": "math", "answer": "5"}
    good = {"problem": problem, "completion": " a </think> <answer> 5 </answer>"}
    first = {**good, "problem": {**problem, "id": "p1"}}
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in (first, change(good))))
    with pytest.raises(DataError, match=said):
        evaluate("run", f"stage.completions={tmp_path}/in.jsonl")


def test_a_bad_option_and_an_absent_file(evaluate):
    for wrong in ({"k": 0}, {"limit": 0}, {"batch_prompts": 0}, {"top_p": 0.0}, {"temperature": -1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            stage_module("evaluate").Config(**wrong)
    with pytest.raises(DataError, match=r"stage\.completions=none\.jsonl is no file"):
        evaluate("run", "stage.completions=none.jsonl")


def test_a_context_too_short_is_refused_before_the_model_is_loaded(evaluate, tmp_path, monkeypatch):
    def never(config):
        raise AssertionError("it loads the model")

    monkeypatch.setattr("r1light.stages.build.build_model", never)
    said = (
        r"^model tiny has a context of 1024 tokens, the longest prompt has (\d+), and "
        r"stage\.max_tokens=32768: give stage\.max_tokens=(\d+) or less, or stage\.too_long=cap"
    )
    with pytest.raises(ConfigError, match=said) as told:
        evaluate("run", "data.test_size=8")
    longest, left = map(int, re.match(said, str(told.value)).groups())
    assert longest + left == 1024
    assert not (tmp_path / "run/completions.jsonl").exists()
    with pytest.raises(DataError, match="8 problems are too long for the model's context with 1020 tokens"):
        evaluate("other", "data.test_size=8", "stage.max_tokens=1020", "stage.too_long=skip")
    for fitting in (f"stage.max_tokens={left}", "stage.too_long=cap"):
        with pytest.raises(AssertionError, match="it loads the model"):
            evaluate(fitting, "data.test_size=8", fitting)


OPTIONS = ("data.test_size=40", "stage.k=3", "stage.batch_prompts=4", "stage.max_tokens=48")


@pytest.mark.slow
def test_neither_the_batch_nor_a_limit_changes_what_is_drawn_for_a_problem(evaluate):
    _, read = evaluate("whole", *OPTIONS)
    _, read_small = evaluate("small", *OPTIONS, "stage.batch_prompts=7", "stage.limit=9")
    asked = {row["problem_id"] for row in read_small("samples.jsonl")}
    assert len(asked) == 9
    assert read_small("samples.jsonl") == [r for r in read("samples.jsonl") if r["problem_id"] in asked]


SEVERAL = (
    "stage.tasks=[arithmetic,aime24]",
    "stage.limit=12",
    "stage.batch_prompts=5",
    "stage.max_tokens=48",
)


@pytest.mark.slow
@pytest.mark.distributed
@pytest.mark.parametrize("wanted", ["completions.jsonl", "samples.jsonl"])
def test_a_run_that_is_killed_ends_the_same(evaluate, tmp_path, wanted):
    """Two tasks of their own k, 4 and 64, killed as they are drawn or judged: nothing is drawn twice."""
    (tmp_path / "aime24.jsonl").write_text(
        "".join(json.dumps({"problem": f"What is {i} + 5?", "answer": str(i + 5)}) + "\n" for i in range(3))
    )
    options = [*SEVERAL, f"stage.data_dir={tmp_path}"]
    straight, read = evaluate("straight", *options)
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "r1light", "stage=evaluate", "trainer=cpu", "trainer.threads=1",
               *options, f"hydra.run.dir={folder}"]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    state, deadline = folder / f"{wanted}.state.json", time.monotonic() + DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        if state.exists() and json.loads(state.read_text())["lines"] > 0:
            break
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait(DEADLINE) == -signal.SIGKILL
    assert not (folder / "result.json").exists()
    kept = (folder / "completions.jsonl").read_bytes()[: json.loads(
        (folder / "completions.jsonl.state.json").read_text())["output_bytes"]]  # fmt: skip
    assert kept
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "going on after" in done.stderr or wanted == "samples.jsonl"
    assert (folder / "completions.jsonl").read_bytes().startswith(kept)
    for file in ("prompts.jsonl", "completions.jsonl", "samples.jsonl", "tasks.json"):
        assert (folder / file).read_bytes() == (tmp_path / "straight" / file).read_bytes()
    drawn = [(tuple(row["sampler"]["key"]), row["sampler"]["index"]) for row in read("completions.jsonl")]
    assert len(drawn) == len(set(drawn)) == 12 * 4 + 3 * 64
    found = json.loads((folder / "result.json").read_text())["metrics"]
    assert lasting(found) == lasting(straight.metrics)
