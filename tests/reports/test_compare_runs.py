from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from r1light.core.errors import DataError
from r1light.core.run_folder import RunFolder
from r1light.reports.compare_runs import find_runs, natural, read_runs

Lay = Callable[..., RunFolder]


def labels(tmp_path: Path, *names: str, own: Path | None = None) -> list[str]:
    found = find_runs([str(tmp_path / name) for name in names], own).folders
    return [os.path.relpath(path, tmp_path) for path in found]


def test_a_sweeps_numbered_folders_are_found_in_the_order_of_their_numbers(
    lay_run: Lay, tmp_path: Path
) -> None:
    for name in ("sweep/10", "sweep/9", "sweep/2"):
        lay_run(name)
    assert labels(tmp_path, "sweep") == ["sweep/2", "sweep/9", "sweep/10"]


def test_runs_patterns_and_deeper_subfolders(lay_run: Lay, tmp_path: Path) -> None:
    for name in ("grpo/a", "grpo/b", "sweep/lr=1/seed=0", "alone"):
        lay_run(name)
    (tmp_path / "grpo" / "notes").mkdir()
    (tmp_path / "grpo" / "file").write_text("")
    assert labels(tmp_path, "alone", "sweep", "grpo/?") == ["alone", "sweep/lr=1/seed=0", "grpo/a", "grpo/b"]
    assert labels(tmp_path, "grpo/b", "grpo") == ["grpo/b", "grpo/a"], "each once, in the order of naming"
    assert labels(tmp_path, "grpo", own=tmp_path / "grpo" / "a") == ["grpo/b"]


def test_what_lies_in_a_run_is_a_part_of_it(lay_run: Lay, tmp_path: Path) -> None:
    lay_run("pipeline", stage="pipeline")
    lay_run("pipeline/steps/zero/seed-0")
    assert labels(tmp_path, "pipeline") == ["pipeline"]
    assert labels(tmp_path, "pipeline/steps") == ["pipeline/steps/zero/seed-0"]


def test_a_job_that_left_nothing_is_told(lay_run: Lay, tmp_path: Path) -> None:
    lay_run("sweep/0")
    (tmp_path / "sweep" / "1").mkdir()
    found = find_runs([str(tmp_path / "sweep")])
    assert [path.name for path in found.folders] == ["0"]
    assert [path.name for path in found.empty] == ["1"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("absent", "there is no folder"), ("empty", "is no run folder and has none below"), ("x*", "no folder")],
)
def test_what_is_no_run_is_one_line(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=said) as caught:
        find_runs([str(tmp_path / name)])
    assert name in str(caught.value)


def test_labels_are_the_shortest_paths_that_tell_runs_apart(lay_run: Lay) -> None:
    folders = [lay_run(name).path for name in ("runs/grpo/a", "runs/sft/a", "runs/grpo/b")]
    assert [run.label for run in read_runs(folders)] == ["grpo/a", "sft/a", "grpo/b"]
    assert [run.label for run in read_runs([folders[0], folders[2]])] == ["a", "b"]


def test_the_configuration_becomes_dotted_keys(lay_run: Lay) -> None:
    folder = lay_run("a", seed=3, options={"lr": 1e-6, "names": ["x"], "loss": {"clip": None, "on": True}})
    (run,) = read_runs([folder.path])
    assert run.options == {
        "stage.name": "grpo",
        "stage.lr": "1e-06",
        "stage.names": '["x"]',
        "stage.loss.clip": "null",
        "stage.loss.on": "true",
        "seed": "3",
        "objective": "null",
    }


STATES = {
    "2026-01-01 00:00:00,000 INFO r1light: on\n": ("unfinished", ""),
    "2026-01-01 00:00:00,000 ERROR r1light: rows are empty\n": ("failed", "rows are empty"),
    "2026-01-01 00:00:00,000 ERROR r1light: a bug\nTraceback\n  more\nZeroDivisionError: a bug\n": (
        "failed",
        "a bug",
    ),
    "2026-01-01 00:00:00,000 ERROR r1light: old\n2026-01-01 00:00:00,000 INFO r1light: again\n": (
        "unfinished",
        "",
    ),
    "2026-01-01 00:00:00,000 ERROR r1light: 15\nTraceback\n": ("unfinished", ""),  # a signal's number
}


@pytest.mark.parametrize(("log", "state"), list(STATES.items()))
def test_the_log_tells_how_an_unfinished_run_ended(lay_run: Lay, log: str, state: tuple[str, str]) -> None:
    folder = lay_run("a")
    folder.log.write_text(log)
    (run,) = read_runs([folder.path])
    assert (run.state, run.why) == state


def test_a_run_that_another_process_holds_is_running(lay_run: Lay) -> None:
    folder = lay_run("a")
    hold = (
        "import sys; from pathlib import Path; from r1light.core.lock import FolderLock; "
        "print(FolderLock(Path(sys.argv[1])).acquire(), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(folder.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert read_runs([folder.path])[0].state == "running"
        process.communicate("", timeout=30)
    assert read_runs([folder.path])[0].state == "unfinished"


def test_a_configuration_that_is_no_yaml_is_one_line(lay_run: Lay) -> None:
    folder = lay_run("a")
    folder.config.write_text("a: [1\nb: }")
    with pytest.raises(DataError, match=r"config\.yaml is not valid YAML") as caught:
        read_runs([folder.path])
    assert "\n" not in str(caught.value)


def test_numbers_sort_by_size() -> None:
    assert sorted(["b", "a10", "a9", "10", "9", "²"], key=natural) == ["9", "10", "a9", "a10", "b", "²"]
