"""Which numbers a comparison shows where nobody says which."""

from __future__ import annotations

from types import SimpleNamespace

from r1light.reports.compare_table import default_metrics


def test_right_answers_come_before_what_varies_more():
    noise = [f"m{i}" for i in range(8)]
    runs = [
        SimpleNamespace(record=SimpleNamespace(metrics={**dict.fromkeys(noise, value), **right}))
        for value, right in (
            (1.0, {"a/pass@1": 0.50, "b/pass@1": 0.5}),
            (9.0, {"a/pass@1": 0.51, "b/pass@1": 0.6}),
        )
    ]
    # of the others' variation 8/9, b's 1/6, a's 1/51
    assert default_metrics(runs) == ["b/pass@1", "a/pass@1", "m0", "m1", "m2", "m3"]
