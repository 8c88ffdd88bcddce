"""`stage=pipeline` in this process. Its steps are a small program that does what their options say."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.search_path import register
from r1light.config.validate import validate
from r1light.core.errors import ConfigError, ResumeError, WorkerError
from r1light.core.lock import FolderLock
from r1light.core.run_folder import RunFolder
from r1light.pipeline.overrides import added
from r1light.pipeline.records import read_record
from r1light.pipeline.reuse import read_mark
from r1light.stages import stage_module
from r1light.stages.execute import run_stage

PIPELINE = """
name: small
title: A small pipeline
inputs:
  rows: {what: a file of rows, path: rows.jsonl}
steps:
  first:
    stage: score
    title: the first one
    options: {stage: {input: "${input:rows}", output: out}}
  second:
    stage: score
    options: {stage: {input: "${output:first.model}", output: out, batch_rows: 1}}
  third:
    stage: score
    options: {stage: {input: "${output:second.model}", output: out, batch_rows: "${metric:first.rows}"}}
  aside:
    stage: score
    each_seed: false
    options: {stage: {input: x, output: '\\${hydra:run.dir}/out'}}
story: [first, second]
questions:
  rq1:
    asks: Does it grow?
    claim: It does.
    paper: "1 -> 2"
    checks:
      growth:
        what: a number
        before: {step: first, metric: pass@1}
        after: {step: second, metric: pass@1}
        at_least: 0.1
scales:
  smoke:
    steps: {second: {options: {stage: {batch_rows: 7}}}}
"""

PROGRAM = """
import json, sys, time
from pathlib import Path
read = {key: value.strip("'") for key, _, value in (word.partition("=") for word in sys.argv[1:])}
folder = Path(read["hydra.run.dir"])
name, seed = folder.parent.name, int(read["seed"])
with open("diary.txt", "a") as diary:
    diary.write(f"{name}@{seed} {read['stage.input']} {read.get('stage.batch_rows')}\\n")
(folder / "r1light.log").write_text("a line\\n")
said = Path(f"{name}.do").read_text().split() if Path(f"{name}.do").exists() else []
if "exit" in said:
    print("error: rows are empty", file=sys.stderr)
    sys.exit(int(said[1]))
if "sleep" in said:
    time.sleep(60)
(folder / "model").mkdir(exist_ok=True)
source = {"first": Path("rows.jsonl"), "aside": Path("program.py")}.get(name, Path(read["stage.input"], "w"))
(folder / "model" / "w").write_text(source.read_text() + name)
score = {"first": 0.25, "second": 0.5}.get(name, 0.0)
metrics = {"pass@1": score + seed / 16, "rows": 3.0}
outputs = {} if "nothing" in said else {"model": str(folder / "model")}
(folder / "manifest.json").write_text("{}")
(folder / "result.json").write_text(json.dumps({"stage": "score", "metrics": metrics, "outputs": outputs}))
"""


_composed = {}


def configure(overrides):
    """A validated configuration; composing is slow, and these tests ask for the same ones again and again."""
    key = (tuple(overrides), Path("conf/pipeline/small.yaml").read_text())
    if key not in _composed:
        (plain,) = compose_jobs(added(list(overrides)), Source(config_dir="conf"), multirun=False).jobs
        _composed[key] = validate(plain, stage_module)
    return _composed[key]


@pytest.fixture
def work(tmp_path, monkeypatch):
    """The working directory, with the pipeline's YAML and an input."""
    register()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf" / "pipeline").mkdir(parents=True)
    (tmp_path / "conf" / "pipeline" / "small.yaml").write_text(PIPELINE)
    (tmp_path / "rows.jsonl").write_text("{}\n")
    (tmp_path / "program.py").write_text(PROGRAM)
    source = Source(config_dir="conf")
    monkeypatch.setattr("r1light.stages.pipeline_steps.running_source", lambda: source)
    monkeypatch.setattr("r1light.config.running.running_source", lambda: source)
    monkeypatch.setattr("r1light.stages.pipeline_steps.configured", lambda source: configure)
    command = [sys.executable, "program.py"]
    monkeypatch.setattr("r1light.stages.pipeline_steps.command_line", lambda: command)
    monkeypatch.setattr("r1light.stages.score.OUTPUTS", ("model", "copy"))
    monkeypatch.setattr("r1light.pipeline.scheduling.POLL_SECONDS", 0.01)
    return tmp_path


