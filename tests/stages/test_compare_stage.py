"""The stage on run folders as they lie on disk."""

import json

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.validate import validate
from r1light.core.errors import ConfigError, DataError, UnknownNameError
from r1light.core.run_folder import RunFolder
from r1light.stages import stage_module
from r1light.stages.execute import run_stage


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Two runs of grpo with two seeds, and one of a pipeline, in runs/ of the working folder."""
    monkeypatch.chdir(tmp_path)
    laid = {"grpo/a": (0, 0.25), "grpo/b": (1, 0.75), "pipeline/c": (0, 0.5)}
    for name, (seed, accuracy) in laid.items():
        folder = RunFolder(tmp_path / "runs" / name)
        folder.path.mkdir(parents=True)
        stage = name.partition("/")[0]
        folder.config.write_text(f"stage:\n  name: {stage}\nseed: {seed}\n")
        result = {"stage": stage, "metrics": {"pass@1": accuracy, f"{stage}_only": 1}, "outputs": {}}
        folder.result.write_text(json.dumps(result))
    return tmp_path / "runs"


def compare(path, *overrides):
    (plain,) = compose_jobs(["stage=compare", *overrides], Source(), multirun=False).jobs
    return run_stage(validate(plain, stage_module), RunFolder(path))


def test_runs_of_two_seeds_are_pooled_unless_asked_not_to(runs, tmp_path, capsys):
    result = compare(tmp_path / "out", "stage.runs=[runs/grpo/a,runs/grpo/b]")
    assert result.metrics == {"runs": 2, "rows": 1, "finished": 2}
    # mean (0.25 + 0.75) / 2 = 0.5, s = sqrt(2 * 0.0625) = 0.3536, half = 12.7062 * 0.3536 / 1.4142 = 3.1766
    assert "50.0% ± 317.7% (sd 35.4%, n=2)" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "result.json").read_text())["metrics"]["rows"] == 1
    assert (tmp_path / "out" / "report.html").read_text().count("<tr>") > 2
    assert len((tmp_path / "out" / "comparison.csv").read_text().splitlines()) == 3
    apart = compare(tmp_path / "apart", "stage.runs=[runs/grpo]", "stage.group_by_seed=false")
    assert apart.metrics == {"runs": 2, "rows": 2, "finished": 2, "best/pass@1": 0.75}
    assert apart.outputs["best"] == "runs/grpo/b"


def test_runs_of_different_stages_are_compared_by_what_they_share(runs, tmp_path, capsys):
    result = compare(tmp_path / "out", "stage.runs=['runs/*/*']", "stage.best=lowest")
    assert result.metrics == {"runs": 3, "rows": 2, "finished": 3}, (
        "0.5 is the pooled mean and c's: none is best"
    )
    told = capsys.readouterr().out
    assert "runs of different stages (grpo, pipeline), compared by what they share" in told
    assert "_only" not in told


def test_a_comparison_leaves_its_own_folder_out(runs):
    assert compare(runs / "compare" / "x", "stage.runs=[runs]").metrics["runs"] == 3


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["stage.runs=[runs/grpo/a]"], DataError, "names one run"),
        (["stage.runs=[runs/grpo/a,runs/grpo/../grpo/a]"], DataError, "names one run"),
        (["stage.runs=[runs/grpo,nowhere]"], DataError, "there is no folder nowhere"),
        (["stage.runs=[runs/grpo,empty]"], DataError, "empty is no run folder"),
        (["stage.runs=[runs]", "stage.metrics=[pass]"], UnknownNameError, "did you mean 'pass@1'"),
        (["stage.runs=[runs]", "stage.curves=[reward]"], UnknownNameError, "unknown curve"),
    ],
)
def test_wrong_input_is_one_line_with_exit_code_2(runs, tmp_path, words, error, said):
    (tmp_path / "empty").mkdir()
    with pytest.raises(error, match=said) as caught:
        compare(tmp_path / "out", *words)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("words", [[], ["stage.runs=[]"], ["stage.runs=[a]", "stage.best=most"]])
def test_options_are_checked_before_anything_runs(tmp_path, words):
    with pytest.raises(ConfigError, match=r"stage\.runs|runs is empty|stage\.best"):
        compare(tmp_path / "out", *words)
    assert not (tmp_path / "out").exists()
