"""The arithmetic of the measurement of evaluations, and the command that it runs."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

SCRIPT = Path(__file__).parents[2] / "tools/bench/evaluate.py"


@pytest.fixture
def bench():
    spec = importlib.util.spec_from_file_location("bench_evaluate", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_share_of_each_span(bench):
    assert bench.shares(8.0, {"stage": 10.0, "process": 16.0}) == {"stage": 0.8, "process": 0.5}


def test_it_runs_what_it_says_and_reads_the_result(bench, monkeypatch, capsys):
    ran = []

    def run(command, **_):
        ran.append(command)
        folder = Path(command[-2].removeprefix("hydra.run.dir="))
        folder.mkdir(parents=True)
        metrics = {"generate_seconds": 8.0, "wall_seconds": 10.0}
        (folder / "result.json").write_text(json.dumps({"metrics": metrics}))
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    bench.main(["--limit", "7", "--k", "2", "stage.temperature=1"])
    (command,) = ran
    assert {"stage.limit=7", "stage.k=2", "stage.max_tokens=64", "stage.temperature=1"} <= set(command)
    assert "80.0% of the stage (10.0 s)" in capsys.readouterr().out