@pytest.fixture
def run(work):
    """Run the pipeline in a folder with overrides; returns its result, and which steps ran."""

    def call(*overrides, folder="run"):
        diary = work / "diary.txt"
        diary.unlink(missing_ok=True)
        call.lines = []
        words = ["stage=pipeline", "pipeline=small", *overrides]
        config = configure(words)
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)  # as Hydra does
        try:
            call.result = run_stage(config, RunFolder(path), words)
        finally:
            call.lines = diary.read_text().splitlines() if diary.exists() else []
        return [line.split()[0] for line in call.lines]

    return call


def states(folder="run"):
    return {row["key"]: row["state"] for row in read_record(RunFolder(Path(folder)))["steps"]}


def without_times(path="run"):
    result = json.loads((Path(path) / "result.json").read_text())
    result["metrics"].pop("wall_seconds")
    return result


def test_steps_run_in_order_and_hand_on_what_they_made(run):
    assert run("seeds=2") == ["first@0", "second@0", "third@0", "aside@0", "first@1", "second@1", "third@1"]
    folder = "run/steps"
    assert run.lines[1:3] == [
        f"second@0 {folder}/first/seed-0/model 1",
        f"third@0 {folder}/second/seed-0/model 3",
    ]
    record = read_record(RunFolder(Path("run")))
    assert record["inputs"] == {"rows": "rows.jsonl"}
    assert record["seeds"] == [0, 1]
    assert [row["state"] for row in record["steps"]] == ["done"] * 7
    assert not any(row["reused"] for row in record["steps"])
    assert record["steps"][-1]["overrides"][-1] == "seed=1"
    mark = read_mark(RunFolder(Path("run/steps/aside/seed-0")))
    assert mark.config["stage.output"] == "<pipeline>/steps/aside/seed-0/out"
    result = without_times()
    # the means over seeds: before (0.25 + 0.3125) / 2, after (0.5 + 0.5625) / 2
    assert result["metrics"]["rq1/growth/before"] == 0.28125
    assert result["metrics"]["rq1/growth/after"] == 0.53125
    assert result["metrics"]["rq1_holds"] == 1.0
    assert result["metrics"]["steps"] == 7.0
    assert result["outputs"]["model"] == f"{folder}/second/seed-0/model"
    assert result["outputs"]["third"] == f"{folder}/third/seed-0/model"
    assert "A small pipeline" in Path("run/report.html").read_text()
    manifest = json.loads(Path("run/manifest.json").read_text())
    assert manifest["finished"] is not None


def test_given_again_nothing_runs_and_the_result_is_the_same(run):
    run()
    before = without_times()
    assert run() == []
    assert without_times() == before
    record = read_record(RunFolder(Path("run")))
    assert all(row["reused"] and row["seconds"] > 0 and row["started"] for row in record["steps"])


def test_a_changed_step_runs_anew_and_those_that_read_it_only_if_it_made_something_else(run):
    run()
    assert run("pipeline.steps.second.options.stage.batch_rows=2") == ["second@0"]  # its model is the same
    old = Path("run/steps/second/seed-0.old-1")
    assert (old / "result.json").exists()
    why = {row["key"]: row["why"] for row in read_record(RunFolder(Path("run")))["steps"]}
    assert why["second@0"] == f"stage.batch_rows was 1 and is 2; what was there is in {old}"
    Path("rows.jsonl").write_text("{} \n")
    assert run("pipeline.steps.second.options.stage.batch_rows=2") == ["first@0", "second@0", "third@0"]
    why = {row["key"]: row["why"] for row in read_record(RunFolder(Path("run")))["steps"]}
    assert why["first@0"].startswith("the input stage.input changed")


def test_a_step_whose_output_was_deleted_is_run_again_and_those_that_read_it_are_not(run):
    run()
    shutil.rmtree("run/steps/first/seed-0/model")
    shutil.rmtree("run/steps/third/seed-0/model")  # which nothing reads
    with pytest.raises(ConfigError, match=r"first.model}: run/steps/first/seed-0/model is gone; run first"):
        run("stage.only=[second]")
    assert Path("run/steps/second/seed-0/result.json").exists(), "what was done before stays where it is"
    assert run() == ["first@0"]
    why = {row["key"]: row["why"] for row in read_record(RunFolder(Path("run")))["steps"]}
    assert why["first@0"].startswith("what other steps read of it is gone: model")


