"""A wheel, installed and run from /: what a user of the package index gets."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


def run(*words, cwd="/", **env):
    done = subprocess.run(
        words, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("r1light", "conf"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    build = ["pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(target), str(source)]
    run(sys.executable, "-m", *build)
    return next(target.glob("r1light-*.whl"))


def files_below(folder, pattern):
    return {
        path.relative_to(ROOT / folder).as_posix() for path in (ROOT / folder).glob(pattern) if path.is_file()
    }


def test_everything_is_in_the_wheel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {f"r1light/{name}" for name in files_below("r1light", "**/*.py")}
    configuration = {f"r1light/conf/{name}" for name in files_below("conf", "**/*.yaml")}
    weights = {f"r1light/models/weights/{name}" for name in files_below("r1light/models/weights", "**/*")}
    skeleton = {f"r1light/scaffold/{name}" for name in files_below("r1light/scaffold", "skeleton/**/*")}
    assert modules | configuration | weights | skeleton | {"r1light/py.typed"} <= names
    assert not [name for name in names if name.startswith(("tests/", "tools/", "conf/"))]
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_an_installed_wheel_runs_from_the_root_folder(wheel, tmp_path):
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", str(venv))
    python = venv / "bin" / "python"
    purelib = Path(run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    # the dependencies come from this environment; r1light itself only from the wheel
    (purelib / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--no-deps",
        "--force-reinstall",
        str(wheel),
    )
    where = run(str(python), "-c", "import r1light; print(r1light.__file__)").strip()
    assert Path(where).is_relative_to(venv)
    for program in ([str(python), "-m", "r1light"], [str(venv / "bin" / "r1light")]):
        shown = run(*program, "--cfg", "job", "reward=format", f"hydra.run.dir={tmp_path / 'out'}")
        assert "name: grpo" in shown
    assert "arithmetic" in run(
        str(python), "-m", "r1light", "stage=plugins", f"hydra.run.dir={tmp_path / 'out'}"
    )
    for name in "ab":  # a sweep of comparisons, which ends in one itself
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text('{"stage": "grpo", "metrics": {"x": 1}}')
    words = [f"stage.runs=[{tmp_path / 'a'},{tmp_path / 'b'}]", f"hydra.sweep.dir={tmp_path / 'sweep'}"]
    swept = run(str(python), "-m", "r1light", "-m", "stage=compare", "seed=0,1", *words)
    assert swept.splitlines()[-1] == f"comparison: {tmp_path / 'sweep' / 'comparison.html'}"
