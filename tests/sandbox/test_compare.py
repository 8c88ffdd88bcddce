import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.sandbox.compare import difference


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("5\n", "5"),
        ("5\n", "5  \r\n\n\n"),
        ("1 2\n3", "1  2\t\n3\n"),
        ("", "\n \n"),
        ("0.5", "0.5000005"),  # 5e-7 apart, at most 1e-6
        ("1000000.0", "1000000.9"),  # 0.9 apart, at most 1e-6 * 1000000 = 1
        ("1e-9", "0"),  # absolutely
        ("2.0", "2"),
        ("-.5", "-0.5"),
        ("1e5", "100000"),
        ("YES 0.25", "YES .25"),
    ],
)
def test_the_same(expected, actual):
    assert difference(expected, actual) is None


@pytest.mark.parametrize(
    ("expected", "actual", "says"),
    [
        ("5\n6\n7", "5", "ends after 1 of 3 lines"),
        ("5", "5\n6", "goes on after the 1 expected lines, with '6'"),
        ("5", "", "line 1: '' where '5' is expected"),
        ("5", "5.0", "line 1: '5.0' where '5' is expected"),
        ("1000000000000000001", "1000000000000000000", "line 1"),
        ("0.5", "0.500002", "line 1"),  # 2e-6 apart
        ("1000000.0", "1000001.1", "line 1"),  # 1.1 apart
        ("0.5", "nan", "line 1"),
        ("0.5", "inf", "line 1"),
        ("0.5", "1e999", "line 1"),
        ("1.0e999", "5", "line 1"),  # an expected infinity matches no number
        ("10.5", "1_0.5", "line 1"),
        ("10.5", "１０.５", "line 1"),
        ("a b", "ab", "line 1"),
        ("a\nb", "a b", "line 1"),
        ("a\n\nb", "a\nb", "line 2: 'b' where '' is expected"),
        ("yes", "YES", "line 1"),
        ("5", "4\b5", "line 1"),
        ("5", "5\0", "line 1"),
        ("a" * 99, "b", "line 1: 'b' where '" + "a" * 40 + "...' is expected"),
    ],
)
def test_not_the_same(expected, actual, says):
    assert says in difference(expected, actual)


@settings(deadline=None)
@given(st.text())
def test_every_output_is_the_same_as_itself(text):
    assert difference(text, text) is None


@settings(deadline=None)
@given(st.lists(st.sampled_from(["1", "2", "x", "0.5", "", " "]), min_size=1), st.data())
def test_a_prefix_of_the_lines_is_not_the_same(lines, data):
    lines = [*lines, "end"]
    kept = data.draw(st.integers(0, len(lines) - 1))
    assert difference("\n".join(lines), "\n".join(lines[:kept])) is not None
