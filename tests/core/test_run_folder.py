import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from r1light.core.errors import StorageError
from r1light.core.run_folder import (
    RunFolder,
    StageResult,
    append_jsonl,
    keep_rows,
    read_jsonl,
    remove_stale,
    write_atomic,
    write_json,
)


def test_the_names_in_a_run_folder_are_fixed(tmp_path):
    folder = RunFolder(tmp_path)
    names = {
        getattr(folder, name).name
        for name in (
            "config",
            "manifest",
            "metrics",
            "samples",
            "checkpoints",
            "model",
            "result",
            "report",
            "log",
        )
    }
    assert names == {
        "config.yaml", "manifest.json", "metrics.jsonl", "samples.jsonl", "checkpoints", "model",
        "result.json", "report.html", "r1light.log",
    }  # fmt: skip


def test_a_result_is_written_as_stage_metrics_and_outputs(tmp_path):
    folder = RunFolder(tmp_path / "new" / "run")
    folder.save_result(StageResult("grpo", {"after/pass@1": 0.9}, {"model": "m"}))
    assert json.loads(folder.result.read_text()) == {
        "stage": "grpo",
        "metrics": {"after/pass@1": 0.9},
        "outputs": {"model": "m"},
    }


def test_a_failed_write_leaves_the_old_file_whole_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(StorageError, match=r"cannot write .*file: No space left on device"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_rows_are_appended_and_a_line_cut_short_is_left_out(tmp_path):
    path = tmp_path / "rows.jsonl"
    append_jsonl(path, [{"a": 1}])
    append_jsonl(path, [{"a": "é"}])
    with path.open("a") as file:
        file.write('{"a": ')
    assert list(read_jsonl(path)) == [{"a": 1}, {"a": "é"}]


def test_appending_where_nothing_can_be_written_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="cannot write"):
        append_jsonl(tmp_path / "absent" / "rows.jsonl", [{}])


def test_keeping_rows_drops_those_of_later_iterations(tmp_path):
    path = tmp_path / "rows.jsonl"
    keep_rows(path, 1)
    assert not path.exists()
    append_jsonl(path, [{"iteration": 1}, {"iteration": 2}, {"note": "no iteration"}])
    keep_rows(path, 1)
    assert list(read_jsonl(path)) == [{"iteration": 1}, {"note": "no iteration"}]


def test_json_is_readable_by_people(tmp_path):
    write_json(tmp_path / "x.json", {"a": "思"})
    assert Path(tmp_path / "x.json").read_text() == '{\n  "a": "思"\n}\n'


def test_what_a_killed_process_had_set_aside_is_removed_and_nothing_else(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path; from r1light.core.run_folder import write_atomic; "
        "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL); "
        "write_atomic(Path(sys.argv[1], 'result.json'), b'half')"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, env={"PYTHONPATH": str(root)})
    (stale,) = tmp_path.iterdir()
    assert stale.name.startswith(".result.json.")
    kept = {f".report.html.{os.getpid()}.tmp", ".mine.tmp", "x.1.tmp", ".a.0.tmp"}
    for name in kept:
        (tmp_path / name).touch()
    remove_stale(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept
