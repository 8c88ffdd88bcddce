from __future__ import annotations

from r1light.core.run_folder import StageResult
from r1light.reports.console import summary_lines


def test_before_and_after_in_columns() -> None:
    metrics = {
        "before/pass@1": 0.301,
        "after/pass@1": 0.921,
        "before/pass@1_greedy": 0.525,
        "after/pass@1_greedy": 1.0,
        "before/mean_length": 93.8,
        "after/mean_length": 41.2,
        "train_seconds": 245.1,
    }
    assert summary_lines(StageResult("grpo", metrics, {"model": "/runs/model"})) == [
        "grpo: held-out before -> after",
        "  pass@1, greedy           52.5% -> 100.0%   +47.5 points",
        "  pass@1, sampled          30.1% ->  92.1%   +62.0 points",
        "  mean completion length    93.8 ->   41.2   -52.6",
        "  training time: 4 min 5 s, without start-up and evaluation around it",
        "  model: /runs/model",
    ]


def test_nothing_measured_is_one_line() -> None:
    assert summary_lines(StageResult("base")) == ["base: done"]
