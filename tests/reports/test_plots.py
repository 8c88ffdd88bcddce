from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.reports.plots import HEIGHT, WIDTH, line_svg
from r1light.reports.series import Figure, Point, Series


def _figure(*series: Series, **options: object) -> Figure:
    return Figure("f", "A title", "A caption", series, **options)  # type: ignore[arg-type]


def _paths(svg: str, kind: str) -> list[list[tuple[float, float]]]:
    found = [e.get("d", "") for e in ET.fromstring(svg).iter("path") if kind in e.get("class", "").split()]
    return [[tuple(map(float, pair)) for pair in re.findall(r"([-\d.]+) ([-\d.]+)", d)] for d in found]  # type: ignore[misc]


def test_points_land_where_the_axes_put_them() -> None:
    # x from 0 to 10 fills 70..626, y from 0 to 1 fills 246 up to 10: (5, 0.25) is at 348 and 246 - 59 = 187.
    points = (Point(0, 0.0), Point(5, 0.25), Point(10, 1.0))
    svg = line_svg(_figure(Series("a", points), limits=(0.0, 1.0)))
    assert _paths(svg, "line") == [[(70.0, 246.0), (348.0, 187.0), (626.0, 10.0)]]


def test_a_long_series_is_drawn_raw_and_smoothed() -> None:
    svg = line_svg(_figure(Series("a", tuple(Point(i, float(i % 2)) for i in range(30)))))
    (raw,), (smooth,) = _paths(svg, "raw"), _paths(svg, "line")
    assert len(raw) == len(smooth) == 30
    jump = abs(raw[29][1] - raw[28][1])
    # the average of an alternating series with w = 9/11 moves by about 1/10 of each jump
    assert abs(smooth[29][1] - smooth[28][1]) < 0.15 * jump


def test_a_value_that_is_not_finite_breaks_the_line() -> None:
    points = (Point(0, 1.0), Point(1, 2.0), Point(2, None), Point(3, 3.0), Point(4, 1.0))
    assert [len(path) for path in _paths(line_svg(_figure(Series("a", points))), "line")] == [2, 2]


def test_one_point_is_a_dot() -> None:
    tree = ET.fromstring(line_svg(_figure(Series("a", (Point(3, 0.5),)))))
    (dot,) = tree.iter("circle")
    assert 70 < float(dot.get("cx", "0")) < 626
    assert 10 <= float(dot.get("cy", "0")) <= 246


def test_a_spike_survives_the_thinning_of_a_long_series() -> None:
    values = [0.0] * 10_000
    values[4321] = 1.0
    (raw,) = _paths(line_svg(_figure(Series("a", tuple(map(Point, range(10_000), values))))), "raw")
    assert len(raw) <= 450
    assert min(y for _, y in raw) == 10.0


def test_it_has_a_name_a_description_and_a_text_for_every_place() -> None:
    svg = line_svg(_figure(Series("greedy", (Point(0, 0.5), Point(7, 0.75))), percent=True))
    tree = ET.fromstring(svg)
    assert tree.get("role") == "img"
    names = {e.get("id"): e.text for e in tree.iter() if e.get("id")}
    said = [names[name] for name in tree.get("aria-labelledby", "").split()]
    assert said == ["A title", "greedy: 50.0% at iteration 0, 75.0% at 7."]
    titles = [e.findtext("title") for e in tree.iter("g") if e.find("title") is not None]
    assert titles == ["iteration 0 · greedy: 50.0%", "iteration 7 · greedy: 75.0%"]


def test_intervals_become_a_band_inside_the_axes() -> None:
    points = (Point(0, 0.95, 0.2), Point(1, 0.9, 0.2))
    (band,) = _paths(line_svg(_figure(Series("a", points), limits=(0.0, 1.0))), "band")
    # upper edge clamped at 1 (y = 10); lower edge 0.75 and 0.7: 246 - 0.75*236 = 69, 246 - 0.7*236 = 80.8
    assert band == [(70.0, 10.0), (626.0, 10.0), (626.0, 80.8), (70.0, 69.0)]


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.one_of(st.none(), st.floats(-1e80, 1e80))),
        min_size=1,
        max_size=60,
    )
)
def test_whatever_the_values_the_drawing_is_well_formed_and_inside_its_box(
    rows: list[tuple[int, float]],
) -> None:
    points = tuple(Point(x, y) for x, y in sorted(rows, key=lambda row: row[0]))
    series = Series("a", points)
    if not series.drawn:
        with pytest.raises(ValueError, match="at least one value"):
            line_svg(_figure(series))
        return
    svg = line_svg(_figure(series))
    for path in _paths(svg, "line") + _paths(svg, "raw"):
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in path)
    assert all(float(rect.get("width", "-1")) >= 0 for rect in ET.fromstring(svg).iter("rect"))
