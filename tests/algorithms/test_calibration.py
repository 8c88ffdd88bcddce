import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.algorithms.calibration import SUMS, calibration, calibration_sums


def of(probabilities, happened):
    return calibration(calibration_sums(torch.tensor(probabilities), torch.tensor(happened)))


def test_hand_computed():
    # confidences 0.9 (right), 0.9 (wrong: 0.1 for what happened), 0.6 (right), 0.5 (half right)
    found = of([0.9, 0.1, 0.4, 0.5], [1.0, 1.0, 0.0, 1.0])
    assert found.count == 4
    assert found.accuracy == 2.5 / 4
    assert found.accuracy_stderr == pytest.approx(math.sqrt(0.625 * 0.375 / 4))
    # (0.1^2 + 0.9^2 + 0.4^2 + 0.5^2) / 4
    assert found.brier == pytest.approx((0.01 + 0.81 + 0.16 + 0.25) / 4)
    # bin of 0.9: 2 with accuracy 0.5; of 0.6: 1 with accuracy 1; of 0.5: 1 with accuracy 0.5
    # 2/4 * |0.5 - 0.9| + 1/4 * |1 - 0.6| + 1/4 * |0.5 - 0.5|
    assert found.ece == pytest.approx(0.2 + 0.1)


def test_a_perfect_and_a_clueless_model():
    perfect = of([1.0, 0.0], [1.0, 0.0])
    assert (perfect.accuracy, perfect.brier, perfect.ece) == (1.0, 0.0, 0.0)
    clueless = of([0.5, 0.5], [1.0, 0.0])
    assert (clueless.accuracy, clueless.brier, clueless.ece) == (0.5, 0.25, 0.0)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=30), st.integers(1, 29))
def test_sums_of_parts_add_up_and_their_order_does_not_matter(rows, cut):
    p = torch.tensor([row[0] for row in rows], dtype=torch.float64)
    y = torch.tensor([float(row[1]) for row in rows])
    whole = calibration_sums(p, y)
    assert whole.shape == (SUMS,)
    parts = calibration_sums(p[:cut], y[:cut]) + calibration_sums(p[cut:], y[cut:])
    torch.testing.assert_close(whole, parts)
    torch.testing.assert_close(whole, calibration_sums(p.flip(0), y.flip(0)))


def test_shapes_are_checked():
    with pytest.raises(ValueError, match="must be one number a row each"):
        calibration_sums(torch.zeros(2), torch.zeros(3))
