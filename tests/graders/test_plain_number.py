# ruff: noqa: E501
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.graders.formula_size import refusal
from r1light.graders.plain_number import PlainNumber, read_number, same_number
from r1light.graders.units import canonical_unit, is_unit


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5), ("-5", -5), ("+5", 5), ("1,234,567.5", Fraction(2469135, 2)), (".5", Fraction(1, 2)),
        ("5.", 5), ("3/4", Fraction(3, 4)), (r"-\frac{5}{3}", Fraction(-5, 3)), (r"\tfrac34", Fraction(3, 4)),
        (r"1\dfrac{1}{2}", Fraction(3, 2)), ("-1 1/2", Fraction(-3, 2)), ("1.5e-3", Fraction(3, 2000)),
        (r"2 \cdot 10^3", 2000), ("$-5", -5), ("-$5", -5), (r"\$5", 5), ("5 hundred", 500), ("1.5亿", 150_000_000),
        (r"5\,\text{cm}", 5), ("5~m", 5), ("5千克", 5), ("3千", 3000),
    ],
)  # fmt: skip
def test_values(text, value):
    assert read_number(text).value == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "5x",
        "5m",
        "5 pi",
        "5 or 6",
        "3^2",
        "1/0",
        "1,23",
        "1/2/3",
        "0.5.5",
        "12:30",
        "(3)",
        "10!",
        "5 - 6",
        "5 not",
        "5 x",
        "--5",
        "1 234",
        "9" * 201,
        "5 dozen",
        "3 half",
        "5 = 5",
        "2 hours and 30 minutes",
        "5 -",
    ],
)
def test_what_is_no_plain_number(text):
    assert read_number(text) is None


@given(st.fractions(max_denominator=10**6))
def test_every_fraction_is_read_back_in_each_spelling(value):
    top, bottom = value.numerator, value.denominator
    for text in (f"{top}/{bottom}", rf"\frac{{{top}}}{{{bottom}}}", read_number(f"{top}/{bottom}").latex()):
        assert read_number(text).value == value


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
def test_whole_numbers_are_equal_only_to_themselves(left, right):
    assert same_number(read_number(f"{left:,}"), read_number(str(right))) == (left == right)


@given(st.decimals(-(10**9), 10**9, places=6), st.sampled_from([1, -1]))
def test_a_decimal_differs_from_one_a_thousandth_off(value, sign):
    near = value + sign * Decimal("0.001")
    assert same_number(read_number(f"{value:f}"), read_number(f"{value:f}"))
    assert not same_number(read_number(f"{value:f}"), read_number(f"{near:f}"))


def test_rounding_is_forgiven_to_a_millionth_only():
    third = PlainNumber(Fraction(1, 3))
    assert same_number(third, read_number("0.333333"))  # off by 1/3 of 10^-6, and 10^-6 of 1/3 is allowed
    assert not same_number(third, read_number("0.33333"))
    assert not same_number(read_number("0"), read_number("0.0000001"))  # nothing is small beside zero
    assert not same_number(read_number("10000000"), read_number("10000000.5"))


def test_percentages():
    half = read_number("50%")
    assert [same_number(half, read_number(text)) for text in ("50", "0.5", r"50\%", "5000%", "0.005")] == [
        True, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("cm", "centimetres", True), ("square feet", "ft^2", True), ("cm^3", "cubic centimeters", True),
        ("cm", "cm^2", False), ("km/h", "kilometers per hour", True), ("m/s", "m/s^2", False), ("$", "dollars", True),
        ("平方厘米", "cm^{2}", True), ("cents", "dollars", False),
    ],
)  # fmt: skip
def test_units(left, right, same):
    assert canonical_unit(left) is not None
    assert (canonical_unit(left) == canonical_unit(right)) == same


def test_words_that_are_no_units():
    assert [is_unit(text) for text in ("apples", "small red apples", "m", "x", "times", "or six", "a b")] == [
        True, True, True, False, False, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("latex", "refused"),
    [
        ("5^{5^{5^{5}}}", True), ("5^5^5^5", True), (r"2^{2^{\left(2^{x}\right)}}", True), ("9^{9^{99}}", True),
        ("2^{10^{6}}", False), ("x^{2^{10}}", False), ("x^8 + x^7 + x^6 + x^5", False), ("x^2y^3z^4w^5", False),
        (r"\frac{x^{2}}{y^{3}}+e^{-x^2}", False), ("(((x^2)^3)^4)", False), ("{" * 41 + "}" * 41, True),
        ("{" * 40 + "}" * 40, False), ("100000!", True), ("100!", False), ("2^{1000000}", True), (r"\{" * 60, False),
    ],
)  # fmt: skip
def test_size(latex, refused):
    assert (refusal(latex) is not None) == refused
