import sys

import pytest

from r1light.doctor import trial

PROGRAM = """#!{python}
import json, sys, time
from pathlib import Path
folder = Path(next(w for w in sys.argv if w.startswith("hydra.run.dir=")).partition("=")[2])
if "hang" in sys.argv:
    time.sleep(60)
if "fail" in sys.argv:
    sys.exit("error: no luck")
folder.mkdir(parents=True)
loss = float("nan") if "nan" in sys.argv else 0.5
(folder / "metrics.jsonl").write_text(json.dumps({{"loss": loss, "grad_norm": 1.0}}) + "\\n")
"""


@pytest.fixture(autouse=True)
def program(tmp_path, monkeypatch):
    """Another program in place of r1light's command line."""
    path = tmp_path / "program"
    path.write_text(PROGRAM.format(python=sys.executable))
    path.chmod(0o755)
    monkeypatch.setattr(trial.sys, "executable", str(path))


def test_finite_numbers_are_ok():
    assert trial.run_trial([], 60).state == "ok"


@pytest.mark.parametrize(
    ("words", "told"), [(["fail"], "exit code 1: error: no luck"), (["nan"], "loss not finite")]
)
def test_a_run_that_fails_or_has_no_numbers_is_a_problem(words, told):
    finding = trial.run_trial(words, 60)
    assert (finding.state, finding.told) == ("problem", told)


def test_a_run_that_hangs_is_ended():
    finding = trial.run_trial(["hang"], 0.5)
    assert (finding.state, finding.told) == ("problem", "not done after 0.5 s")


@pytest.mark.slow
def test_the_real_one_trains(monkeypatch):
    monkeypatch.undo()
    assert trial.run_trial(["trainer=cpu"], 300).state == "ok"