def test_a_scale_changes_what_it_says(run):
    run("stage.scale=smoke")
    assert run.lines[1].endswith(" 7")
    assert read_record(RunFolder(Path("run")))["scale"] == "smoke"


@pytest.mark.parametrize(("code", "kind"), [(2, ConfigError), (1, WorkerError), (143, WorkerError)])
def test_a_step_that_fails_ends_the_pipeline_with_its_exit_code_and_the_command_goes_on(
    run, work, code, kind
):
    (work / "second.do").write_text(f"exit {code}")
    (work / "aside.do").write_text("sleep")  # beside it: it is ended
    with pytest.raises(kind, match="step second@0") as caught:
        run("stage.jobs=2", "pipeline.steps.aside.after=[first]")
    assert caught.value.exit_code == code
    assert "rows are empty" in str(caught.value)
    assert states() == {"first@0": "done", "second@0": "failed", "third@0": "waiting", "aside@0": "waiting"}
    assert not Path("run/result.json").exists()
    (work / "second.do").unlink()
    (work / "aside.do").unlink()
    assert sorted(run("stage.jobs=2", "pipeline.steps.aside.after=[first]")) == [
        "aside@0",
        "second@0",
        "third@0",
    ]


def test_an_output_that_is_not_there_is_said_when_its_step_has_run(run, work):
    (work / "first.do").write_text("nothing")
    with pytest.raises(ConfigError) as caught:
        run()
    assert str(caught.value) == (
        "pipeline.steps.second: ${output:first.model}: unknown output of first 'model'. Known: none"
    )


@pytest.mark.parametrize(
    ("override", "line"),
    [
        (
            "pipeline.steps.third.options.stage.btch_rows=1",
            "pipeline.steps.third: unknown key 'stage.btch_rows'",
        ),
        ("pipeline.steps.third.groups.data=arithmetix", "pipeline.steps.third: unknown data 'arithmetix'"),
        (
            "pipeline.steps.third.stage=scor",
            "pipeline.steps.third: unknown stage 'scor'; did you mean 'score'?",
        ),
        (
            "pipeline.inputs.rows.path=null",
            "step first needs a file of rows; set pipeline.inputs.rows.path=...",
        ),
        (
            "stage.start=third",
            "step third needs second@0, which is left out and not finished in this run folder",
        ),
        (
            "pipeline.steps.secnd.options.stage.batch_rows=1",
            "pipeline.steps.secnd.stage is required; set it for a new one, or: unknown step 'secnd'; "
            "did you mean 'second'?",
        ),
        (
            "pipeline.inputs.row.path=x",
            "pipeline.inputs.row.what is required; set it for a new one, or: unknown input 'row'",
        ),
        (
            "pipeline.steps.third.options.resume=none",
            "pipeline.steps.third: options.resume is not for a step to say",
        ),
        (
            "pipeline.steps.third.groups.stage=sample",
            "pipeline.steps.third: groups.stage is not for a step to say",
        ),
        (
            "pipeline.steps.third.options.stage.input=${output:second.modle}",
            "pipeline.steps.third: ${output:second.modle}: unknown output of second 'modle'; "
            "did you mean 'model'?",
        ),
        ("stage.only=[]", "stage: only=[] runs nothing; name at least one step, or set it to null for all"),
        (
            "stage.seeds=2 pipeline.steps.second.options.seed=3",
            "pipeline.steps.second.options.seed=3 would make its 2 seeds one; "
            "leave it out, or set each_seed: false",
        ),
        ("stage.only=[secnd]", "stage.only: unknown step 'secnd'; did you mean 'second'?"),
    ],
)
def test_wrong_input_is_said_before_anything_runs(run, override, line):
    with pytest.raises(ConfigError) as caught:
        run(*override.split())
    assert str(caught.value).startswith(line)
    assert run.lines == []


def test_a_question_about_a_number_that_is_not_there_is_not_answered_and_says_why(run, capfd):
    run("pipeline.questions.rq1.checks.growth.after.metric=pas@1")
    assert "rq1_holds" not in run.result.metrics
    assert "rq1, growth: the result of second@0 has no pas@1" in capfd.readouterr().err


