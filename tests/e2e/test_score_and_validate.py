"""`stage=score` and `stage=validate` as a user meets them, and kills in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = 1500


def rows(path, count):
    with path.open("w") as file:
        for i in range(count):
            answer = str(i + (i % 3 == 0))
            row = {
                "problem": {"id": f"p{i}", "prompt": f"{i}+0?", "grader": "exact", "answer": str(i)},
                "completion": f"<think> hm </think> <answer> {answer} </answer>",
                "prefill": "",
            }
            file.write(json.dumps(row) + "\n")


def start(folder, output):
    arguments = ["stage=score", "stage.input=in.jsonl", f"stage.output={output}", "stage.batch_rows=1"]
    return subprocess.Popen(
        [sys.executable, "-m", "r1light", *arguments, "stage.tokenize=false"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_growth(path, before, process):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if path.exists() and path.stat().st_size > before:
            return
        time.sleep(0.01)


@pytest.mark.slow
def test_scoring_goes_on_after_kills_without_losing_or_doubling_a_row(tmp_path):
    rows(tmp_path / "in.jsonl", ROWS)
    straight = start(tmp_path, "straight.jsonl")
    assert straight.wait(120) == 0, straight.stderr.read()
    output, kills = tmp_path / "out.jsonl", 0
    for delay in (0.0, 0.07, 0.31):  # seconds behind its first new row
        process = start(tmp_path, "out.jsonl")
        before = output.stat().st_size if output.exists() else 0
        wait_for_growth(output, before, process)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        kills += process.wait(30) == -signal.SIGKILL
        process.stderr.close()
    assert kills >= 1
    assert 0 < output.stat().st_size < (tmp_path / "straight.jsonl").stat().st_size
    with output.open("ab") as file:
        file.write(b'{"id": "p')  # half a line, as a full disk or a crash leaves it
    last = start(tmp_path, "out.jsonl")
    assert last.wait(120) == 0, last.stderr.read()
    assert "going on after line" in last.stderr.read()
    assert output.read_bytes() == (tmp_path / "straight.jsonl").read_bytes()
    assert [json.loads(line)["id"] for line in output.open()] == [f"p{i}" for i in range(ROWS)]
    results = sorted(tmp_path.glob("runs/score/*/result.json"))
    one, other = (json.loads(path.read_text())["metrics"] for path in (results[0], results[-1]))
    assert one == other
    # of 1,500 rows every third is wrong
    assert one["rewards/accuracy/mean"] == pytest.approx(2 / 3)


@pytest.mark.slow
def test_a_check_that_fails_is_one_line_exit_code_2_and_a_report(command):
    lines = [json.dumps({"q": f"What is thing {i}?", "a": "same"}) + "\n" for i in range(40)]
    (command.folder / "rows.jsonl").write_text("".join(lines))
    asked = ["stage=validate", "data=jsonl", "data.path=rows.jsonl", "data.columns.answer=a", "reward=format"]
    done = command(*asked)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("error: ")
    assert "rows.jsonl:1 has no column 'prompt'; it has: a, q" in done.stderr
    lines[:] = [json.dumps({"q": f"What is thing {i}?", "a": f"{i}"}) + "\n" for i in range(40)]
    (command.folder / "rows.jsonl").write_text("".join(lines))
    done = command(*asked, "data.columns.prompt=q", "data.grader=exact")
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 2, done.stderr
    assert last.startswith("error: data=jsonl is not fit to train on: train: ")
    assert "stage.max_wrong_passes=0.003" in last
    (report,) = command.folder.glob("runs/validate/*/report.html")
    assert "wrong answers that earn as much" in report.read_text()
    assert "FAIL" in done.stdout


def test_a_missing_option_is_asked_for(command):
    done = command("stage=score", "stage.input=x.jsonl")
    assert done.returncode == 2
    assert done.stderr.strip() == "error: stage.output is required; set stage.output=..."
