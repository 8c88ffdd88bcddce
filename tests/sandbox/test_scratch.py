import os

from r1light.sandbox.jail.scratch import clear


def test_it_clears_files_links_and_folders_but_follows_no_link(tmp_path):
    kept, folder = tmp_path / "kept", tmp_path / "folder"
    kept.mkdir()
    (kept / "file").write_text("x")
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_text("x")
    (folder / "a" / "link").symlink_to(kept)
    (folder / "link").symlink_to(kept)
    (folder / "program").write_text("x")
    clear(str(folder))
    assert os.listdir(folder) == []
    assert (kept / "file").read_text() == "x"


def test_it_clears_what_is_deeper_than_any_path_is_long(tmp_path):
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(800):
        os.mkdir("deep-folder", dir_fd=here)
        inner = os.open("deep-folder", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    clear(str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_it_clears_folders_without_permissions(tmp_path):
    (tmp_path / "closed" / "inner").mkdir(parents=True)
    (tmp_path / "closed" / "inner").chmod(0)
    (tmp_path / "closed").chmod(0)
    clear(str(tmp_path))
    assert os.listdir(tmp_path) == []