def test_the_steps_of_every_seed_are_checked_before_anything_runs(run, work):
    (work / "conf" / "experiment").mkdir()
    text = '# @package _global_\nreward: {max_error_rate: "${seed}"}\n'  # seed 1 is one, seed 2 is too much
    (work / "conf" / "experiment" / "by_seed.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"^pipeline\.steps\.third: reward: max_error_rate=2"):
        run("seeds=2", "seed=1", "pipeline.steps.third.groups.experiment=by_seed")
    assert run.lines == []


def test_a_part_runs_and_later_the_rest(run):
    assert run("stage.stop=second") == ["first@0", "second@0"]
    assert states() == {"first@0": "done", "second@0": "done", "third@0": "left_out", "aside@0": "left_out"}
    assert run("stage.only=[third]") == ["third@0"]
    assert states()["first@0"] == "done"
    assert run("stage.start=aside") == ["aside@0"]
    assert run() == []


def test_a_dry_run_writes_nothing_and_needs_no_inputs(run, work, capfd):
    before = sorted(work.rglob("*"))
    assert run("stage.dry_run=true", "pipeline.inputs.rows.path=null", folder="other/run") == []
    assert sorted(work.rglob("*")) == before
    assert run.result.metrics == {"steps": 4.0}
    run()
    before = {
        path: path.read_bytes() for path in work.rglob("*") if path.is_file() and path.name != "diary.txt"
    }
    run("stage.dry_run=true")
    assert all(path.read_bytes() == data for path, data in before.items())
    assert "reads second, first" in capfd.readouterr().err


@pytest.mark.slow
def test_a_default_folder_goes_on_with_the_newest_unfinished_pipeline_of_the_configuration(run, work):
    (work / "third.do").write_text("exit 1")
    with pytest.raises(WorkerError):
        run(folder="runs/pipeline/one")
    (work / "third.do").unlink()
    assert run("pipeline.title=another", folder="runs/pipeline/two")[0] == "first@0"
    assert run(folder="runs/pipeline/three") == ["third@0", "aside@0"]
    assert not Path("runs/pipeline/three").exists()
    assert len(run(folder="runs/pipeline/four")) == 4, "the first is finished"


def test_another_run_in_the_folder_is_not_touched(run, work):
    run()
    yaml = work / "conf" / "pipeline" / "small.yaml"
    yaml.write_text(PIPELINE.replace("name: small", "name: other"))
    with pytest.raises(ResumeError, match="holds the pipeline small, and this is the pipeline other"):
        run()
    assert Path("run/result.json").exists()
    Path("grpo").mkdir()
    Path("grpo/manifest.json").write_text('{"stage": "grpo"}')
    with pytest.raises(ResumeError, match="holds a run of stage=grpo"):
        run(folder="grpo")
    with pytest.raises(ResumeError, match=r"name that by hydra\.run\.dir"):
        run("resume=run")


def test_a_fresh_start_moves_the_folder_aside(run):
    run()
    assert len(run("resume=none")) == 4
    assert Path("run.old-1/result.json").exists()


@pytest.mark.slow
def test_what_the_machine_decides_is_handed_on_unless_a_step_says_otherwise(run):
    run("trainer=cpu", "trainer.threads=1", "debug=true", "pipeline.steps.second.options.trainer.threads=2")
    first, second = (row["overrides"] for row in read_record(RunFolder(Path("run")))["steps"][:2])
    assert {"trainer.accelerator='cpu'", "trainer.threads=1", "debug=true"} <= set(first)
    assert {"trainer.accelerator='cpu'", "trainer.threads=2"} <= set(second)
    run(folder="plain")
    assert not any(
        "trainer" in line for line in read_record(RunFolder(Path("plain")))["steps"][0]["overrides"]
    )


def test_a_folder_in_use_is_refused(run, work):
    import subprocess

    code = (
        "import sys, time; from pathlib import Path; from r1light.core.lock import FolderLock; "
        "FolderLock(Path('run')).acquire(); print(1, flush=True); time.sleep(60)"
    )
    root = Path(stage_module("pipeline").__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env={"PYTHONPATH": str(root)}
    ) as one:
        one.stdout.readline()
        with pytest.raises(ResumeError, match="is in use by process"):
            run()
        one.kill()
    FolderLock(Path("run")).acquire()
