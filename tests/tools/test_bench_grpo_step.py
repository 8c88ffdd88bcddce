"""The benches of the GRPO step, of scaling and of log-probabilities: their arithmetic, and our side."""

import importlib
import sys
from argparse import Namespace
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "tools" / "bench"


@pytest.fixture
def load(monkeypatch):
    """Import scripts as they import each other; they are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(BENCH))
    for name in ("side_by_side", "grpo_sides", "grpo_step", "grpo_gpu", "scaling", "memory"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in ("side_by_side", "grpo_sides", "grpo_step", "grpo_gpu", "scaling", "memory"):
        sys.modules.pop(name, None)


def run_of(**figures):
    base = {"clock": 1.0, "cpu": 1.0, "generate": 0.5, "reward": 0.1, "train": 0.4, "tokens": 1000}
    return base | {"longest": 100, "prompt_tokens": 500, "parameters": 10**6} | figures


def test_the_table_of_steps_gives_the_floors_share_and_the_ratio(load):
    step = load("grpo_step")
    # 2N to draw and 8N to learn a token: 10 * 1e6 * 1500 = 1.5e10; at 6e10 a second 0.25 s.
    # The weights are read 103 times: 4 * 1e6 * 103 / 1e12 = 0.0004 s, which is less.
    rates = {"flops": 6e10, "bytes": 1e12}
    runs = {"r1light": [run_of()], "TRL": [run_of(clock=4.0)], "rates": [rates]}
    ours, trl = step.step_rows("0.8M", runs)
    assert ours[-2:] == ["25%", "1.00"]
    assert trl[-2:] == ["6%", "4.00"]
    assert step.ratio(runs, "clock") == 4.0
    # at 1e8 bytes a second reading takes 4 * 1e6 * 103 / 1e8 = 4.12 s, the larger
    assert step.floor_seconds(run_of(), rates | {"bytes": 1e8}) == pytest.approx(4.12)


def test_a_step_to_an_accuracy_counts_all_steps_and_no_evaluation(load, monkeypatch):
    sides, step = load("grpo_sides"), load("grpo_step")
    moments = iter([(0.0, 0.0), (2.0, 1.0), (2.0, 1.0), (5.0, 2.0), (9.0, 6.0)])
    monkeypatch.setattr(sides, "now", lambda: next(moments))
    task = sides.Task("model", steps=9, threads=1, until=0.9, every=2)
    clock = sides.Clock(task, lambda model, number: 0.95)
    clock.begin()
    assert not clock.end_step(None, {})  # not looked at
    assert clock.end_step(None, {})
    found = step.summary(clock, task, warmup=1, parameters=1)
    assert (found["clock"], found["cpu"], found["steps"], found["reached"]) == (5.0, 2.0, 2, True)


def test_scaling_grows_one_size_at_a_time(load):
    scaling = load("scaling")
    sizes = {(each.grows, each.problems * each.group * each.length) for each in scaling.settings(16384)}
    # 12 problems x 8 = 96 completions of 45 tokens, and four times as many or as long
    assert sizes == {("nothing", 96), ("batch", 384), ("group size", 384), ("length", 384), ("model", 96)}


def test_memory_ratios_are_ours_over_the_plain_way(load):
    memory = load("memory")
    runs = {
        "chunked": [{"clock": 3.0, "cpu": 3.0, "extra": 1}],
        "dense": [{"clock": 2.0, "cpu": 4.0, "extra": 8}],
    }
    assert memory.ratios(runs) == {"clock_ratio": 1.5, "cpu_ratio": 0.75, "extra_ratio": 0.125}


@pytest.mark.slow
def test_our_side_of_the_step_runs_and_tells(load, tmp_path):
    step, sides = load("grpo_step"), load("grpo_sides")
    model = tmp_path / "model"
    step.write_random_model(model, hidden=64)
    clock = sides.run_r1light(sides.Task(str(model), steps=2, threads=1), tmp_path / "run")
    assert len(clock.steps) == 2
    # 128 completions that end with probability 1/50, at most 110 tokens: 44.6 on average, std about 3
    assert all(128 * 30 < each["tokens"] < 128 * 60 for each in clock.steps)
    found = step.summary(
        clock, sides.Task(str(model), 2, 1), warmup=1, parameters=step.parameters_of(str(model))
    )
    assert found["clock"] >= found["generate"] + found["train"]


@pytest.mark.slow
def test_both_ways_of_log_probabilities_agree(load, tmp_path):
    memory = load("memory")
    for way in ("chunked", "dense"):
        memory.serve_side(
            Namespace(
                side=way,
                threads=1,
                device="cpu",
                tokens=600,
                hidden=32,
                vocabulary=5000,
                results=tmp_path / way,
            )
        )
    assert max(memory.differences(tmp_path).values()) < 1e-5


def test_the_table_of_a_gpu_gives_the_ratio(load):
    gpu = load("grpo_gpu")
    ours, trl = run_of(device_peak=2e9), run_of(clock=3.5, device_peak=5e9)
    first, second = gpu.rows({"r1light": [ours], "TRL": [trl]})
    assert first[-2:] == ["2.0", "1.00"]
    assert second[-2:] == ["5.0", "3.50"]  # 3.5 s over 1 s


def test_a_projection_takes_countdown_and_the_options_that_save_memory(load, monkeypatch):
    gpu, sides = load("grpo_gpu"), load("grpo_sides")
    monkeypatch.setattr(sys, "argv", ["grpo_gpu.py", "--projection", "--cap", "64"])
    options = gpu.arguments()
    assert (options.shape, options.steps, options.cap, options.set) == ("3B", 3, 64, gpu.SPARING)
    words = sides.Task("m", 3, 1, device="cuda", dtype="bfloat16", extra=gpu.SPARING).overrides(Path("run"))
    assert {"trainer=gpu", "model.dtype=bfloat16", "trainer.precision=bf16-true", *gpu.SPARING} <= set(words)


@pytest.mark.slow
def test_a_random_model_has_ids_beyond_its_tokenizer_that_decode_to_nothing(load, tmp_path):
    gpu, sides = load("grpo_gpu"), load("grpo_sides")
    gpu.write_model(tmp_path / "model", gpu.SHAPES["tiny"], "cpu", mean_length=50)
    task = sides.Task(str(tmp_path / "model"), steps=1, threads=1, cap=64)
    clock = sides.run_r1light(task, tmp_path / "run")
    # 50 (1 - (49/50)^64) = 36.3 tokens on average, of 128 completions, std about 2
    assert 128 * 28 < clock.steps[0]["tokens"] < 128 * 45
