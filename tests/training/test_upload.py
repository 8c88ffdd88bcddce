from __future__ import annotations

import logging
import threading

import fsspec
import pytest

from r1light.core.errors import ConfigError
from r1light.training import upload as module
from r1light.training.checkpoint import checkpoint_name
from r1light.training.digest import check_digest, note_digest
from r1light.training.upload import Upload


@pytest.fixture
def saved(tmp_path):
    def make(iteration, *, folder=False):
        path = tmp_path / "run" / checkpoint_name(iteration)
        if folder:
            (path / "zero").mkdir(parents=True)
            (path / "zero" / "rank0.pt").write_bytes(b"part")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(f"weights {iteration}".encode())
        note_digest(path, path)
        return path

    return make


@pytest.mark.parametrize("folder", [False, True])
def test_the_newest_copies_are_there_with_their_digests(saved, tmp_path, folder):
    there = tmp_path / "there"
    upload = Upload(f"file://{there}", kept=2)
    for iteration in (1, 2, 10):
        upload.take(saved(iteration, folder=folder))
        upload.finish()
    names = sorted(path.name for path in there.iterdir())
    assert names == [
        "iteration-000002.ckpt", "iteration-000002.ckpt.sha256",
        "iteration-000010.ckpt", "iteration-000010.ckpt.sha256",
    ]  # fmt: skip
    for iteration in (2, 10):
        check_digest(there / checkpoint_name(iteration))


def test_any_place_that_fsspec_knows_will_do(saved):
    Upload("memory://bucket/run", kept=1).take(saved(3))
    upload = Upload("memory://bucket/run", kept=1)
    upload.take(saved(4))
    upload.finish()
    there = fsspec.filesystem("memory")
    assert there.cat("/bucket/run/iteration-000004.ckpt") == b"weights 4"
    there.rm("/bucket", recursive=True)


def test_an_unknown_place_is_one_line():
    with pytest.raises(ConfigError, match=r"stage\.checkpoint_url=nowhere://x: Protocol not known: nowhere"):
        Upload("nowhere://x", kept=1)


def test_a_copy_that_fails_is_a_warning_and_the_next_one_is_made(saved, tmp_path, caplog):
    caplog.set_level(logging.WARNING, logger="r1light")
    (tmp_path / "there").write_text("a file where the folder should be")
    upload = Upload(f"file://{tmp_path}/there", kept=1)
    upload.take(saved(1))
    upload.finish()
    assert "cannot copy" in caplog.text
    assert "FileExistsError" in caplog.text
    (tmp_path / "there").unlink()
    upload.take(saved(2))
    upload.finish()
    assert (tmp_path / "there" / checkpoint_name(2)).exists()


def test_a_slow_copy_holds_nothing_up(saved, tmp_path, caplog, monkeypatch):
    caplog.set_level(logging.WARNING, logger="r1light")
    monkeypatch.setattr(module, "FAREWELL_SECONDS", 0.01)
    upload, go = Upload(f"file://{tmp_path}/there", kept=1), threading.Event()
    monkeypatch.setattr(upload._there, "put", lambda *_, **__: go.wait(10))
    upload.take(saved(1))
    upload.take(saved(2))
    assert "iteration-000002.ckpt is not copied" in caplog.text
    upload.finish()
    assert "is not done after 0.01 s" in caplog.text
    go.set()
