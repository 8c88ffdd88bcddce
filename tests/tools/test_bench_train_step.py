"""The bench of the training step: micro-batches of the tokens that are asked for, and FLOPs by hand."""

import importlib
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "tools" / "bench"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))  # as when the script is run
    for name in ("train_step", "train_step_batches", "rollout", "rollout_sides", "side_by_side"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module("train_step")
    yield module
    for name in ("train_step", "train_step_batches", "rollout", "rollout_sides", "side_by_side"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(("tokens", "mean"), [(64, 12), (100, 40)])
def test_every_micro_batch_fills_its_line(bench, tokens, mean):
    one, rows, groups = bench.make_batches(50, tokens, mean).values()
    for batch in (one, rows, groups):
        assert 0.9 * tokens <= batch.input_ids_NL.numel() <= tokens
    assert len(one.rows) == 1 < len(rows.rows) <= len(groups.rows)
    assert one.input_ids_NL.numel() == tokens
    assert groups.trees.place_S is not None  # prompts are shared


def test_flops_by_hand(bench):
    model = bench.make_model(bench.SHAPES["tiny"], "cpu", 64)
    batch = bench.make_batches(50, 64, 12)["one row"]
    # a layer: 2 x 128 x 128 and 2 x 128 x 64 of attention, 3 x 128 x 256; two of them, and 2048 x 128
    weights = 2 * (2 * 128 * 128 + 2 * 128 * 64 + 3 * 128 * 256) + 2048 * 128
    # 64 x 65 / 2 pairs that see one another; two products of 2 x 128 FLOPs each, three times, in two layers
    pairs = 64 * 65 // 2
    assert bench.flops_of(model, batch) == 6 * weights * 64 + pairs * 2 * 2 * 128 * 3 * 2


def test_every_weight_learns(bench):
    model = bench.make_model(bench.SHAPES["tiny"], "cpu", 32)
    bench.learn(model, bench.make_batches(50, 32, 12)["groups of 8"], "cpu")
    assert all(bool(each.grad.isfinite().all()) and bool(each.grad.any()) for each in model.parameters())
