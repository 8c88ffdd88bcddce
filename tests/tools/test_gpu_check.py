import importlib.util
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "gpu_check.py"


@pytest.fixture(scope="module")
def check():
    sys.path.insert(0, str(SCRIPT.parent))  # scripts import their neighbours
    spec = importlib.util.spec_from_file_location("gpu_check", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu_check"] = module
    spec.loader.exec_module(module)
    yield module
    for name in ("gpu_check", "gpu_commands", "gpu_runs"):
        del sys.modules[name]
    sys.path.remove(str(SCRIPT.parent))


def write(folder, metrics, rows=()):
    folder.mkdir()
    (folder / "result.json").write_text(json.dumps({"metrics": metrics}))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


GOOD = {"train_seconds": 1.5, "num_tokens": 12}


@pytest.mark.parametrize(
    ("metrics", "rows", "status", "words"),
    [
        (GOOD, [{"loss": 0.1}], "ok", "train_seconds 1.5, num_tokens 12"),
        (GOOD | {"loss": float("nan")}, [], "failed", "no finite loss"),
        (GOOD | {"loss": None}, [], "failed", "no finite loss"),
        ({}, [], "failed", "no finite number"),
        (GOOD, [{"loss": None}], "failed", "a loss in metrics.jsonl is not finite"),
        (GOOD, [{"sampling/sampling_logp_difference/mean": 0.01}], "ok", "logp_difference 0.01"),
        (
            GOOD,
            [{"sampling/sampling_logp_difference/mean": each} for each in (0.01, 0.2)],
            "failed",
            "differ by 0.2 nats",
        ),
    ],
)
def test_a_run_is_judged_by_its_numbers(check, tmp_path, metrics, rows, status, words):
    outcome = sys.modules["gpu_runs"].judge("x", write(tmp_path / "run", metrics, rows), 2.0)
    assert outcome.status == status
    assert words in outcome.detail


def test_a_run_without_a_result_has_failed(check, tmp_path):
    assert sys.modules["gpu_runs"].judge("x", tmp_path, 2.0).status == "failed"


def test_stages_that_are_not_there_are_said_to_be_absent(check, monkeypatch, tmp_path):
    monkeypatch.setattr("r1light.stages.STAGES", {})
    (outcome,) = check.check_all(check.Runner(tmp_path), ["sft"], 10.0)
    assert (outcome.status, outcome.detail) == ("absent", "there is no stage=sft yet")


def test_what_needs_a_gpu_is_said_to_be_absent_without_one(check, tmp_path):
    (outcome,) = check.check_all(check.Runner(tmp_path), ["sft_qlora"], 10.0)
    assert (outcome.status, outcome.detail) == ("absent", "it needs a GPU")


def test_losses_of_a_strategy_are_those_of_plain_training_within_a_hundredth(check, tmp_path):
    for name, losses in {"sft": [2.0, 1.0], "sft_ddp": [2.0, 1.005], "sft_fsdp2": [2.0, 1.02]}.items():
        write(tmp_path / name, GOOD, [{"loss": loss} for loss in losses])
    found = {each.name: (each.status, each.detail) for each in check.compare_losses(tmp_path)}
    # 1.005 / 1 - 1 = 0.005, 1.02 / 1 - 1 = 0.02; deepspeed_* have not run
    assert found == {"losses_ddp": ("ok", "differ by 0.005"), "losses_fsdp2": ("failed", "differ by 0.02")}


def test_what_would_begin_too_late_is_not_tried(check, tmp_path):
    (outcome,) = check.check_all(check.Runner(tmp_path), ["sft"], 0.0)
    assert outcome.status == "no time"


def test_a_command_that_fails_keeps_what_it_said_and_its_log(check, monkeypatch, tmp_path):
    def arguments(runner, command):
        log = runner.folder / command.name / "r1light.log"
        log.parent.mkdir(exist_ok=True)
        log.write_text("logged")
        return [sys.executable, "-c", "import sys; print('said'); sys.exit('the reason')"]

    monkeypatch.setattr(check.Runner, "arguments", arguments)
    runner = check.Runner(tmp_path, logs=tmp_path / "logs")
    outcome = runner.run(check.Command("one", "stage=sft"), 60.0)
    assert (outcome.status, outcome.detail) == ("failed", "exit code 1: said | the reason")
    monkeypatch.undo()
    kept = (tmp_path / "logs" / "one.log").read_text()
    assert [word for word in ("said", "the reason", "logged") if word not in kept] == []


def test_several_commands_run_at_a_time(check, monkeypatch, tmp_path):
    together = threading.Barrier(3, timeout=20.0)  # breaks unless three wait for one another

    def run(runner, command, seconds):
        together.wait()
        return check.Outcome(command.name, "ok")

    monkeypatch.setattr(check.Runner, "run", run)
    found = list(check.check_all(check.Runner(tmp_path), ["sft", "sample", "grpo_hf"], 60.0, jobs=3))
    assert {each.name for each in found} == {"sft", "sample", "grpo_hf"}


def test_the_table_has_a_line_a_check(check):
    lines = check.table([check.Outcome("a", "ok", 1.25, "x|y"), check.Outcome("b", "failed")]).splitlines()
    assert lines[2:] == ["| a | ok | 1.2 | x\\|y |", "| b | failed | 0.0 |  |"]


@pytest.mark.slow
def test_the_native_engine_agrees_with_a_plain_forward_pass(check):
    outcome = check.compare_logprobs("cpu", "float32")
    assert outcome.status == "ok", outcome.detail
    assert outcome.figures["tokens"] > 100
    assert outcome.figures["max"] < 1e-4


@pytest.mark.slow
def test_it_runs_from_the_command_line(tmp_path):
    out = tmp_path / "out.json"
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--device", "cpu", "--only", "sft", "--json", str(out)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(out.read_text())
    assert {each["name"]: each["status"] for each in told["checks"]} == {"sft": "ok"}
    assert "| sft | ok |" in done.stdout
    assert told["machine"]["device"] == "cpu"
