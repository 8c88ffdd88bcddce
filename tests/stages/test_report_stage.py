"""`stage=report`: pages anew, verdicts printed, and wrong folders in one line."""

import json
import logging

import pytest

from r1light.__main__ import main
from r1light.core.run_folder import RunFolder
from r1light.reports.validation import CHECKS
from r1light.stages import stage_module

ONE = {"rq1": {"asks": "Does it?", "checks": {"accuracy": {"what": "right answers", "at_least": 0.3}}}}
ONE["rq1"]["checks"]["accuracy"] |= {"before": {"step": "base", "metric": "pass@1"}, "percent": True}
ONE["rq1"]["checks"]["accuracy"] |= {"after": {"step": "zero", "metric": "pass@1"}}
STEPS = {"base@0": {"metrics": {"pass@1": 0.2}}, "zero@0": {"metrics": {"pass@1": 0.7}}}
NUMBERS = {"rq1/accuracy/before": 0.2, "rq1/accuracy/after": 0.7, "rq1/accuracy/value": 0.5}


def run(configure, path):
    config = configure("stage=report", f"stage.run={path}")
    return stage_module("report").run(config, RunFolder(path))


@pytest.fixture
def configure():
    from r1light.config.compose import Source, compose_jobs
    from r1light.config.search_path import register
    from r1light.config.validate import validate

    def configured(*overrides):
        register()
        (plain,) = compose_jobs(list(overrides), Source("config", None, None), multirun=False).jobs
        return validate(plain, stage_module)

    return configured


def test_a_pipelines_page_is_written_and_its_verdicts_are_told(make_pipeline, configure, caplog):
    folder = make_pipeline(STEPS, ONE, result=NUMBERS | {"rq1_holds": 1.0, "steps": 2})
    before = folder.result.read_bytes()
    with caplog.at_level(logging.INFO, "r1light"):
        result = run(configure, folder.path)
    assert result.metrics == pytest.approx(NUMBERS | {"rq1_holds": 1.0})
    assert result.outputs == {"report": str(folder.report)}
    assert "Does it?" in folder.report.read_text()
    assert "rq1: holds. Does it?" in caplog.text
    assert "right answers: 20.0% -> 70.0% (+50.0 points), asked for at least +30.0 points" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert folder.result.read_bytes() == before


def test_a_result_that_says_something_else_is_told_plainly(make_pipeline, configure, caplog):
    recorded = {
        "rq1_holds": 0.0,
        "rq1/accuracy/before": 0.2,
        "rq1/accuracy/after": 0.4,
        "rq1/gone/after": 1.0,
    }
    folder = make_pipeline(STEPS, ONE, result=recorded)
    run(configure, folder.path)
    said = [record.message.split(":")[0] for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == [
        "result.json has rq1/accuracy/after 0.4, and the run folders give 0.7",
        "result.json has rq1/accuracy/value not at all, and the run folders give 0.5",
        "result.json has rq1/gone/after 1, and the run folders give not at all",
        "result.json has rq1_holds 0, and the run folders give 1",
    ]


def test_an_ordinary_runs_page_is_written_anew(tmp_path, configure):
    folder = RunFolder(tmp_path)
    metrics = {"before/pass@1": 0.1, "after/pass@1": 0.9}
    folder.result.write_text(json.dumps({"stage": "grpo", "metrics": metrics}))
    assert run(configure, tmp_path).metrics == {}
    assert "GRPO run" in folder.report.read_text()


def test_a_check_of_data_keeps_the_page_of_its_kind(tmp_path, configure):
    folder = RunFolder(tmp_path)
    folder.result.write_text(json.dumps({"stage": "validate", "metrics": {"train/problems": 5}}))
    limits = {"name": "validate"} | {check.limit: 0.0 for check in CHECKS if check.limit}
    config = {"stage": limits, "data": {"name": "math"}, "template": {"name": "chat"}}
    folder.config.write_text(json.dumps(config | {"reward": {"components": {}}}))
    run(configure, tmp_path)
    assert "Check of data=math" in folder.report.read_text()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such folder; name one that a run wrote"),
        ({}, "is no run folder: it should hold at least one of"),
        ({"pipeline.json": "{"}, "pipeline.json is not valid JSON"),
        ({"pipeline.json": '{"steps": 3}'}, "steps should be a list, not a int"),
    ],
)
def test_a_wrong_folder_is_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys, content, said):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "run").mkdir()
        for name, text in content.items():
            (tmp_path / "run" / name).write_text(text)
    assert main(["stage=report", "stage.run=run"]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ([] if content is None else ["run"])
