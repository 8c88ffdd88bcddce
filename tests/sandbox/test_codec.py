"""What crosses between a function and its test."""

import collections
import datetime
import decimal
import fractions
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.sandbox.jail.codec import ALL_NAMES, DATA_TYPES, MAX_DEPTH, CodecError, Decoder, Encoder


def refuse(value):
    raise CodecError(f"{value!r} cannot cross")


def cross(value):
    return Decoder(refuse, ALL_NAMES).decode(json.loads(json.dumps(Encoder(refuse, ALL_NAMES).encode(value))))


leaf = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text()
    | st.binary()
    | st.fractions()
    | st.decimals(allow_nan=False)
    | st.datetimes()
    | st.dates()
    | st.timedeltas()
)
hashable = st.recursive(leaf, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3))
value = st.recursive(
    leaf,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(hashable, inner, max_size=3)
        | st.sets(hashable, max_size=3)
        | st.lists(inner, max_size=3).map(collections.deque)
    ),
    max_leaves=12,
)


def kinds(value):
    """The types in a value, in order; sets aside, which have none."""
    if isinstance(value, list | tuple | collections.deque):
        return [type(value), *(kind for item in value for kind in kinds(item))]
    return [type(value)]


@settings(max_examples=60, deadline=None)
@given(value)
def test_values_and_their_types_survive(value):
    back = cross(value)
    assert back == value
    assert kinds(back) == kinds(value)


@pytest.mark.parametrize(
    "value",
    [
        10**5000,
        -(2**53),
        "\ud800",
        float("inf"),
        -0.0,
        range(3, 40, 4),
        bytearray(b"ab"),
        datetime.time(3, 4, 5),
        collections.OrderedDict(b=1, a=2),
        collections.Counter("hello"),
        fractions.Fraction(1, 3),
        decimal.Decimal("1.50"),
        Ellipsis,
        len,
        int,
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_kind(value):
    back = cross(value)
    assert back == value
    assert str(type(back)) == str(type(value))
    if not isinstance(value, int):
        assert repr(back) == repr(value)


def test_nan_crosses_and_equals_nothing():
    assert cross(float("nan")) != cross(float("nan"))


class Equal:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


def subclass(kind):
    return type("Sly", (Equal, kind), {})


@pytest.mark.parametrize(
    "value",
    [subclass(list)([1]), subclass(int)(3), subclass(str)("a"), subclass(dict)(a=1), subclass(tuple)()],
)
def test_a_subclass_that_equals_everything_arrives_as_the_plain_type(value):
    back = cross(value)
    assert type(back) in (list, int, str, dict, tuple)
    assert back != object()
    assert back != [9]


def test_other_objects_are_references():
    seen = []
    data = Encoder(lambda value: seen.append(value) or 7, ALL_NAMES).encode([Equal()])
    assert data == ["l", ["o", 7]]
    assert Decoder(lambda number: number, ALL_NAMES).decode(data) == [7]


def test_deep_values_do_not_cross():
    deep = []
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    with pytest.raises(CodecError, match="nested deeper"):
        Encoder(refuse, ALL_NAMES).encode(deep)


@pytest.mark.parametrize(
    "data",
    [
        [],
        {},
        1.5,
        ["?"],
        [1],
        ["f", "x"],
        ["f"],
        ["i", 3],
        ["d", 1],
        ["d", [["l"], 1]],
        ["s", ["l"]],
        ["r", "0x1", "0x2", "0x0"],
        ["at", "date", 1, 2],
        ["at", "date", True, 1, 1],
        ["u", "no_such_name"],
        ["u", []],
        ["n", []],
        ["/", "0x1", "0x0"],
        ["o", "0"],
        ["o"],
    ],
    ids=repr,
)
def test_malformed_data_are_an_error_of_their_own(data):
    with pytest.raises(CodecError):
        Decoder(refuse, ALL_NAMES).decode(data)


def test_a_program_sends_no_function_that_would_run_on_the_tests_side():
    references = Encoder(lambda value: 0, DATA_TYPES)
    assert references.encode([exec, open, type, int]) == ["l", ["o", 0], ["o", 0], ["o", 0], ["u", "int"]]
    for name in ("exec", "eval", "open", "type", "__import__", "exit"):
        with pytest.raises(CodecError):
            Decoder(refuse, DATA_TYPES).decode(["u", name])
