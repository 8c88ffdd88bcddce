from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.reports.series import Figure, Point, Series, moving_average, places, thin


def test_moving_average_by_hand() -> None:
    # span 3: w = 1 - 2/4 = 0.5. 4; (0.5*4 + 1) / 1.5 = 2; (0.25*4 + 0.5*1 + 8) / 1.75 = 9.5/1.75
    assert moving_average([4.0, 1.0, 8.0], span=3) == pytest.approx([4.0, 2.0, 9.5 / 1.75])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.integers(1, 30))
def test_moving_average_stays_within_what_it_has_seen(values: list[float], span: int) -> None:
    for i, average in enumerate(moving_average(values, span)):
        seen = values[: i + 1]
        assert min(seen) - 1e-6 <= average <= max(seen) + 1e-6


@given(st.integers(0, 500), st.integers(0, 100))
def test_thinned_indices_are_distinct_in_order_and_keep_both_ends(count: int, keep: int) -> None:
    kept = thin(count, keep)
    assert len(kept) == min(count, keep)
    assert kept == sorted(set(kept))
    if keep > 1 and count > 1:
        assert (kept[0], kept[-1]) == (0, count - 1)


def test_only_long_noisy_series_are_smoothed() -> None:
    points = tuple(Point(i, 1.0) for i in range(20))
    assert Series("a", points).smoothed
    assert not Series("a", points[:19]).smoothed
    assert not Series("a", points, smooth=False).smoothed


def test_long_series_are_averaged_over_more_points() -> None:
    assert Series("a", tuple(Point(i, 1.0) for i in range(400))).span == 10
    assert Series("a", tuple(Point(i, 1.0) for i in range(5000))).span == 100  # 5000 / 50


def test_places_line_up_series_of_different_rows() -> None:
    a = Series("a", (Point(0, 0.5), Point(1, None)))
    b = Series("b", (Point(1, 0.25, error=0.1),))
    assert places(Figure("f", "t", "c", (a, b), percent=True)) == {
        0: ["50.0%", "–"],
        1: ["not finite", "25.0% ± 10.0%"],
    }
