from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from r1light.core.errors import UnknownNameError
from r1light.core.run_folder import RunFolder
from r1light.training.alarm import METRIC, AlarmOptions
from r1light.training.grpo_options import GrpoOptions
from r1light.training.held_out import check_objective, in_words
from r1light.training.record import Record


def record():
    options = GrpoOptions(hacking_alarm=AlarmOptions(window=5))
    return Record(RunFolder(Path()), options, SimpleNamespace(mix_state=dict, load_mix_state=id), None)


def said(record, first, last):
    """What it says of iterations in which a reward model rises while accuracy falls."""
    return [
        record._said(
            number, {"rewards/helpfulness/mean": 0.1 * number, "rewards/accuracy/mean": 1 - 0.1 * number}
        )
        for number in range(first, last)
    ]


def test_the_alarm_is_a_metric_in_every_iteration_and_a_warning_once(caplog):
    rows = said(record(), 1, 9)
    assert [row[METRIC] for row in rows] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert [number for number, row in enumerate(rows, start=1) if "alarm" in row] == [5]
    assert caplog.text.count("reward hacking") == 1


def test_a_resumed_run_does_not_warn_again():
    whole = record()
    expected = said(whole, 1, 9)
    one, two = record(), record()
    begun = said(one, 1, 7)
    two.load_state_dict(one.state_dict())
    assert begun + said(two, 7, 9) == expected


def test_without_reward_models_there_is_no_alarm_to_log():
    assert record()._said(1, {"rewards/accuracy/mean": 0.5}) == {}


def test_held_out_problems_that_no_rule_judges_have_no_accuracy_to_tell():
    words = in_words({"pass@1": float("nan"), "pass@1_greedy": float("nan"), "mean_length": 4.0})
    assert words == "no rule judges these problems, mean length 4.0 tokens"


def test_an_objective_that_no_result_has_is_refused_also_by_a_resumed_run():
    before = {"pass@1": 0.5, "unjudged": float("nan")}
    for name in (None, "after/pass@1", "before/pass@1", "flops"):
        check_objective(name, before, ["flops"])
    for name in ("after/pas@1", "pass@1", "after/unjudged"):
        with pytest.raises(UnknownNameError, match=f"unknown metric of grpo in objective: '{name}'"):
            check_objective(name, before, ["flops"])
    resumed = record()
    resumed.watch.objective = "after/pas@1"
    resumed.before = before
    module = SimpleNamespace(iteration=1, updates=1)
    resumed.keeper.begin = resumed._ends = lambda _: None
    with pytest.raises(UnknownNameError, match="did you mean 'after/pass@1'"):
        resumed.on_train_start(None, module)
