"""The regression beside optimality conditions, a brute-force search, and scikit-learn's liblinear."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from r1light.evaluation.length_control import Comparison, Gamed, fit, length_controlled

SHARED = os.environ.get("R1LIGHT_SHARED_DATA")
RNG = np.random.default_rng(3)
LENGTHS = RNG.normal(scale=500, size=200)
DIFFICULTY = RNG.normal(size=200)


def sigmoid(scores):
    return 1 / (1 + np.exp(-scores))


EXPECTED = sigmoid(-1.5 * np.tanh(LENGTHS / 500) + 0.8 * DIFFICULTY - 0.4)
PREFERENCES = np.clip(EXPECTED + RNG.normal(scale=0.1, size=200), 0, 1)
FEATURES = np.column_stack([np.tanh(LENGTHS / LENGTHS.std(ddof=1)), DIFFICULTY, np.ones(200)])
GAMED = [
    Gamed(float(preference), float(difference), float(difficulty))
    for preference, difference, difficulty in zip(
        RNG.uniform(size=400), RNG.normal(size=400), np.tile(DIFFICULTY, 2), strict=True
    )
]


def objective(weights, features, preference, weight, strength):
    scores = features @ weights
    return np.abs(weights).sum() + strength * (weight * (np.logaddexp(0, scores) - preference * scores)).sum()


@pytest.mark.parametrize("strength", [0.001, 0.02, 0.5, 100.0])
def test_the_fit_meets_the_conditions_of_an_optimum(strength):
    weight = RNG.uniform(0.1, 1, size=200)
    found = fit(FEATURES, PREFERENCES, weight, strength)
    slope = strength * FEATURES.T @ (weight * (sigmoid(FEATURES @ found) - PREFERENCES))
    for value, pull in zip(found, slope, strict=True):
        if value:
            assert pull == pytest.approx(-np.sign(value), abs=1e-6)
        else:
            assert abs(pull) <= 1


def test_no_point_of_a_fine_grid_is_better():
    features, weight = FEATURES[:, [0, 2]], np.ones(200)
    found = fit(features, PREFERENCES, weight, 0.5)
    best = objective(found, features, PREFERENCES, weight, 0.5)
    for first in np.linspace(-3, 1, 41):
        for second in np.linspace(-2, 2, 41):
            there = np.array([first, second])
            assert objective(there, features, PREFERENCES, weight, 0.5) >= best
    assert objective(found + np.array([1e-3, 0]), features, PREFERENCES, weight, 0.5) > best


def test_one_column_by_hand():
    # 3 of 4 preferred, C = 1: slope 4 (p - 3/4) = -1 at p = 1/2, so the weight stays 0;
    # C = 2: 8 (p - 3/4) = -1 at p = 5/8, the weight log(5/3)
    ones, preference = np.ones((4, 1)), np.array([1.0, 1.0, 1.0, 0.0])
    assert fit(ones, preference, np.ones(4), 1.0)[0] == pytest.approx(0.0, abs=1e-9)
    assert fit(ones, preference, np.ones(4), 2.0)[0] == pytest.approx(np.log(5 / 3), abs=1e-9)


def test_length_is_taken_out():
    # a judge that sees nothing but the length: longer outputs win, and at equal lengths it is even
    longer = np.linspace(-1000, 400, 300)  # the baseline's length minus the model's
    q = sigmoid(-2 * np.tanh(longer / longer.std(ddof=1)))
    assert q.mean() > 0.6
    found = length_controlled([Comparison(*each) for each in zip(q.tolist(), longer.tolist(), strict=True)])
    assert found.win_rate == pytest.approx(0.5, abs=0.01)
    assert found.weights[0] == pytest.approx(-2, abs=0.05)


def test_equal_lengths_give_the_plain_win_rate_but_for_the_penalty():
    found = length_controlled([Comparison(preference, 0.0) for preference in [0.9, 0.6, 0.8] * 50])
    assert found.win_rate == pytest.approx(0.7667, abs=0.01)
    assert found.weights[0] == 0.0
    never = length_controlled([Comparison(0.0, float(number)) for number in range(50)])
    assert 0 <= never.win_rate < 0.01  # separable, and the penalty keeps it finite


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(ValueError, match="needs 5 comparisons, has 4"):
        length_controlled([Comparison(1.0, 0.0)] * 4)
    with pytest.raises(ValueError, match="1 have a difficulty"):
        length_controlled([Comparison(1.0, 0.0)] * 5 + [Comparison(1.0, 0.0, 1.0)])
    with pytest.raises(ValueError, match="gamed rows"):
        length_controlled([Comparison(1.0, 0.0)] * 5, GAMED)


def liblinear(features, preference, weight):
    """The published fit: each row as a win and as a loss, weighted; L1, its strength by cross-validation."""
    sklearn = pytest.importorskip("sklearn")
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.metrics import make_scorer
    from sklearn.model_selection import GroupKFold

    def loss(truth, predicted, probability, of_row):
        truth = np.where(truth == 1, probability, 1 - probability)
        losses = truth * np.log(predicted) + (1 - truth) * np.log(1 - predicted)
        return -np.mean(of_row * losses)

    count = len(preference)
    probability, of_row = np.r_[preference, 1 - preference], np.r_[weight, weight]
    with sklearn.config_context(enable_metadata_routing=True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scorer = make_scorer(loss, response_method="predict_proba", greater_is_better=False)
        model = LogisticRegressionCV(
            cv=GroupKFold(5), scoring=scorer.set_score_request(probability=True, of_row=True), dual=False,
            penalty="l1", solver="liblinear", fit_intercept=False, random_state=123, tol=1e-9, max_iter=10000,
        )  # fmt: skip
        model.set_fit_request(sample_weight=True)
        model.fit(
            np.r_[features, features], np.r_[np.ones(count), np.zeros(count)].astype(int),
            sample_weight=probability * of_row, groups=np.r_[np.arange(count), np.arange(count)],
            probability=probability, of_row=of_row,
        )  # fmt: skip
    return model.coef_[0]


def test_with_difficulties_and_gamed_rows_it_is_the_published_fit_in_scikit_learn():
    rows = zip(PREFERENCES.tolist(), LENGTHS.tolist(), DIFFICULTY.tolist(), strict=True)
    found = length_controlled([Comparison(*row) for row in rows], GAMED)
    gamed = np.array([[np.tanh(each.difference), each.difficulty, 0.0] for each in GAMED])
    weights = liblinear(
        np.r_[gamed, FEATURES],
        np.r_[[each.preference for each in GAMED], PREFERENCES],
        np.r_[np.full(len(GAMED), 0.1), np.ones(200)],
    )
    assert found.weights == pytest.approx(tuple(weights), abs=1e-5)
    predicted = sigmoid(FEATURES @ (weights * [0, 1, 1]))
    assert found.win_rate == pytest.approx(predicted.mean(), abs=1e-6)
    assert found.stderr == pytest.approx(predicted.std(ddof=1) / np.sqrt(200), abs=1e-6)


@pytest.mark.skipif(SHARED is None, reason="needs R1LIGHT_SHARED_DATA")
def test_the_annotations_of_text_davinci_003_give_liblinears_number():
    file = Path(SHARED) / "alpaca_eval/annotations_text_davinci_003_vs_gpt4_1106.jsonl"
    rows = [json.loads(line) for line in file.read_bytes().splitlines()]
    found = length_controlled(
        [Comparison(row["preference"] - 1, len(row["output_1"]) - len(row["output_2"])) for row in rows]
    )
    # scikit-learn 1.9.1's liblinear with tol=1e-9: 0.10121243; with the published tol=1e-4: 0.10109771
    assert found.win_rate == pytest.approx(0.10121243, abs=1e-7)
    assert found.win_rate == pytest.approx(0.10109771, abs=2e-4)
    assert found.strength == pytest.approx(0.35938137)
