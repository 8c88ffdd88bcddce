from types import SimpleNamespace

import pytest

from r1light.core.errors import WorkerError
from r1light.doctor.finding import Finding
from r1light.stages import doctor


def config(**options):
    return SimpleNamespace(stage=doctor.Config(**options))


def test_findings_are_told_as_text_with_advice_and_counted(monkeypatch, capsys):
    rows = [Finding("disk", "warning", "1 GB [bold]free[/bold]", "make room"), Finding("torch", "ok", "2.13")]
    monkeypatch.setattr(doctor, "_findings", lambda config: iter(rows))
    result = doctor.run(config(), None)
    out = capsys.readouterr().out
    assert "1 GB [bold]free[/bold]" in out
    assert "make room" in out
    assert result.metrics == {"notes": 0, "warnings": 1, "problems": 0}


def test_a_problem_ends_with_an_error_behind_the_table(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "_findings", lambda config: iter([Finding("GPU", "problem", "none")]))
    with pytest.raises(WorkerError, match="GPU: the table says what to do"):
        doctor.run(config(), None)
    assert "GPU" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["trial_seconds", "hub_seconds"])
def test_waits_must_be_above_0(name):
    with pytest.raises(ValueError, match=f"{name}=0.0 must be above 0"):
        doctor.Config(**{name: 0.0})
