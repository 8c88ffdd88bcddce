from __future__ import annotations

import math

import pytest

from r1light.reports.student_t import t_quantile


@pytest.mark.parametrize(
    ("freedom", "quantile"),  # published tables of Student's t
    [(1, 12.7062), (20, 2.0860), (21, 2.0796), (30, 2.0423), (60, 2.0003), (120, 1.9799)],
)
def test_quantiles_of_students_t(freedom: int, quantile: float) -> None:
    assert t_quantile(freedom) == pytest.approx(quantile, abs=1e-4)


@pytest.mark.parametrize("freedom", [1, 2, 3, 7, 20, 21, 40, 120])
def test_half_of_95_percent_lies_between_0_and_the_quantile(freedom):
    # the density, integrated by Simpson's rule
    log_scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - 0.5 * math.log(freedom * math.pi)
    steps, end = 2000, t_quantile(freedom)
    width = end / steps
    total = 0.0
    for i in range(steps + 1):
        weight = 1 if i in (0, steps) else 4 if i % 2 else 2
        total += weight * math.exp(log_scale - (freedom + 1) / 2 * math.log1p((i * width) ** 2 / freedom))
    assert total * width / 3 == pytest.approx(0.475, abs=2e-4)
