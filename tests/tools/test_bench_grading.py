# ruff: noqa: E501
import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "bench" / "grading.py"


def bench():
    spec = importlib.util.spec_from_file_location("bench_grading", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_third_are_the_same_a_third_respelled_a_third_of_another_problem():
    pairs = bench().pairs_of(["1", "x", "2", "(1,2)"], 6)
    said = [answer.partition("boxed{")[2].removesuffix("}$.") for _, answer in pairs]
    # index 1 and 4 are respelled, 2 and 5 are the next reference; there are four references in turn
    assert [gold for gold, _ in pairs] == ["1", "x", "2", "(1,2)", "1", "x"]
    assert said == ["1", "0 + x", "(1,2)", "(1,2)", "0 + 1", "2"]


def test_the_table_shows_medians_ranges_and_their_ratio():
    module = bench()
    plain, ours = module.SIDES
    result = {
        "answers": 3, "workers": 2, "seconds": {plain: [4.0, 2.0, 3.0], ours: [1.0, 2.0, 1.5]}, "median_ratio": 0.5,
        "right": {plain: 2, ours: 1}, "disagree": [("1", "2")], "load_average": 0.25,
    }  # fmt: skip
    text = module.table(result)
    assert "| 3.00 | 2.00 to 4.00 | 2 |" in text
    assert "| 1.50 | 1.00 to 2.00 | 1 |" in text
    assert "ratio of the medians 0.50; they disagree on 1" in text


@pytest.mark.slow
def test_both_sides_run_and_agree():
    module = bench()
    result = module.measure(module.pairs_of([r"\frac{1}{2}", "x+1", "7"], 6), rounds=1, workers=1)
    assert result["disagree"] == []
    assert set(result["right"].values()) == {4}  # two of six have the reference of another problem
    assert all(len(values) == 1 and values[0] > 0 for values in result["seconds"].values())
