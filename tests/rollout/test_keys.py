import itertools

from hypothesis import given
from hypothesis import strategies as st

from r1light.rollout import keys

WORDS = st.integers(-(2**63), 2**64)


def test_a_stream_is_splitmix64():
    # The first outputs of the published generator (Vigna's splitmix64.c) from the seed 0.
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [keys.mix((position + 1) * keys.GOLDEN) for position in range(3)] == expected
    assert keys.uniform(0, 0) == (expected[0] >> 11) / 2**53


@given(WORDS, WORDS, WORDS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_draws_lie_in_the_unit_interval(seed, key_0, key_1, index, position):
    assert 0.0 <= keys.uniform(keys.row_state(seed, (key_0, key_1), index), position) < 1.0


def test_each_part_of_the_name_counts_and_order_counts():
    names = [
        (seed, (a, b), index) for seed in range(4) for a in range(4) for b in range(4) for index in range(4)
    ]
    assert len({keys.row_state(*name) for name in names}) == 4**4
    assert keys.row_state(1, (2, 3), 4) != keys.row_state(1, (3, 2), 4)


def test_draws_of_neighbouring_rows_are_uniform_and_uncorrelated():
    rows = [keys.row_state(0, (0, problem), index) for problem in range(100) for index in range(10)]
    draws = [keys.uniform(row, position) for row in rows for position in range(10)]
    # 10,000 draws: the mean's standard error is sqrt(1/12/10000) = 0.0029; the bound is over 4 of them.
    assert abs(sum(draws) / len(draws) - 0.5) < 0.012
    # The covariance of neighbours is 0 with a standard error of 1/12/sqrt(10000) = 0.00083.
    pairs = itertools.pairwise(draws)
    assert abs(sum((a - 0.5) * (b - 0.5) for a, b in pairs) / len(draws)) < 0.0035
