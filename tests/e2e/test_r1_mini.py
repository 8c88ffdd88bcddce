"""All of R1 in miniature, at its smoke scale: every stage in its own process, and a page with the answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from r1light.core.run_folder import append_jsonl

pytestmark = pytest.mark.slow

MINUTES = 15
QUESTIONS = [f"rq{number}" for number in range(1, 6)]
HOSTILE = "</details></script><script>document.documentElement.dataset.pwned=1</script><b>bold</b>"
SHOWN = "Array.from(document.querySelectorAll('details.sample')).filter(s => !s.hidden).length"


def r1light(*arguments: str, cwd: Path) -> str:
    """Run a command line; returns what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "r1light", *arguments],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=60 * MINUTES,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("r1_mini")
    command = ("stage=pipeline", "pipeline=r1_mini", "stage.scale=smoke", "hydra.run.dir=run")
    r1light(*command, cwd=root)
    return root / "run"


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_every_step_is_done_and_every_question_has_a_verdict(folder: Path) -> None:
    steps = read(folder / "pipeline.json")["steps"]
    assert {step["state"] for step in steps} == {"done"}
    assert len(steps) == 25
    metrics = read(folder / "result.json")["metrics"]
    assert all(metrics[f"{name}_holds"] in (0.0, 1.0) for name in QUESTIONS)
    evaluated = read(folder / "steps" / "r1_eval" / "seed-0" / "result.json")["metrics"]
    assert metrics["rq4/accuracy/after"] == evaluated["pass@1"]


def test_steps_read_what_the_graph_says(folder: Path) -> None:
    def model_path(step: str) -> str:
        config = yaml.safe_load((folder / "steps" / step / "seed-0" / "config.yaml").read_text())
        return str(config["model"]["path"])

    assert model_path("reasoning").endswith("steps/dev1/seed-0/model")
    assert model_path("r1").endswith("steps/dev3/seed-0/model")
    dev3 = yaml.safe_load((folder / "steps" / "dev3" / "seed-0" / "config.yaml").read_text())
    assert dev3["model"]["path"] is None  # from the base again, not from Dev2


def test_the_student_by_rl_has_the_compute_of_the_distilled_one(folder: Path) -> None:
    spent = {
        step: read(folder / "steps" / step / "seed-0" / "result.json")["metrics"]["flops"]
        for step in ("distill", "student_rl")
    }
    options = yaml.safe_load((folder / "steps" / "student_rl" / "seed-0" / "config.yaml").read_text())[
        "stage"
    ]
    assert options["stop_when"]["flops"] == spent["distill"]


def test_the_same_command_runs_nothing_again(folder: Path) -> None:
    before = read(folder / "result.json")["metrics"]
    command = ("stage=pipeline", "pipeline=r1_mini", "stage.scale=smoke", "hydra.run.dir=run")
    r1light(*command, cwd=folder.parent)
    assert all(step["reused"] for step in read(folder / "pipeline.json")["steps"])
    after = read(folder / "result.json")["metrics"]
    assert {k: v for k, v in after.items() if k != "wall_seconds"} == {
        k: v for k, v in before.items() if k != "wall_seconds"
    }


@pytest.mark.browser
def test_the_page_stands_up_to_a_reader_and_to_hostile_text(folder: Path, chromium: Any) -> None:
    samples = folder / "steps" / "r1_eval" / "seed-0" / "samples.jsonl"
    row = json.loads(samples.read_text(encoding="utf-8").splitlines()[0])
    others = samples.read_text(encoding="utf-8").splitlines()[1:]
    samples.unlink()
    told = {"completion": HOSTILE, "thinking": HOSTILE, "answer": HOSTILE, "problem_id": f"evil {HOSTILE}"}
    append_jsonl(samples, [{**row, **told}, *map(json.loads, others)])
    said = r1light("stage=report", "stage.run=run", cwd=folder.parent)
    assert all(name in said for name in QUESTIONS)

    chromium.show()
    chromium.open(folder / "report.html")
    assert chromium.js("document.documentElement.dataset.pwned || 'safe'") == "safe"
    assert [address for address in chromium.addresses if not address.startswith(("file:", "about:"))] == []
    assert chromium.js("document.querySelectorAll('figure svg').length") > 8
    figures = "Array.from(document.querySelectorAll('figure'))"
    assert chromium.js(f"{figures}.every(figure => figure.querySelector('path, circle') !== null)") is True

    everything = chromium.js(SHOWN)
    assert everything > 100
    search = "const q = document.querySelector('#filters [name=q]'); q.value = 'evil';"
    chromium.js(f"(() => {{ {search} q.dispatchEvent(new Event('input', {{bubbles: true}})); }})()")
    assert chromium.js(SHOWN) == 1
    shown = "Array.from(document.querySelectorAll('details.sample')).find(s => !s.hidden)"
    assert chromium.js(f"{shown}.open") is False
    chromium.js(f"{shown}.querySelector('summary').click()")
    assert chromium.js(f"{shown}.open") is True
    assert HOSTILE in chromium.js(f"{shown}.textContent")
    assert chromium.js(f"{shown}.querySelector('details.thoughts').open") is False
