"""Sweeps by other launchers and by Optuna, in whole processes: each ends in a comparison."""

import importlib.util

import pytest

SMALL = ["stage=validate", "data.test_size=8", "hydra.sweep.dir=sweep", "trainer=cpu"]


def lacks(name):
    return pytest.mark.skipif(
        importlib.util.find_spec(f"hydra_plugins.{name}") is None
        if importlib.util.find_spec("hydra_plugins")
        else True,
        reason=f"{name} is not installed: r1light[sweep]",
    )


pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "launcher",
    [
        pytest.param("joblib", marks=lacks("hydra_joblib_launcher")),
        pytest.param("submitit_local", marks=lacks("hydra_submitit_launcher")),
    ],
)
def test_a_launcher_runs_the_jobs_and_the_sweep_ends_in_a_comparison(launcher, command):
    options = [f"hydra/launcher={launcher}", "data.train_size=64,80"]
    done = command("-m", *SMALL, *options, fresh=True)
    assert done.returncode == 0, done.stderr
    sweep = command.folder / "sweep"
    assert done.stdout.splitlines()[-1] == f"comparison: {sweep / 'comparison.html'}"
    assert len((sweep / "comparison.csv").read_text().splitlines()) == 3
    assert (sweep / "0" / "result.json").exists()
    assert (sweep / "1" / "result.json").exists()


@lacks("hydra_optuna_sweeper")
def test_a_study_goes_on_and_a_failed_trial_is_told_as_failed(command):
    import optuna

    options = ["sweep=optuna", "objective=train/problems", "hydra.sweeper.n_trials=2"]
    for sizes in ("range(40,42)", "range(-5,-3)"):  # the second command's fail: no source has so few problems
        done = command("-m", *SMALL, *options, f"data.train_size={sizes}", fresh=True)
        assert done.returncode == 0, done.stderr
    sweep = command.folder / "sweep"
    study = optuna.load_study(study_name="r1light", storage=f"sqlite:///{sweep / 'study.db'}")
    assert [(trial.state.name, trial.value) for trial in study.trials[2:]] == [("FAIL", None)] * 2
    assert {trial.state.name for trial in study.trials[:2]} == {"COMPLETE"}
    assert study.best_value in (40.0, 41.0, 42.0)
    assert "best_value" in (sweep / "optimization_results.yaml").read_text()
    assert len(list(sweep.glob("*/result.json"))) == 2
    assert (sweep / "comparison.html").exists()
