from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.run_folder import RunFolder
from r1light.reports.compare_pool import cell_lines, metric_label, pool, rows_of
from r1light.reports.compare_runs import read_runs

Lay = Callable[..., RunFolder]


def test_mean_deviation_and_interval_by_hand() -> None:
    # mean (0.2 + 0.4 + 0.6) / 3 = 0.4; s^2 = (0.04 + 0 + 0.04) / 2 = 0.04, s = 0.2
    # t(2) = 4.3027: half = 4.3027 * 0.2 / sqrt(3) = 0.86054 / 1.73205 = 0.49683
    pooled = pool([0.2, 0.4, 0.6])
    assert pooled is not None
    assert pooled.count == 3
    assert pooled.mean == pytest.approx(0.4)
    assert pooled.deviation == pytest.approx(0.2)
    assert pooled.half == pytest.approx(0.49683, abs=1e-5)
    # two values 1 and 2: s = sqrt(2 * 0.25 / 1) = 0.70711; half = 12.7062 * 0.70711 / 1.41421 = 6.3531
    two = pool([1, 2])
    assert two is not None
    assert two.half == pytest.approx(6.3531)
    assert cell_lines(two, "reward") == ["1.5", "± 6.353", "(sd 0.7071, n=2)"]


def test_a_single_value_has_the_interval_of_its_own_standard_error() -> None:
    one = pool([0.5], [0.1])
    assert one is not None
    assert (one.mean, one.deviation, one.half) == (0.5, None, pytest.approx(0.196))
    assert cell_lines(one, "after/pass@1") == ["50.0%", "± 19.6%"]
    assert cell_lines(pool([0.5]), "after/pass@1") == ["50.0%"]
    assert pool([]) is None
    assert cell_lines(None, "reward") == ["–"]


def test_seeds_that_agree_by_chance_are_no_surer_than_their_problems_make_them() -> None:
    # s = 0; the mean of the standard errors is (0.01 + 0.03) / 2 = 0.02, and 1.96 * 0.02 = 0.0392
    alike = pool([0.5, 0.5], [0.01, 0.03])
    assert alike is not None
    assert (alike.deviation, alike.half) == (0, pytest.approx(0.0392))
    # s = sqrt(2) / 10 and half = 12.7062 * 0.1 = 1.2706, wider than that
    apart = pool([0.4, 0.6], [0.01, 0.03])
    assert apart is not None
    assert apart.half == pytest.approx(1.27062, abs=1e-5)
    # one of 0 is as good as unknown: 1.96 * 0.04
    partly = pool([0.5, 0.5], [0.0, 0.04])
    assert partly is not None
    assert partly.half == pytest.approx(0.0784)
    for errors in ([0.0, 0.0], [], [0.1]):  # all right or all wrong, unknown, known of one alone
        unknown = pool([1.0, 1.0], errors)
        assert unknown is not None
        assert unknown.half is None
    assert cell_lines(pool([1.0], [0.0]), "after/pass@1") == ["100.0%"]


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=8), st.randoms())
def test_the_order_of_values_does_not_matter_and_the_mean_lies_among_them(values, random) -> None:
    shuffled = random.sample(values, len(values))
    pooled, again = pool(values), pool(shuffled)
    assert pooled == again
    assert pooled is not None
    assert min(values) - 1e-6 <= pooled.mean <= max(values) + 1e-6
    shift = pool([value + 1 for value in values])
    assert shift is not None
    assert math.isclose(shift.deviation or 0, pooled.deviation or 0, rel_tol=1e-6, abs_tol=1e-4)


def test_runs_that_differ_in_the_seed_alone_are_one_row(lay_run: Lay) -> None:
    folders = [
        lay_run("0", seed=0, options={"lr": 1, "path": "steps/base/seed-0/model"}, metrics={"x": 1.0}),
        lay_run("1", seed=1, options={"lr": 1, "path": "steps/base/seed-1/model"}, metrics={"x": 3.0}),
        lay_run("2", seed=0, options={"lr": 2, "path": "steps/base/seed-0/model"}, metrics={"x": 5.0}),
    ]
    rows = rows_of(read_runs([folder.path for folder in folders]), by_seed=True)
    assert [row.label for row in rows] == ["0, 1", "2"]
    assert [row.seeds for row in rows] == ["0, 1", "0"]
    assert rows[0].options["stage.path"] == rows[1].options["stage.path"] == "steps/base/seed-*/model"
    value = rows[0].value("x")
    assert value is not None
    assert (value.count, value.mean) == (2, 2.0)
    apart = rows_of(read_runs([folder.path for folder in folders]), by_seed=False)
    assert [row.label for row in apart] == ["0", "1", "2"]
    assert apart[1].options["stage.path"] == "steps/base/seed-1/model"


def test_the_number_of_another_seed_in_a_path_is_a_difference(lay_run: Lay) -> None:
    folders = [
        lay_run(name, seed=s, options={"path": f"seed-{p}"}) for name, s, p in (("a", 1, 10), ("b", 0, 1))
    ]
    assert len(rows_of(read_runs([folder.path for folder in folders]), by_seed=True)) == 2


def test_the_same_seed_again_is_no_further_draw(lay_run: Lay) -> None:
    names = (("new/0", 0), ("new/1", 1), ("old/0", 0), ("old/1", 1))
    folders = [lay_run(name, seed=seed).path for name, seed in names]
    rows = rows_of(read_runs(folders), by_seed=True)
    assert [row.label for row in rows] == ["new/0, new/1", "old/0, old/1"]


def test_runs_without_a_configuration_are_not_pooled(make_run: Lay) -> None:
    folders = [make_run(name=name, manifest={"stage": "grpo", "seed": s}) for s, name in enumerate("ab")]
    assert len(rows_of(read_runs([folder.path for folder in folders]), by_seed=True)) == 2


def test_only_finished_runs_are_pooled_and_the_row_says_how_many(lay_run: Lay) -> None:
    folders = [
        lay_run("0", metrics={"x": 1.0}),
        lay_run("1", seed=1, metrics={"x": 2.0}),
        lay_run("2", seed=2),
    ]
    (row,) = rows_of(read_runs([folder.path for folder in folders]), by_seed=True)
    value = row.value("x")
    assert value is not None
    assert (value.count, value.mean, row.state) == (2, 1.5, "2 of 3 finished")


def test_a_row_of_many_runs_names_the_first(lay_run: Lay) -> None:
    folders = [lay_run(str(seed), seed=seed).path for seed in range(11)]
    (row,) = rows_of(read_runs(folders), by_seed=True)
    assert row.label == "0, 1, 2 and 8 more"
    assert row.seeds == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"


def test_numbers_that_are_not_finite_have_no_part(lay_run: Lay) -> None:
    folders = [lay_run("0", metrics={"x": float("nan")}), lay_run("1", seed=1, metrics={"x": 2.0})]
    (row,) = rows_of(read_runs([folder.path for folder in folders]), by_seed=True)
    assert cell_lines(row.value("x"), "x") == ["2"]


def test_labels_of_metrics() -> None:
    assert metric_label("before/pass@1_greedy") == "pass@1, greedy (before)"
    assert metric_label("rewards/format/mean") == "rewards/format/mean"
