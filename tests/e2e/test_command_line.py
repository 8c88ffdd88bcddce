"""The command line as a user meets it. Each call is a process of its own."""

import json
import os
import subprocess
import sys
from importlib.metadata import version

import pytest
import yaml


def one_line(done):
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_threads_wait_without_turning_unless_the_user_wants_it_otherwise():
    told = "import os, sys; before = 'torch' in sys.modules; print(os.environ['OMP_WAIT_POLICY'], before)"
    for given, found in (({}, "passive"), ({"OMP_WAIT_POLICY": "active"}, "active")):
        env = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | given
        words = [sys.executable, "-c", f"import r1light.__main__; {told}"]
        done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.split() == [found, "False"]  # torch, which reads it, comes later


INTERRUPTED = (
    "interrupted by {}; a run that saved a checkpoint goes on from it when the command is given again "
    "with resume=auto, the default"
)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["stage=plugins", "trainer.device=2"],
            "unknown key 'trainer.device'; did you mean 'trainer.devices'?",
        ),
        (
            ["reward.components.accuracy.weight=nan"],
            "reward.components.accuracy: weight=nan must be finite",
        ),
        (["stage.lr=inf"], "stage: lr=inf must be above 0 and finite"),
        (["stage=plugin"], "unknown stage 'plugin'; did you mean 'plugins'? Known: "),
        (["stage=plugins", "seed=1.5"], "seed=1.5 must be a valid integer"),
        (["-m", "stage=plugins", "seed=0,x"], "seed='x' must be a valid integer"),
        (["--learning_rate=1e-4"], "unrecognized arguments: --learning_rate=1e-4; options are key=value "),
        (["resume=läuft/ä,ö"], "cannot read the override 'resume=läuft/ä,ö', which should be key=value: "),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2_before_anything_is_written(command, arguments, line):
    done = command(*arguments)
    assert done.returncode == 2
    assert one_line(done).startswith(f"error: {line}")
    assert list(command.folder.iterdir()) == []


def test_debug_shows_the_traceback_of_wrong_input_too(command):
    done = command("stage=plugins", "seed=x", "debug=true")
    assert done.returncode == 2
    assert "Traceback" in done.stderr


def test_checking_the_configuration_imports_nothing_heavy(command, site):
    (site / "sitecustomize.py").write_text(
        "import atexit, sys\n"
        "heavy = ('torch', 'lightning', 'transformers', 'numpy', 'datasets')\n"
        "atexit.register(lambda: print('HEAVY', [name for name in heavy if name in sys.modules]))\n"
    )
    done = command("stage=grpo", "data=countdown", "stage.lrr=1", fresh=True)
    assert done.returncode == 2, done.stderr
    assert "unknown key 'stage.lrr'; did you mean 'stage.lr'?" in one_line(done)
    assert "HEAVY []" in done.stdout


@pytest.mark.slow
def test_another_log_of_hydras_can_be_chosen(command):
    for choice in ("none", "disabled"):
        done = command("-m", "stage=plugins", "seed=0,1", f"hydra/hydra_logging={choice}")
        assert done.returncode == 0, done.stderr


def test_hydras_own_flags_work(command):
    shown = command("--help")
    assert "python -m r1light" in shown.stdout
    assert "reward: accuracy, brevity, format" in shown.stdout  # a plugin's YAML among ours
    job = command("--cfg", "job", "stage=plugins", "reward=brevity", "seed=7")
    assert yaml.safe_load(job.stdout)["seed"] == 7
    assert list(yaml.safe_load(job.stdout)["reward"]["components"]) == ["brevity"]
    path = command("--info", "searchpath", "stage=plugins")
    assert "pkg://act_conf" in path.stdout
    assert "plugin act" in path.stdout
    completion = command("--shell-completion", "install=bash")
    assert "hydra_bash_completion" in completion.stdout
    assert [done.returncode for done in (shown, job, path, completion)] == [0, 0, 0, 0]


def test_the_list_of_components_names_distributions_and_leaves_no_folder(command):
    done = command("stage=plugins")
    assert done.returncode == 0
    row = next(line for line in done.stdout.splitlines() if "brevity" in line)
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        "r1light.rewards", "brevity", "act", "brevity:brevity", "yes",
    ]  # fmt: skip
    assert list(command.folder.iterdir()) == []


