from __future__ import annotations

import pytest

from r1light.training.host import available_memory, rss_gb


@pytest.fixture
def machine(tmp_path):
    """Fake /proc and control groups: 8 MiB available, and this process in the groups that are given."""
    proc, groups = tmp_path / "proc", tmp_path / "groups"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 99999 kB\nMemAvailable: 8192 kB\n")

    def make(membership, folders):
        (proc / "self" / "cgroup").write_text(membership)
        for folder, files in folders.items():
            (groups / folder).mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                (groups / folder / name).write_text(text)
        return available_memory(proc, groups)

    return make


def test_without_a_limit_it_is_what_the_machine_has(machine):
    assert machine("0::/\n", {}) == 8 * 2**20
    unlimited = {"memory.max": "max\n", "memory.current": "5\n", "memory.stat": "inactive_file 0\n"}
    assert machine("0::/run\n", {"run": unlimited}) == 8 * 2**20


def test_a_limit_leaves_what_is_not_used_and_files_that_can_go(machine):
    inner = {"memory.max": "9000", "memory.current": "8000", "memory.stat": "anon 1\ninactive_file 500\n"}
    assert machine("0::/a/b\n", {"a/b": inner}) == 9000 - 8000 + 500
    # that of a group around it counts too
    outer = {"memory.max": "8700", "memory.current": "8600", "memory.stat": "inactive_file 500\n"}
    assert machine("0::/a/b\n", {"a": outer}) == 600
    full = {"memory.max": "10", "memory.current": "20", "memory.stat": "inactive_file 0\n"}
    assert machine("0::/a/b\n", {"a/b": full}) == 0


def test_version_1_has_a_tree_of_its_own_for_memory(machine):
    files = {
        "memory.limit_in_bytes": "9000", "memory.usage_in_bytes": "8000",
        "memory.stat": "inactive_file 1\ntotal_inactive_file 300\n",
    }  # fmt: skip
    assert machine("3:cpu,cpuacct:/x\n4:memory:/x\n0::/\n", {"memory/x": files}) == 1300


def test_a_system_that_does_not_tell_is_not_known(tmp_path):
    assert available_memory(tmp_path, tmp_path) is None


def test_this_process_takes_some():
    assert 0 < rss_gb() < 1000
