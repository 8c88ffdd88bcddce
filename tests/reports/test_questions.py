"""Verdicts, with numbers computed by hand."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from r1light.core.errors import DataError
from r1light.core.run_folder import RunFolder
from r1light.reports.pipeline_files import read_pipeline
from r1light.reports.question_intervals import COMPARED, over_seeds
from r1light.reports.question_numbers import Found, final_level
from r1light.reports.questions import answer_metrics, answers, judge


def difference(**changed):
    base = {"step": "base", "metric": "pass@1"}
    check = {"what": "right answers", "before": base, "after": {"step": "zero", "metric": "pass@1"}}
    return {"asks": "Does it?", "claim": "It does.", "paper": "", "checks": {"accuracy": check | changed}}


def evaluated(*values, name="zero", **more):
    return {f"{name}@{seed}": {"metrics": {"pass@1": v, **more}} for seed, v in enumerate(values)}


def the_check(folder, question="rq1"):
    (answer,) = [one for one in answers(folder.path) if one.name == question]
    return answer, answer.checks[0]


def test_a_difference_over_three_seeds_with_its_interval(make_pipeline):
    steps = evaluated(0.2, name="base") | evaluated(0.6, 0.7, 0.8)
    answer, check = the_check(make_pipeline(steps, {"rq1": difference(at_least=0.3)}))
    # 0.4, 0.5, 0.6: mean 0.5, s = 0.1, half width 4.3027 * 0.1 / sqrt(3)
    half = 4.3027 * 0.1 / math.sqrt(3)
    assert check.compared.mean == pytest.approx(0.5)
    assert (check.compared.low, check.compared.high) == pytest.approx((0.5 - half, 0.5 + half))
    assert check.before.by_seed == {0: 0.2}
    assert check.before.low is None
    assert (check.holds, answer.holds, answer.verdict) == (True, True, "holds")


def test_seeds_are_paired(make_pipeline):
    steps = evaluated(0.1, 0.3, name="base") | evaluated(0.5, 0.7)
    _, check = the_check(make_pipeline(steps, {"rq1": difference(at_least=0.3)}))
    # 0.4 and 0.4: no spread at all, though both sides have one
    assert (check.compared.low, check.compared.high) == pytest.approx((0.4, 0.4))
    assert check.before.low < 0.1


def test_one_seed_takes_the_standard_errors(make_pipeline):
    base = {"base@0": {"metrics": {"pass@1": 0.2, "pass@1_stderr": 0.03}}}
    zero = {"zero@0": {"metrics": {"pass@1": 0.7, "pass@1_stderr": 0.04}}}
    _, check = the_check(make_pipeline(base | zero, {"rq1": difference(at_least=0.3)}))
    # sqrt(0.03^2 + 0.04^2) = 0.05
    assert (check.compared.low, check.compared.high) == pytest.approx((0.5 - 1.96 * 0.05, 0.5 + 1.96 * 0.05))
    assert (check.before.low, check.before.high) == pytest.approx((0.2 - 1.96 * 0.03, 0.2 + 1.96 * 0.03))


def test_a_ratios_standard_error_is_of_first_order(make_pipeline):
    base = {"base@0": {"metrics": {"pass@1": 0.2, "pass@1_stderr": 0.01}}}
    zero = {"zero@0": {"metrics": {"pass@1": 0.6, "pass@1_stderr": 0.04}}}
    _, check = the_check(make_pipeline(base | zero, {"rq1": difference(compare="ratio", at_least=2)}))
    # 0.6 / 0.2 = 3; sqrt(0.04^2 + (3 * 0.01)^2) / 0.2 = 0.05 / 0.2 = 0.25
    assert check.compared.mean == pytest.approx(3)
    assert check.compared.high - 3 == pytest.approx(1.96 * 0.25)


@pytest.mark.parametrize(
    ("before", "after", "ratio"),
    [(0, 0.5, math.inf), (0, -0.5, -math.inf), (0, 0, None), (0.5, 0, 0.0), (math.inf, 3, 0.0)],
)
def test_ratios_with_zeros_and_infinities(before, after, ratio):
    assert COMPARED["ratio"](Found(after), Found(before)).value == ratio


def test_a_ratio_without_a_value_is_not_answered_and_says_why(make_pipeline):
    steps = evaluated(0.0, name="base") | evaluated(0.0)
    question = difference(compare="ratio", at_least=2)
    answer, check = the_check(make_pipeline(steps, {"rq1": question}))
    assert (answer.holds, check.missing) == (None, ("0 / 0 is no ratio",))


@pytest.mark.parametrize(
    ("before", "after", "bounds", "holds"),
    [
        (0.4, 0.7, {"at_least": 0.3}, True),  # 0.29999999999999993 in floating point
        (0.4, 0.6999, {"at_least": 0.3}, False),
        (0.9, 0.88, {"at_least": -0.02}, True),
        (0.9, 0.87, {"at_least": -0.02}, False),
        (0.4, 0.7, {"at_most": 0.3}, True),
        (0.1, 0.7, {"at_least": 0.3, "at_most": 0.5}, False),
        (0.4, 0.7, {}, None),
    ],
)
def test_thresholds(make_pipeline, before, after, bounds, holds):
    steps = evaluated(before, name="base") | evaluated(after)
    _, check = the_check(make_pipeline(steps, {"rq1": difference(**bounds)}))
    assert check.holds is holds


def test_one_failed_threshold_fails_the_question_and_checks_without_one_decide_nothing(make_pipeline):
    steps = evaluated(0.2, name="base") | evaluated(0.6, length=50)
    question = difference(at_least=0.3)
    unknown = {"what": "?", "compare": "value", "after": {"step": "zero", "metric": "no such"}}
    question["checks"]["told"] = unknown
    (answer,) = answers(make_pipeline(steps, {"rq1": question}, name="a").path)
    assert answer.holds is True
    length = {"what": "length", "compare": "value", "after": {"step": "zero", "metric": "length"}}
    question["checks"]["length"] = length | {"at_least": 60}
    (answer,) = answers(make_pipeline(steps, {"rq1": question}, name="b").path)
    assert (answer.holds, answer.verdict) == (False, "does not hold here")
    question["checks"]["told"] = unknown | {"at_least": 1}
    (answer,) = answers(make_pipeline(steps, {"rq1": question}, name="c").path)
    assert (answer.holds, answer.verdict) == (None, "not answered")


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ({"state": "waiting"}, "zero@1 has not begun"),
        ({"state": "running"}, "zero@1 is running"),
        ({"state": "failed", "metrics": {"pass@1": 0.9}}, "zero@1 failed"),
        ({"state": "left_out"}, "zero@1 was left out"),
        ({}, "zero@1 has no result.json"),
        ({"metrics": {"other": 1}}, "the result of zero@1 has no pass@1"),
        ({"metrics": {"pass@1": float("nan")}}, "the result of zero@1 has no pass@1"),
        ({"metrics": {"pass@1": True}}, "the result of zero@1 has no pass@1"),
    ],
)
def test_one_seed_without_the_number_leaves_the_question_unanswered(make_pipeline, step, why):
    steps = evaluated(0.2, name="base") | evaluated(0.9) | {"zero@1": step}
    folder = make_pipeline(steps, {"rq1": difference(at_least=0.3)})
    answer, check = the_check(folder)
    assert (answer.holds, check.missing) == (None, (why,))
    assert check.after.by_seed == {0: 0.9, 1: None}
    assert answer_metrics([answer]) == {"rq1/accuracy/before": 0.2}


def test_a_step_that_was_left_out_keeps_the_result_that_it_has(make_pipeline):
    steps = evaluated(0.2, name="base") | evaluated(0.9)
    steps["zero@0"]["state"] = "left_out"
    answer, _ = the_check(make_pipeline(steps, {"rq1": difference(at_least=0.3)}))
    assert answer.holds is True


def curve(*values, start=1):
    """Rows at updates 0, 10, 20, ...; before training there is no time/total."""
    rows = [{"update": 10 * i, "eval/pass@1": v, "time/total": 5.0 * i} for i, v in enumerate(values)]
    del rows[0]["time/total"]
    return {"stage": "grpo", "metrics": {}, "rows": rows}


def reaching(**changed):
    end = {"metric": "eval/pass@1", "reaches": "zero", "tolerance": 0.02} | changed
    check = {"what": "updates", "compare": "ratio", "at_most": 0.5}
    check |= {"before": end | {"step": "zero"}, "after": end | {"step": "cold"}}
    return {"rq3": {"asks": "?", "checks": {"updates": check}}}


def test_updates_until_the_others_final_level(make_pipeline):
    zero = curve(0.1, 0.5, 0.85, 0.9, 0.86, 0.94)
    # the level: (0.9 + 0.86 + 0.94) / 3 = 0.9, reached less 0.02 at update 30; the cold start at update 10
    folder = make_pipeline({"zero@0": zero, "cold@0": curve(0.6, 0.88, 0.95)}, reaching())
    answer, check = the_check(folder, "rq3")
    assert (check.before.mean, check.after.mean) == (30, 10)
    assert check.compared.mean == pytest.approx(1 / 3)
    assert answer.holds is True
    seconds = make_pipeline(
        {"zero@0": zero, "cold@0": curve(0.6, 0.88)}, reaching(counted="time/total"), name="s"
    )
    _, check = the_check(seconds, "rq3")
    assert (check.before.mean, check.after.mean) == (15, 5)


def test_a_level_that_is_there_before_training_costs_nothing(make_pipeline):
    steps = {"zero@0": curve(0.1, 0.5, 0.5, 0.5), "cold@0": curve(0.6, 0.7)}
    answer, check = the_check(make_pipeline(steps, reaching(counted="time/total")), "rq3")
    assert (check.after.mean, check.compared.mean, answer.holds) == (0, 0, True)


def test_a_level_that_is_never_reached_is_infinite_and_in_no_metric(make_pipeline):
    steps = {"zero@0": curve(0.1, 0.9, 0.9, 0.9), "cold@0": curve(0.6, 0.7, 0.8)}
    folder = make_pipeline(steps, reaching())
    answer, check = the_check(folder, "rq3")
    assert (check.after.mean, check.after.never, check.holds, answer.holds) == (math.inf, 20, False, False)
    metrics = answer_metrics([answer])
    assert metrics == {"rq3_holds": 0.0, "rq3/updates/before": 10.0}
    json.dumps(metrics, allow_nan=False)


def test_one_seed_that_never_reached_it_makes_the_mean_infinite(make_pipeline):
    steps = {f"zero@{seed}": curve(0.1, 0.9, 0.9, 0.9) for seed in (0, 1)}
    steps |= {"cold@0": curve(0.6, 0.9), "cold@1": curve(0.6, 0.7)}
    answer, check = the_check(make_pipeline(steps, reaching()), "rq3")
    assert check.after.by_seed == {0: 10, 1: math.inf}
    assert (check.after.mean, check.after.low, answer.holds) == (math.inf, None, False)


@pytest.mark.parametrize(
    ("values", "level"), [((), None), ((0.5,), 0.5), ((0.1, 0.3), 0.2), ((9, 0.1, 0.2, 0.6), 0.3)]
)
def test_the_final_level_is_the_mean_of_the_last_three_values(values, level):
    rows = [{"m": value} for value in values] + [{"other": 1}, {"m": None}]
    assert final_level(rows, "m") == (None if level is None else pytest.approx(level))


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({"checks": []}, r"questions\.rq1\.checks should be an object, not a list"),
        ({"checks": {"a": {"after": {"metric": "m"}}}}, r"checks\.a\.after\.step is absent"),
        ({"checks": {"a": {"after": {"step": "z", "metric": "m"}}}}, r"compare=difference needs before"),
        (
            {"checks": {"a": {"after": {"step": "z", "metric": "m"}, "compare": "value", "at_least": "x"}}},
            r"at_least='x' should be a number",
        ),
        (
            {"checks": {"a": {"after": {"step": "z", "metric": "m"}, "compare": "no"}}},
            "should be one of value",
        ),
    ],
)
def test_a_broken_question_is_named(make_pipeline, question, said):
    with pytest.raises(DataError, match=said):
        answers(make_pipeline({}, {"rq1": question}).path)


def test_a_broken_pipeline_file_is_named(make_pipeline, tmp_path: Path):
    with pytest.raises(DataError, match="is no pipeline's folder"):
        answers(tmp_path)
    folder = make_pipeline({}, steps=[{"name": "zero"}])
    with pytest.raises(DataError, match=r"pipeline\.json: steps\[0\]\.key is absent"):
        answers(folder.path)


def test_the_committed_questions_can_be_asked_of_any_folder(make_pipeline):
    import yaml

    from r1light.config.search_path import conf_dir

    questions = yaml.safe_load((conf_dir() / "pipeline/questions/r1_mini.yaml").read_text())
    found = judge(read_pipeline(RunFolder(make_pipeline({"zero@0": {}}, questions).path)))
    assert [answer.name for answer in found] == ["rq1", "rq2", "rq3", "rq4", "rq5"]
    assert {answer.holds for answer in found} == {None}
    assert answer_metrics(found) == {}


_NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=8)


@given(_NUMBERS, st.floats(-1e3, 1e3), st.randoms())
def test_an_interval_moves_with_its_numbers_and_knows_no_order(
    values: list[float], by: float, rng: random.Random
) -> None:
    there = over_seeds({i: Found(value) for i, value in enumerate(values)})
    shuffled = list(values)
    rng.shuffle(shuffled)
    moved = over_seeds({i: Found(value + by) for i, value in enumerate(shuffled)})
    assert there.low <= there.mean <= there.high
    scale = max(1.0, *map(abs, values), abs(by))
    for a, b in ((there.low, moved.low), (there.mean, moved.mean), (there.high, moved.high)):
        assert math.isclose(a + by, b, abs_tol=1e-6 * scale)


@given(st.lists(st.one_of(st.floats(), st.none()), min_size=1, max_size=4))
@example([0.0, 2e307])
def test_no_metric_is_ever_infinite(values):
    found = over_seeds({i: Found(value) for i, value in enumerate(values) if value is None or value == value})
    assert found.mean is None or not math.isnan(found.mean)
    assert found.low is None or math.isfinite(found.low)
