from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.reports.axes import duration_text, nice_axis, number_text, plottable, value_axis

_VALUES = st.floats(-1e80, 1e80).filter(lambda v: v == 0 or abs(v) > 1e-80)


@given(_VALUES, _VALUES)
def test_an_axis_covers_its_values_with_few_even_ticks(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    axis = nice_axis(low, high)
    slack = 1e-6 * axis.step
    assert axis.low <= low + slack
    assert high <= axis.high + slack
    # 6 intervals are asked for; the next nice step is at most 2.5 times too small or too large, and both ends
    # round outwards.
    assert 3 <= len(axis.ticks) <= 9
    assert axis.ticks == sorted(set(axis.ticks))
    assert -1e-6 <= axis.fraction(low) <= axis.fraction(high) <= 1 + 1e-6


@given(_VALUES, _VALUES)
def test_tick_steps_are_one_two_or_five_times_a_power_of_ten(a: float, b: float) -> None:
    step = nice_axis(min(a, b), max(a, b)).step
    digit = step / 10.0 ** math.floor(math.log10(step) + 1e-9)
    assert min(abs(digit - nice) for nice in (1, 2, 5, 10)) < 1e-6


@given(st.floats(-1e12, 1e12), st.floats(1e-2, 1e12))
def test_labels_of_one_axis_differ(low: float, span: float) -> None:
    if span < 1e-9 * abs(low):
        return
    axis = nice_axis(low, low + span)
    assert len(set(axis.labels())) == len(axis.ticks)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 96, ["0", "20", "40", "60", "80", "100"]),
        (6500, 9000, ["6,500", "7,000", "7,500", "8,000", "8,500", "9,000"]),
        (0, 1843200, ["0", "0.5M", "1.0M", "1.5M", "2.0M"]),
        (-0.5, 0.3, ["−0.6", "−0.4", "−0.2", "0", "0.2", "0.4"]),
    ],
)
def test_labels(low: float, high: float, labels: list[str]) -> None:
    assert nice_axis(low, high).labels() == labels


def test_percent_labels() -> None:
    assert nice_axis(0, 1).labels(percent=True) == ["0%", "20%", "40%", "60%", "80%", "100%"]


def test_equal_ends_are_moved_apart() -> None:
    assert nice_axis(5, 5).low < 5 < nice_axis(5, 5).high
    assert nice_axis(0, 0).low == -1
    assert nice_axis(0, 0).high == 1


def test_whole_axes_have_no_fractional_ticks() -> None:
    assert nice_axis(0, 2, whole=True).ticks == [0, 1, 2]


def test_value_axes_start_at_zero_only_where_values_are_not_far_from_it() -> None:
    assert value_axis([0.5, 1.0]).low == 0
    assert value_axis([100.0, 101.0]).low == 100
    assert value_axis([-1.0, -0.5]).high == 0


def test_value_axes_of_a_constant_start_at_zero() -> None:
    assert (value_axis([0.0, 0.0]).low, value_axis([0.0, 0.0]).high) == (0, 1)
    assert value_axis([3.0]).low == 0


@pytest.mark.parametrize("ends", [(2.0, 1.0), (math.nan, 1.0), (0.0, math.inf)])
def test_axes_refuse_ends_out_of_order_or_not_finite(ends: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="drawable ends in order"):
        nice_axis(*ends)


def test_value_axes_need_a_value() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        value_axis([])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e200, 10**400, True, None, "1"])
def test_what_cannot_be_plotted(value: object) -> None:
    assert not plottable(value)


@pytest.mark.parametrize(
    ("value", "percent", "text"),
    [
        (0.123456, False, "0.1235"),
        (12, False, "12"),
        (1843200.0, False, "1,843,200"),
        (7860.25, False, "7,860.2"),
        (-0.5, False, "−0.5"),
        (0.9921875, True, "99.2%"),
        (math.nan, False, "NaN"),
        (-math.inf, True, "−inf"),
        (None, False, "–"),
    ],
)
def test_numbers_as_text(value: object, percent: bool, text: str) -> None:
    assert number_text(value, percent=percent) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(5.04, "5.0 s"), (252.4, "4 min 12 s"), (59.96, "60.0 s"), (7384, "2 h 3 min")]
)
def test_durations_as_text(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
