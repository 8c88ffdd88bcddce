"""An installed distribution, made of files: a stage's stand-in, a reward and their YAML."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

STAGE = """
import os, signal, sys
from dataclasses import dataclass
from r1light.core.errors import DataError, EngineError
from r1light.core.run_folder import StageResult

USES_COMPONENTS = False

@dataclass(frozen=True, slots=True)
class Config:
    do: str = "succeed"
    api_key: str = "none"

def run(config, folder):
    do = config.stage.do
    if do == "user error":
        raise DataError("rows.jsonl is empty; give it at least one row")
    if do == "engine error":
        raise EngineError("the engine died")
    if do == "bug":
        raise ZeroDivisionError("a bug")
    if do in ("SIGTERM", "SIGINT"):
        os.kill(os.getpid(), getattr(signal, do))
        signal.pause()
    if do == "exit":
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        except KeyboardInterrupt:
            sys.exit(1)
    return StageResult("act", {"score": config.seed / 4})
"""


@pytest.fixture
def site(tmp_path):
    """A folder for PYTHONPATH."""
    files = {
        "act_stage.py": STAGE,
        "act_conf/stage/act.yaml": "name: act\ndo: succeed\n",
        "act_conf/reward/brevity.yaml": "components:\n  brevity:\n    weight: 1.0\n",
        "brevity.py": "def brevity(samples):\n    return []\n",
        "act-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: act\nVersion: 1.0\n",
        "act-1.0.dist-info/entry_points.txt": (
            "[r1light.conf]\nact = act_conf\n[r1light.rewards]\nbrevity = brevity:brevity\n"
        ),
    }
    for name, text in files.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "site"


@pytest.fixture(scope="session")
def forks():
    """The process that forks a child a command; see forks.py."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("forks.py"))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env,
    ) as process:  # fmt: skip
        yield process
        process.stdin.close()


@pytest.fixture
def command(site, tmp_path, forks):
    """Run the command line in an empty folder, as itself or with the stage `act` besides.

    A `fresh` one is `python -m r1light` from its first import.
    """
    (tmp_path / "work").mkdir()

    def run(*arguments, act=False, env=None, fresh=False):
        variables = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}", "COLUMNS": "200", **(env or {})}
        if fresh:
            return subprocess.run(
                [sys.executable, "-m", "r1light", *arguments], cwd=tmp_path / "work", env=variables,
                capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
        out, err = tmp_path / "stdout", tmp_path / "stderr"
        request = {
            "arguments": arguments, "stage": "act_stage" if act else None, "cwd": str(tmp_path / "work"),
            "env": variables, "stdout": str(out), "stderr": str(err), "timeout": 120,
        }  # fmt: skip
        forks.stdin.write(json.dumps(request) + "\n")
        forks.stdin.flush()
        code = int(forks.stdout.readline())
        return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())

    run.folder = tmp_path / "work"
    return run
