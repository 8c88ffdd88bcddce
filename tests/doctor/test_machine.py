import os
from collections import namedtuple

import pytest

from r1light.doctor import machine
from r1light.doctor.finding import Finding, counts

Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(("free", "state"), [(9.9e9, "warning"), (10.1e9, "ok")])
def test_little_room_on_a_disk_is_a_warning(monkeypatch, tmp_path, free, state):
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: Usage(1e12, 0, free))
    assert machine.disk("models", tmp_path).state == state


def test_a_folder_that_is_not_there_yet_is_looked_at_where_it_will_be(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: asked.append(path) or Usage(1e12, 0, 1e12))
    assert machine.disk("models", tmp_path / "a" / "b").state == "ok"
    assert asked == [tmp_path]


def test_a_folder_that_cannot_be_written_is_a_problem(monkeypatch, tmp_path):
    monkeypatch.setattr(machine.os, "access", lambda path, mode: mode != os.W_OK)
    assert machine.disk("models", tmp_path).state == "problem"


@pytest.mark.parametrize(("total", "state"), [(64 * 2**20, "warning"), (16e9, "ok")])
def test_a_containers_shared_memory_is_too_small(monkeypatch, tmp_path, total, state):
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: Usage(total, 0, total))
    (finding,) = machine._shared_memory(tmp_path)
    assert finding.state == state
    assert list(machine._shared_memory(tmp_path / "absent")) == []


@pytest.mark.parametrize(("most", "state"), [(256, "warning"), (4096, "ok"), (-1, "ok")])
def test_few_open_files_are_a_warning(most, state):
    assert machine._open_files(most).state == state


def test_little_memory_is_a_warning_and_unknown_memory_a_note(monkeypatch):
    for free, state in ((3e9, "warning"), (5e9, "ok"), (None, "note")):
        monkeypatch.setattr(machine, "available_memory", lambda free=free: free)
        assert machine._memory().state == state


def test_the_whole_machine_is_looked_at(tmp_path):
    findings = list(machine.look_at_machine(tmp_path))
    assert [each.what for each in findings[:5]] == ["processors", "memory", "disk", "disk", "disk"]
    assert counts([*findings, Finding("x", "problem", "")])["problems"] >= 1
