"""Means over what is seen once."""

from __future__ import annotations

import json
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.types import Completion, Parsed, Problem, Sample, Score
from r1light.curation.tally import Moments, Tally


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50))
def test_moments_are_those_of_the_whole_list(values):
    moments = Moments()
    for value in values:
        moments.add(value)
    assert moments.mean == pytest.approx(statistics.fmean(values), abs=1e-6)
    assert moments.std == pytest.approx(statistics.stdev(values), rel=1e-6, abs=1e-6)


def sample(source):
    problem = Problem("p", "x", "exact", meta={"source": source} if source else {})
    return Sample(problem, "x", Completion((), "", (), "stop"), Parsed(None, None, False))


def test_what_is_counted():
    tally = Tally()
    ok, none, error = Score.ok(1.0), Score.abstain(), Score.error("x")
    rows = [
        ("s", 1.0, (ok, ok)),
        ("s", 0.0, (Score.ok(0.0), none)),
        (None, None, (error, ok)),
        ("t", 1.0, (ok, none)),
    ]
    for source, total, (a, b) in rows:
        tally.add(sample(source), total, {"a": a, "b": b})
    metrics = tally.metrics()
    # totals 1, 0, 1: mean 2/3, variance ((1/3)^2 + (2/3)^2 + (1/3)^2) / 2 = 1/3
    assert metrics["reward"] == pytest.approx(2 / 3)
    assert metrics["reward_std"] == pytest.approx((1 / 3) ** 0.5)
    assert (metrics["rows"], metrics["dropped"]) == (4, 0.25)
    # a scored 1, 0 and 1, and failed once; b scored 1 and 1, and abstained twice
    assert metrics["rewards/a/mean"] == pytest.approx(2 / 3)
    assert (metrics["rewards/a/error_rate"], metrics["rewards/a/abstain_rate"]) == (0.25, 0.0)
    assert (metrics["rewards/b/mean"], metrics["rewards/b/std"], metrics["rewards/b/abstain_rate"]) == (
        1,
        0,
        0.5,
    )
    assert (metrics["sources/s/reward"], metrics["sources/t/reward"]) == (0.5, 1.0)


def test_a_tally_comes_back_from_json_and_goes_on():
    one, other = Tally(), Tally()
    for index in range(10):
        if index == 5:
            other = Tally.load(json.loads(json.dumps(other.plain())))
        for tally in (one, other):
            tally.add(sample("s"), index / 3, {"a": Score.ok(index / 3)})
    assert one == other


def test_a_reward_that_scored_nothing_has_no_mean():
    tally = Tally()
    tally.add(sample(None), None, {"a": Score.abstain()})
    assert tally.metrics() == {
        "rows": 1,
        "dropped": 1.0,
        "rewards/a/error_rate": 0.0,
        "rewards/a/abstain_rate": 1.0,
    }
