"""What the benchmarks share: order, medians, tables, and a run in a process of its own."""

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "bench" / "side_by_side.py"


@pytest.fixture(scope="module")
def shared():
    spec = importlib.util.spec_from_file_location("side_by_side", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_rounds_alternate_their_order(shared):
    asked = []
    found = shared.alternate(["a", "b"], 3, lambda side: asked.append(side) or {"n": len(asked)})
    assert asked == ["a", "b", "b", "a", "a", "b"]
    assert found == {"a": [{"n": 1}, {"n": 4}, {"n": 5}], "b": [{"n": 2}, {"n": 3}, {"n": 6}]}
    assert shared.middle(found["a"], "n") == 4.0
    assert shared.spread(found["b"], "n", ".1f", 2.0) == "1.0 to 3.0"


def test_a_table_is_markdown_and_keeps_bars_apart(shared):
    assert shared.markdown(["x", "y"], [["1|2", "3"]]).splitlines() == [
        "| x | y |",
        "| --- | --- |",
        "| 1\\|2 | 3 |",
    ]


def test_what_a_process_tells_is_read_with_its_memory(shared):
    code = "import side_by_side; side_by_side.tell({'x': 2})"
    told = shared.ask([sys.executable, "-c", code], {"PYTHONPATH": str(SCRIPT.parent)})
    assert told["x"] == 2
    assert 2**20 < told["peak_memory"] < 2**32  # an interpreter takes some MiB


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise SystemExit('no such side')", "no such side"),
        ("print('hello')", "hello"),
    ],
)
def test_a_run_that_fails_or_tells_nothing_ends_it_all(shared, code, words):
    with pytest.raises(SystemExit, match=words):
        shared.ask([sys.executable, "-c", code])


def test_a_run_has_a_deadline(shared):
    with pytest.raises(SystemExit, match="not done after 0 s"):
        shared.ask([sys.executable, "-c", "import time; time.sleep(60)"], deadline=0.2)


def test_the_machine_is_described_without_its_name(shared):
    found = shared.machine(["torch", "no-such-package"])
    assert list(found["versions"]) == ["python", "torch"]
    assert found["cores"] >= 1
    assert f"torch {found['versions']['torch']}" in shared.machine_line(found)