def test_a_run_leaves_its_folder_complete_and_its_secrets_masked(command):
    done = command("stage=act", "seed=2", "stage.api_key=hunter2", "hydra.run.dir=out", act=True)
    assert done.returncode == 0, done.stderr
    out = command.folder / "out"
    assert json.loads((out / "result.json").read_text())["metrics"] == {"score": 0.5}
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["stage"], manifest["seed"]) == ("act", 2)
    assert manifest["finished"] is not None
    assert yaml.safe_load((out / "config.yaml").read_text())["stage"]["api_key"] == "***"
    assert "a fresh start" in (out / "r1light.log").read_text()
    assert "a fresh start" in done.stderr
    written = {path: path.read_text() for path in out.rglob("*") if path.is_file()}
    assert not [path for path, text in written.items() if "hunter2" in text]
    assert not (out / ".hydra").exists()


@pytest.mark.parametrize(
    ("what", "code", "line", "traceback"),
    [
        ("user error", 2, "error: rows.jsonl is empty; give it at least one row", False),
        ("engine error", 1, "error: the engine died", False),
        ("bug", 1, "error: ZeroDivisionError: a bug", True),
        ("SIGTERM", 143, INTERRUPTED.format("SIGTERM"), False),
        ("SIGINT", 130, INTERRUPTED.format("SIGINT"), False),
        ("exit", 143, INTERRUPTED.format("SIGTERM"), False),
    ],
)
def test_what_ends_a_run_decides_the_exit_code(command, what, code, line, traceback):
    done = command("stage=act", f"stage.do={what}", "hydra.run.dir=out", act=True)
    assert done.returncode == code, done.stderr
    assert done.stderr.splitlines()[-1] == line
    assert ("Traceback" in done.stderr) == traceback
    assert not (command.folder / "out" / "result.json").exists()
    log = (command.folder / "out" / "r1light.log").read_text()
    assert "ERROR" in log
    assert ("Traceback" in log) == (what != "user error")


def test_a_folder_that_cannot_be_made_is_wrong_input(command):
    (command.folder / "file").write_text("")
    done = command("stage=act", "hydra.run.dir=file/run", act=True)
    assert done.returncode == 2
    line = "error: hydra.run.dir: cannot make the folder file/run: Not a directory; choose another"
    assert one_line(done) == line


@pytest.mark.parametrize("words", [["hydra.run.dir="], ["-m", "seed=1,2", "hydra.sweep.dir=' '"]])
def test_an_empty_folder_is_wrong_input_and_not_the_current_one(command, words):
    done = command(*words, "stage=act", act=True)
    assert done.returncode == 2
    assert "dir is empty; name a folder, or leave it out" in one_line(done)
    assert list(command.folder.iterdir()) == []


def test_the_version_is_that_of_r1light(command):
    assert command("--version").stdout == f"r1light {version('r1light')}\n"


def test_a_sweep_runs_every_job_and_hides_secrets_in_hydras_copy(command):
    done = command("-m", "stage=act", "seed=1,2", "stage.api_key=hunter2", "hydra.sweep.dir=sweep", act=True)
    assert done.returncode == 0, done.stderr
    scores = [
        json.loads((command.folder / "sweep" / job / "result.json").read_text())["metrics"]["score"]
        for job in ("0", "1")
    ]
    assert scores == [0.25, 0.5]
    assert "hunter2" not in (command.folder / "sweep" / "multirun.yaml").read_text()


def test_a_job_of_a_sweep_that_fails_ends_the_sweep_with_its_exit_code(command):
    done = command("-m", "stage=act", "seed=1,2", "stage.do=user error", "hydra.sweep.dir=sweep", act=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "error: rows.jsonl is empty; give it at least one row"


def test_the_objective_must_be_a_metric(command):
    done = command("stage=act", "objective=scor", "hydra.run.dir=out", act=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "error: unknown metric of act in objective: 'scor'; did you mean 'score'? Known: score"
    )


def test_a_second_process_has_no_part_in_a_stage_that_works_alone(command):
    done = command("stage=act", "hydra.run.dir=out", act=True, env={"LOCAL_RANK": "1"})
    assert done.returncode == 0, done.stderr
    assert list((command.folder / "out").iterdir()) == []


def test_the_shell_completes_groups_and_their_choices(command):
    asked = command("-sc", "query=bash", env={"COMP_LINE": "r1light stage=gr"}, fresh=True)
    assert (asked.returncode, asked.stdout.split()) == (0, ["stage=grpo"])
    installed = command("-sc", "install=bash", fresh=True)
    assert installed.returncode == 0
    assert "complete -o nospace" in installed.stdout
