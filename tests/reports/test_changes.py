from __future__ import annotations

import math

import pytest

from r1light.reports.changes import Change, changes, is_fraction, label


def test_pairs_come_in_the_order_of_importance_with_their_errors() -> None:
    metrics = {
        "before/zeta": 1.0,
        "after/zeta": 2.0,
        "before/mean_length": 40,
        "after/mean_length": 90,
        "before/pass@1": 0.3,
        "before/pass@1_stderr": 0.01,
        "after/pass@1": 0.9,
        "after/pass@1_stderr": 0.02,
        "before/pass@1_greedy": 0.5,
        "after/pass@1_greedy": 0.99,
        "before/alone": 1.0,
        "before/broken": 1.0,
        "after/broken": None,
        "train_seconds": 4.0,
    }
    found = changes(metrics)
    assert [change.name for change in found] == ["pass@1_greedy", "pass@1", "mean_length", "zeta"]
    assert found[1] == Change("pass@1", 0.3, 0.9, 0.01, 0.02)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Change("pass@1", 0.301, 0.921), "+62.0 points"),
        (Change("pass@1", 0.5, 0.25), "−25.0 points"),
        (Change("mean_length", 41.2, 93.8), "+52.6"),
        (Change("mean_length", 50.0, 40.0), "−10"),
        (Change("pass@1", math.nan, 0.9), "no difference can be given"),
    ],
)
def test_differences(change: Change, text: str) -> None:
    assert change.difference == text


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("before/pass@1", True),
        ("countdown/cons@16", True),
        ("frac_reward_zero_std", True),
        ("clip_ratio/low_mean", True),
        ("rewards/accuracy/error_rate", True),
        ("completions/clipped_ratio", True),
        ("eval/truncated", True),
        ("truncated", True),
        ("dropped/truncated", False),
        ("num_truncated", False),
        ("learning_rate", False),
        ("iterations", False),
        ("sampling/importance_ratio", False),
        ("train_seconds", False),
        ("mean_length", False),
        ("reflection/rate", False),
        ("information", False),
    ],
)
def test_which_metrics_are_shares(name: str, share: bool) -> None:
    assert is_fraction(name) is share


def test_labels() -> None:
    assert label("pass@1_greedy") == "pass@1, greedy"
    assert label("custom/x") == "custom/x"
