"""The shipped plugins, one that `r1light new` writes, and a broken one: installed by pip, and used."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from r1light.models.tiny import WEIGHTS
from r1light.scaffold.new import Plugin, write

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted(path.name for path in (ROOT / "plugins").iterdir() if (path / "pyproject.toml").exists())
SHORT = [
    "stage.iterations=1", "stage.prompts_per_iteration=2", "stage.group_size=2", "stage.max_tokens=24",
    "stage.eval_problems=2", "stage.test_problems=2", "stage.eval_every=0", "trainer=cpu",
]  # fmt: skip

pytestmark = pytest.mark.slow


def run(*words, cwd, code=0):
    done = subprocess.run(
        list(map(str, words)), cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Copies of the distributions, so that building them leaves nothing in the checkout."""
    folder = tmp_path_factory.mktemp("sources")
    for name in SHIPPED:
        shutil.copytree(ROOT / "plugins" / name, folder / name)
    write(Plugin("reward", "mine"), folder)
    broken = write(Plugin("reward", "broken"), folder)
    (broken / "r1light_reward_broken" / "__init__.py").write_text('raise RuntimeError("no such licence")\n')
    return folder


@pytest.fixture(scope="module")
def python(sources, tmp_path_factory):
    """The interpreter of a fresh environment that sees this one's packages, with the plugins installed."""
    venv = tmp_path_factory.mktemp("environment") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=sources)
    python = venv / "bin" / "python"
    found = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=sources)
    ours = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (Path(found.stdout.strip()) / "ours.pth").write_text(ours)
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-build-isolation"]
    run(*pip, *sorted(sources.iterdir()), cwd=sources)
    return python


@pytest.fixture
def r1light(python, tmp_path):
    def command(*words, code=0):
        words = [*words, f"hydra.run.dir={tmp_path / 'out'}"]
        return run(python, "-m", "r1light", *words, cwd=tmp_path, code=code)

    command.rows = lambda: [json.loads(line) for line in (tmp_path / "out" / "samples.jsonl").open()]
    return command


def test_the_four_are_there():
    assert SHIPPED == [
        "r1light-data-logic", "r1light-reward-brevity", "r1light-student-smollm", "r1light-template-tools",
    ]  # fmt: skip


def test_their_own_tests_pass_on_what_is_installed(python, sources, tmp_path):
    for name in (*SHIPPED, "r1light-reward-mine"):  # without the packages beside them
        shutil.copytree(sources / name / "tests", tmp_path / name)
    words = ["-c", os.devnull, f"--rootdir={tmp_path}", "-p", "no:cacheprovider"]
    done = run(python, "-m", "pytest", "-q", *words, *sorted(tmp_path.iterdir()), cwd=tmp_path)
    assert " passed" in done.stdout


def test_all_are_listed_and_the_broken_one_is_named_with_its_error(r1light):
    done = r1light("stage=plugins")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines()]
    shown = {(row[0], row[1], row[2]): row[4] for row in rows if len(row) == 5}
    for group, name, distribution in (
        ("rewards", "brevity", "r1light-reward-brevity"),
        ("data", "logic", "r1light-data-logic"),
        ("graders", "logic", "r1light-data-logic"),
        ("templates", "logic", "r1light-data-logic"),
        ("tasks", "logic", "r1light-data-logic"),
        ("templates", "tools", "r1light-template-tools"),
        ("conf", "*.yaml", "r1light-student-smollm"),
        ("rewards", "mine", "r1light-reward-mine"),
    ):
        assert shown[f"r1light.{group}", name, distribution] == "yes"
    assert shown["r1light.rewards", "broken", "r1light-reward-broken"] == "NO"
    assert shown["r1light.conf", "*.yaml", "r1light-reward-broken"] == "NO"
    assert "reward 'broken' of r1light-reward-broken" in done.stdout
    assert "RuntimeError: no such licence" in done.stdout


def test_a_run_with_rewards_data_template_and_model_of_plugins_beside_the_broken_one(r1light):
    weights = ["reward.components.brevity.weight=0.1", "reward.components.mine.weight=0.2"]
    puzzles = ["data=logic", "template=logic", "data.people=[2]", "data.train_size=64"]
    model = ["model=smollm2-135m", f"model.path={WEIGHTS / 'tiny_student'}"]
    done = r1light(*SHORT, *weights, *puzzles, *model)
    assert "warning: r1light.conf r1light_reward_broken.conf of r1light-reward-broken" in done.stderr
    rows = r1light.rows()
    assert {"accuracy", "format", "brevity", "mine"} in [row["scores"].keys() for row in rows]
    assert "knights, who always tell the truth" in rows[-1]["prompt"]


def test_asking_for_the_broken_one_is_one_line(r1light):
    done = r1light("reward.components.broken.weight=1", code=1)
    assert done.stderr.splitlines()[-1].startswith("error: reward 'broken' of r1light-reward-broken")
    assert done.stderr.splitlines()[-1].endswith("does not import: RuntimeError: no such licence")


def test_an_evaluation_on_puzzles(r1light, tmp_path):
    options = ["stage.limit=2", "stage.k=1", "stage.max_tokens=8"]
    r1light("stage=evaluate", "stage.tasks=[logic]", "template=logic", *options, "trainer=cpu")
    assert "logic/pass@1" in json.loads((tmp_path / "out" / "result.json").read_text())["metrics"]


def test_a_run_with_tools(r1light, tmp_path):
    row = {"answer": '[{"arguments": {"a": 2}, "name": "add"}]', "tools": [{"name": "add"}]}
    rows = [json.dumps({"prompt": f"What is {n}+3?", **row}) for n in range(60)]
    (tmp_path / "calls.jsonl").write_text("\n".join(rows) + "\n")
    data = ["data=jsonl", "data.path=calls.jsonl", "data.grader=exact", "data.columns.meta=[tools]"]
    r1light(*SHORT, *data, "template=tools")
    assert '{"name": "add"}' in r1light.rows()[-1]["prompt"]


def test_a_model_by_yaml_alone(r1light):
    assert "path: HuggingFaceTB/SmolLM2-135M" in r1light("--cfg", "job", "model=smollm2-135m").stdout
