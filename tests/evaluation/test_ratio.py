from __future__ import annotations

import numpy as np
import pytest

from r1light.evaluation.ratio import ratio_of_means


def test_the_ratio_and_its_error_by_hand():
    # over: 2 of 3 attempts; by problem 1 of 1, 1 of 2 and 0 of 0
    found = ratio_of_means([[1, 0], [1, 0], [0, 0]], [[1, 0], [1, 1], [0, 0]])
    assert found.mean == pytest.approx(2 / 3)
    # rests: 1 - 2/3 = 1/3, 1 - 4/3 = -1/3, 0; sqrt(3/2 * 2/9) / 3 = 0.19245
    assert found.stderr == pytest.approx(np.sqrt(1.5 * 2 / 9) / 3)


def test_over_a_constant_it_is_the_mean_with_its_error():
    values = [[0.2], [0.9], [0.4], [0.1]]
    found = ratio_of_means(values, [[1.0]] * 4)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.stderr == pytest.approx(np.std(values, ddof=1) / 2)
    assert ratio_of_means([[1.0]], [[2.0]]).stderr is None


def test_the_error_is_that_of_resampled_problems():
    draws = np.random.default_rng(0)
    under = draws.integers(0, 2, size=(400, 3)).astype(float)
    over = under * draws.integers(0, 2, size=(400, 3))
    found = ratio_of_means(over.tolist(), under.tolist())
    picks = draws.integers(0, 400, size=(2000, 400))
    ratios = over.sum(axis=1)[picks].sum(axis=1) / under.sum(axis=1)[picks].sum(axis=1)
    assert found.stderr == pytest.approx(ratios.std(), rel=0.06)


def test_what_has_no_ratio_is_refused():
    with pytest.raises(ValueError, match="is 0"):
        ratio_of_means([[0.0]], [[0.0]])
    with pytest.raises(ValueError, match="both values"):
        ratio_of_means([[0.0]], [[0.0, 1.0]])
