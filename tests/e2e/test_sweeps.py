"""A sweep ends in a comparison, whatever became of its jobs, and its exit code is theirs."""

import json

import pytest

SWEEPER = """
from hydra.plugins.sweeper import Sweeper
from hydra.core.plugins import Plugins


class Searcher(Sweeper):
    '''Asks for one job after another, as optimisers do, and names a direction.'''

    def __init__(self, direction, jobs):
        self.jobs = jobs

    def setup(self, *, hydra_context, task_function, config):
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments):
        for number in range(self.jobs):
            job = [*arguments, f"seed={number}", f"stage.do=kind {number}"]
            (done,) = self.launcher.launch([job], initial_job_idx=number)
            assert done.return_value == number / 4
"""


def table(done):
    """The cells of the rows that the command printed."""
    rows = [line.split("│")[1:-1] for line in done.stdout.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in row] for row in rows]


def test_a_sweep_ends_in_a_table_and_files(command):
    done = command("-m", "stage=act", "seed=0,1", "stage.do=succeed,again", "hydra.sweep.dir=sweep", act=True)
    assert done.returncode == 0, done.stderr
    sweep = command.folder / "sweep"
    # the score is seed / 4: mean 0.125, s = sqrt(2 * 0.125^2) = 0.17678, half = 12.7062 * 0.125 = 1.588
    numbers = "0.125 ± 1.588 (sd 0.1768, n=2)"
    assert table(done) == [["0, 2", "0, 1", "succeed", numbers], ["1, 3", "0, 1", "again", numbers]]
    assert done.stdout.splitlines()[-1] == f"comparison: {sweep / 'comparison.html'}"
    assert "Comparison of 4 runs" in (sweep / "comparison.html").read_text()
    assert len((sweep / "comparison.csv").read_text().splitlines()) == 5
    assert json.loads((sweep / "comparison.json").read_text())["metrics"]["runs"] == 4
    again = command("stage=compare", "stage.runs=[sweep]", "hydra.run.dir=out")
    assert again.returncode == 0, again.stderr
    assert table(again) == table(done)


def test_a_sweep_of_which_a_job_failed_shows_what_there_is_and_ends_with_the_jobs_error(command):
    words = ["stage=act", "seed=1", "stage.do=succeed,user error,engine error", "hydra.sweep.dir=sweep"]
    done = command("-m", *words, act=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "error: rows.jsonl is empty; give it at least one row"
    assert table(done) == [
        ["0", "finished", "succeed", "0.25"],
        ["1", "failed", "user error", "–"],
        ["2", "failed", "engine error", "–"],
    ]
    assert "Run 1 failed: rows.jsonl is empty; give it at least one row" in done.stdout
    assert (command.folder / "sweep" / "comparison.html").exists()


def test_a_sweep_that_a_signal_ends_shows_what_was_done_until_then(command):
    words = ["stage=act", "seed=1", "stage.do=succeed,again,SIGINT,never", "hydra.sweep.dir=sweep"]
    done = command("-m", *words, act=True)
    assert done.returncode == 130
    assert done.stderr.splitlines()[-1].startswith("interrupted by SIGINT")
    assert [(row[0], row[1]) for row in table(done)] == [
        ("0", "finished"),
        ("1", "finished"),
        ("2", "unfinished"),
    ]
    assert not (command.folder / "sweep" / "3").exists()
    assert (command.folder / "sweep" / "comparison.html").exists()


@pytest.mark.slow
def test_a_comparison_that_fails_changes_nothing_but_a_line(command):
    for name, code, words in (("a", 0, []), ("b", 1, ["stage.do=engine error"])):
        sweep = command.folder / name
        (sweep / "comparison.html").mkdir(parents=True)  # where a folder is no file can be written
        done = command("-m", "stage=act", "seed=0,1", f"hydra.sweep.dir={name}", *words, act=True)
        assert done.returncode == code
        lines = done.stderr.splitlines()
        told = [line for line in lines if line.startswith(f"the runs in {sweep} could not be compared: ")]
        assert len(told) == 1
        assert (lines[-1] == told[0]) if code == 0 else (lines[-1] == "error: the engine died")
        assert (sweep / "1" / "result.json").exists() == (code == 0)


@pytest.mark.slow
def test_one_run_and_one_job_end_without_a_comparison(command):
    alone = command("stage=act", "hydra.run.dir=out", act=True)
    single = command("-m", "stage=act", "seed=1", "hydra.sweep.dir=sweep", act=True)
    off = command(
        "-m", "stage=act", "seed=0,1", "hydra.sweep.dir=off", "~hydra.callbacks.comparison", act=True
    )
    for done in (alone, single, off):
        assert done.returncode == 0, done.stderr
        assert "comparison" not in done.stdout
    assert not list(command.folder.glob("*/comparison*"))


def test_a_stage_that_only_prints_ends_a_sweep_in_silence(command):
    done = command("-m", "stage=plugins", "seed=0,1", "hydra.sweep.dir=sweep")
    assert done.returncode == 0, done.stderr
    assert "compar" not in done.stdout + done.stderr


def test_another_sweepers_direction_decides_what_is_best(command, site):
    files = {
        "hydra_plugins/searcher.py": SWEEPER,
        "act_conf/hydra/sweeper/searcher.yaml": (
            "_target_: hydra_plugins.searcher.Searcher\ndirection: minimize\njobs: 3\n"
        ),
    }
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    words = ["stage=act", "objective=score", "hydra/sweeper=searcher", "hydra.sweep.dir=sweep"]
    done = command("-m", *words, act=True)
    assert done.returncode == 0, done.stderr
    assert table(done) == [
        ["0", "0", "kind 0", "0 best"],
        ["1", "1", "kind 1", "0.25"],
        ["2", "2", "kind 2", "0.5"],
    ]
    found = json.loads((command.folder / "sweep" / "comparison.json").read_text())
    assert found["metrics"]["best/score"] == 0
    assert found["outputs"]["best"] == str(command.folder / "sweep" / "0")


def test_only_the_first_process_of_a_run_compares(command):
    words = ["stage=act", "seed=0,1", "hydra.sweep.dir=sweep"]
    done = command("-m", *words, act=True, env={"RANK": "1"})
    assert done.returncode == 0, done.stderr
    assert "comparison" not in done.stdout
