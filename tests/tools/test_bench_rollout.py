"""The bench of rollout engines: its workloads, its limit, its table, and its own side at work."""

import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "tools" / "bench"


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, str(FOLDER))  # as when the script is run
    spec = importlib.util.spec_from_file_location("rollout", FOLDER / "rollout.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["rollout"] = module  # where dataclasses look their own module up
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(FOLDER))
    for name in ("rollout", "rollout_sides", "side_by_side"):
        sys.modules.pop(name, None)


def test_realistic_lengths_are_drawn_once_and_have_their_mean(bench):
    lengths = bench.realistic(16, 8)
    flat = [each for group in lengths for each in group]
    assert (len(lengths), len(flat)) == (16, 128)
    assert sum(flat) / 128 == pytest.approx(45, abs=0.5)
    assert (min(flat) >= 1, max(flat)) == (True, 256)
    assert bench.realistic(16, 8) == lengths
    assert bench.realistic(16, 8, seed=1) != lengths


def test_the_limit_is_the_larger_of_two_times(bench):
    # 1 layer, width 4, 2 heads and 1 kept head of 2: products with 2 x 16 + 2 x 8 + 3 x 4 x 8 = 144 weights,
    # and 10 x 4 = 40 of the head: 184 weights.
    shape = bench.Shape(10, 4, 1, 2, 1, 8)
    assert shape.multiplied == 184
    workload = bench.Workload([[1, 2, 3]], [[3, 2]])
    # Read: 3 tokens of the prompt and 2 + 1 of the completions. Looked at: 1 + 2 + 3 places in the prompt;
    # then 4 and 5, and 4. Products: 2 x 184 x 6; attention: 4 x 1 x 4 x (6 + 13).
    flops = 2 * 184 * 6 + 4 * 4 * (6 + 13)
    assert bench.limit(shape, workload, {"flops": 100.0, "bytes": 1e12}, 4) == pytest.approx(flops / 100)
    # Bytes: 3 steps of all weights; keys and values, 2 x 1 x 1 x 2 numbers a place, of 13 places.
    moved = 4 * (184 * 3 + 4 * 13)
    assert bench.limit(shape, workload, {"flops": 1e12, "bytes": 100.0}, 4) == pytest.approx(moved / 100)


def test_the_table_has_medians_ratios_and_shares(bench):
    shape = bench.SHAPES["3.3M"]
    workload = bench.Workload([[1] * 4], [[100]])

    def run(speed):
        return {"start": 1.0, "peak_memory": 2**20, "x": {"tokens_per_s": speed, "first": 0.5}}

    runs = {
        "rates": [{"flops": 1e9, "bytes": 1e12}],
        "native": [run(30.0), run(10.0), run(20.0)],
        "generate": [run(5.0), run(4.0), run(6.0)],
    }
    result = bench.summary(shape, {"x": workload}, runs, 4)
    assert result["ratio_of_native"]["x"] == {"native": 1.0, "generate": 4.0}  # 20 / 5
    best = result["limit_tokens_per_s"]["x"]
    assert result["share_of_limit"]["x"]["native"] == pytest.approx(20.0 / best)
    text = bench.table({"size": "3.3M", **result})
    assert "| x | native | 20 | 10 to 30 | 1.00 |" in text
    assert "| x | generate | 5 | 4 to 6 | 4.00 |" in text
    assert "matrix products 1 GFLOP/s, copying 1000.0 GB/s" in text


@pytest.mark.slow
@pytest.mark.parametrize("side", ["native", "hf", "generate", "continuous batching"])
def test_every_side_writes_what_is_asked_for(bench, tmp_path, capsys, side):
    shape = bench.Shape(64, 32, 1, 2, 1, 48)
    bench.write_model(shape, tmp_path / "model", "cpu")
    workload = {"prompts": [[1, 2, 3], [4, 5]], "lengths": [[3, 7], [1, 12]]}
    (tmp_path / "workloads.json").write_text(json.dumps({"x": workload}))
    bench.serve_side(SimpleNamespace(side=side, place=tmp_path, threads=1, device="cpu"))
    told = json.loads(capsys.readouterr().out.splitlines()[-1].removeprefix("RESULT "))
    assert told["x"]["seconds"] >= told["x"]["first"] > 0
    assert told["x"]["tokens_per_s"] == pytest.approx(23 / told["x"]["seconds"])
