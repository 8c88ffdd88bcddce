from __future__ import annotations

import hashlib
import shutil
import subprocess

import pytest

from r1light.training.digest import check_digest, digest_of, note_digest


@pytest.fixture(params=["file", "folder"])
def checkpoint(request, tmp_path):
    path = tmp_path / "iteration-000001.ckpt"
    if request.param == "file":
        path.write_bytes(b"weights")
    else:
        (path / "zero").mkdir(parents=True)
        (path / "zero" / "rank0.pt").write_bytes(b"weights")
        (path / "latest").write_bytes(b"zero")
    note_digest(path, path)
    return path


def part(checkpoint):
    return checkpoint if checkpoint.is_file() else checkpoint / "zero" / "rank0.pt"


def test_what_is_whole_passes_here_and_under_sha256sum(checkpoint):
    check_digest(checkpoint)
    lines = digest_of(checkpoint).read_text().splitlines()
    name = part(checkpoint).relative_to(checkpoint.parent).as_posix()
    assert f"{hashlib.sha256(b'weights').hexdigest()}  {name}" in lines
    if program := shutil.which("sha256sum"):
        told = subprocess.run(
            [program, "--check", digest_of(checkpoint).name],
            cwd=checkpoint.parent,
            capture_output=True,
            check=False,
        )
        assert told.returncode == 0


@pytest.mark.parametrize("place", range(7))
def test_one_flipped_bit_anywhere_is_found(checkpoint, place):
    data = bytearray(b"weights")
    data[place] ^= 1
    part(checkpoint).write_bytes(data)
    with pytest.raises(ValueError, match=r"is not what iteration-000001\.ckpt\.sha256 says"):
        check_digest(checkpoint)


@pytest.mark.parametrize("checkpoint", ["folder"], indirect=True)
def test_a_file_too_few_or_too_many_is_found(checkpoint):
    (checkpoint / "more").touch()
    with pytest.raises(ValueError, match="more is not what"):
        check_digest(checkpoint)
    (checkpoint / "more").unlink()
    (checkpoint / "latest").unlink()
    with pytest.raises(ValueError, match="latest is not what"):
        check_digest(checkpoint)


def test_a_checkpoint_without_digests_passes(checkpoint):
    digest_of(checkpoint).unlink()
    part(checkpoint).write_bytes(b"anything")
    check_digest(checkpoint)
