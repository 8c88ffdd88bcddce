from __future__ import annotations

import pytest

from r1light.training.schedule import learning_rate_factor


@pytest.mark.parametrize(
    ("schedule", "expected"),
    # four updates after a warm-up of two: progress 0, 1/4, 2/4, 3/4
    [
        ("constant", [0.5, 1.0, 1.0, 1.0, 1.0, 1.0]),
        ("linear", [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]),
        ("cosine", [0.5, 1.0, 1.0, 0.853553, 0.5, 0.146447]),  # (1 + cos(pi p)) / 2
    ],
)
def test_factors(schedule, expected):
    factors = [learning_rate_factor(schedule, update, 2, 6) for update in range(6)]
    assert factors == pytest.approx(expected, abs=1e-6)


def test_the_floor_is_where_it_ends():
    assert learning_rate_factor("cosine", 100, 0, 100, floor=0.1) == pytest.approx(0.1)
    assert learning_rate_factor("linear", 50, 0, 100, floor=0.1) == pytest.approx(0.55)
