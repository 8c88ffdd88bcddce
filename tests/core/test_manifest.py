import copy
import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core import manifest as module
from r1light.core.manifest import (
    comparable,
    fingerprint,
    finish_manifest,
    git_revision,
    hardware,
    hash_path,
    input_hashes,
    read_manifest,
    start_manifest,
    versions,
)
from r1light.core.run_folder import RunFolder

RESOLVED = {
    "stage": {"name": "grpo", "lr": 1e-4, "iterations": 300, "loss": {"clip_low": 0.2}},
    "data": {"name": "arithmetic", "recommended": {"iterations": 300}, "train_size": 100},
    "trainer": {"accelerator": "auto", "threads": None},
    "logger": {"name": "none"},
    "seed": 0,
    "resume": "auto",
    "debug": False,
    "objective": None,
}


def changed(path, value):
    other = copy.deepcopy(RESOLVED)
    inner = other
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return other


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["stage", "iterations"], 600),
        (["data", "recommended", "iterations"], 5),
        (["trainer", "threads"], 2),
        (["logger", "name"], "other"),
        (["resume"], "none"),
        (["debug"], True),
        (["objective"], "reward"),
    ],
)
def test_what_a_continued_run_may_change_is_not_in_the_fingerprint(path, value):
    assert fingerprint(changed(path, value)) == fingerprint(RESOLVED)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["stage", "lr"], 2e-4),
        (["stage", "name"], "sft"),
        (["stage", "loss", "clip_low"], 0.1),
        (["data", "train_size"], 101),
        (["trainer", "accelerator"], "cpu"),
        (["seed"], 1),
    ],
)
def test_what_changes_the_training_changes_the_fingerprint(path, value):
    assert fingerprint(changed(path, value)) != fingerprint(RESOLVED)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.integers())))
def test_the_fingerprint_does_not_depend_on_the_order_of_keys(plain):
    assert fingerprint(plain) == fingerprint(dict(reversed(plain.items())))


def test_a_renewed_secret_does_not_change_the_fingerprint():
    assert fingerprint({"a": {"api_key": "old"}}) == fingerprint({"a": {"api_key": "new"}})


def test_comparable_is_flat():
    assert comparable({"stage": {"loss": {"clip": 1}, "stop": [1, 2]}, "empty": {}}) == {
        "stage.loss.clip": 1,
        "stage.stop": [1, 2],
        "empty": {},
    }


def start(folder, **resolved):
    start_manifest(
        folder, stage="grpo", seed=3, resolved=resolved, overrides=["++stage.lr=1", "logger.api_key=abc"]
    )


def test_a_manifest_tells_what_ran_and_its_sessions_add_up(tmp_path, monkeypatch):
    folder, clock = RunFolder(tmp_path), [1_000.0]
    monkeypatch.setattr("r1light.core.manifest.time.time", lambda: clock[0])
    start(folder, seed=3)
    first = read_manifest(folder)
    assert (first["stage"], first["seed"], first["finished"]) == ("grpo", 3, None)
    assert first["fingerprint"] == fingerprint({"seed": 3})
    assert first["sessions"][0]["overrides"] == ["stage.lr=1", "logger.api_key=***"]
    clock[0] += 1.5
    finish_manifest(folder)
    start(folder, seed=3)  # killed: no finish
    start(folder, seed=3)
    clock[0] += 2.25
    finish_manifest(folder)
    last = read_manifest(folder)
    assert last["started"] == first["started"]
    assert [session["wall_seconds"] for session in last["sessions"]] == [1.5, None, 2.25]
    assert last["wall_seconds"] == 3.75  # 1.5 + 2.25
    assert last["finished"] >= last["started"]


def test_a_folder_without_a_manifest_is_left_without_one(tmp_path):
    finish_manifest(RunFolder(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[1]"])
def test_a_damaged_manifest_reads_as_none(tmp_path, text):
    folder = RunFolder(tmp_path)
    assert read_manifest(folder) == {}
    folder.manifest.write_text(text)
    assert read_manifest(folder) == {}


def test_versions_and_hardware_name_what_a_run_depends_on():
    found = versions()
    assert found["python"].startswith("3.")
    assert found["torch"].startswith("2.")
    machine = hardware()
    assert machine["cores"] >= 1
    assert machine["memory_gib"] > 0
    assert json.dumps(machine)


def test_accelerators_are_listed_once_torch_is_imported(monkeypatch):
    class Cuda:
        is_available = staticmethod(lambda: True)
        device_count = staticmethod(lambda: 2)
        get_device_name = staticmethod(lambda index: f"accelerator {index}")

    class Torch:
        cuda = Cuda

    monkeypatch.setitem(module.sys.modules, "torch", Torch)
    assert hardware()["accelerators"] == ["accelerator 0", "accelerator 1"]
    monkeypatch.delitem(module.sys.modules, "torch")
    assert hardware()["accelerators"] == []


def test_the_git_revision_is_that_of_the_checkout_itself(tmp_path):
    def git(*arguments):
        identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        subprocess.run(
            ["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True, timeout=60
        )

    assert git_revision(tmp_path.resolve()) is None
    git("init", "-q")
    assert git_revision(tmp_path.resolve()) is None  # no commit yet
    (tmp_path / "file").write_text("a")
    git("add", "file")
    git("commit", "-q", "-m", "first")
    revision = git_revision(tmp_path.resolve())
    assert len(revision["revision"]) == 40
    assert revision["modified"] is False
    (tmp_path / "file").write_text("b")
    assert git_revision(tmp_path.resolve())["modified"] is True
    (tmp_path / "inner").mkdir()
    assert git_revision((tmp_path / "inner").resolve()) is None  # installed below some repository


def test_inputs_are_hashed_by_content(tmp_path):
    rows, model = tmp_path / "rows.jsonl", tmp_path / "model"
    rows.write_bytes(b"abc")
    model.mkdir()
    (model / "config.json").write_text("{}")
    resolved = {
        "data": {"path": str(rows), "name": str(rows)},
        "model": {"path": str(model), "student_path": "org/absent", "max_path": 3},
        "judge": {"model_path": ""},  # names nothing, and not the folder that the command is run in
    }
    hashes = input_hashes(resolved)
    # the published SHA-256 test vector of "abc"
    assert hashes["data.path"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hashes.keys() == {"data.path", "model.path"}
    before = hashes["model.path"]
    (model / "config.json").rename(model / "renamed.json")
    assert hash_path(model) != before


def test_a_large_file_in_a_directory_is_hashed_by_size_and_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_WHOLE_FILE", 2**20)
    big = tmp_path / "weights"
    content = bytearray(3 * 2**20)
    big.write_bytes(content)
    before = hash_path(tmp_path)
    content[-1] = 1
    big.write_bytes(content)
    end_changed = hash_path(tmp_path)
    big.write_bytes(content + b"\0")
    assert len({before, end_changed, hash_path(tmp_path)}) == 3
