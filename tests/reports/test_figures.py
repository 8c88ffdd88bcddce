from __future__ import annotations

from r1light.reports.figures import figure_html
from r1light.reports.series import Figure, Point, Series


def test_a_figure_without_values_is_not_made() -> None:
    assert figure_html(Figure("f", "t", "c", (Series("a", (Point(0, None),)),))) is None


def test_series_without_values_are_left_out_of_legend_and_table() -> None:
    shown = figure_html(Figure("f", "t", "c", (Series("gone", ()), Series("kept", (Point(0, 0.125),)))))
    assert shown is not None
    assert "gone" not in shown
    assert "kept <b>0.125</b>" in shown
    assert '<tr><th scope="row">0</th><td>0.125</td></tr>' in shown


def test_what_the_lines_leave_out_or_smooth_is_said() -> None:
    points = (*(Point(i, 1.0, 0.1) for i in range(25)), Point(25, None))
    shown = figure_html(Figure("f", "t", "c", (Series("a", points),)))
    assert shown is not None
    assert "moving average over 10 points, faint: raw" in shown
    assert "1 value is not finite" in shown
    assert "± 1.96 standard errors" in shown


def test_a_long_table_is_thinned_and_says_so() -> None:
    shown = figure_html(Figure("f", "t", "c", (Series("a", tuple(Point(i, 1.0) for i in range(1000))),)))
    assert shown is not None
    assert "200 of 1000 rows" in shown
    assert shown.count('<th scope="row">') == 200
    assert '<th scope="row">999</th>' in shown
