from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from r1light.core.errors import DataError
from r1light.core.run_folder import RunFolder, StageResult
from r1light.reports.run_files import SampleScore, read_run, read_samples

Make = Callable[..., RunFolder]
Row = Callable[..., dict[str, Any]]


def test_a_folder_without_any_file_of_a_run_is_refused(make_run: Make) -> None:
    with pytest.raises(DataError, match=r"is no run folder: it should hold at least one of manifest\.json"):
        read_run(make_run())


def test_absent_files_are_empty(make_run: Make) -> None:
    run = read_run(make_run(rows=[{"iteration": 0}]))
    assert (run.rows, run.result, run.manifest, run.config) == (({"iteration": 0},), None, {}, "")
    assert run.metrics == {}
    assert run.stage == "unfinished"


def test_the_result_names_the_stage(make_run: Make) -> None:
    result = {"stage": "grpo", "metrics": {"a": 1.0}, "outputs": {"model": "m"}}
    run = read_run(make_run(result=result, manifest={"stage": "other"}))
    assert run.result == StageResult("grpo", {"a": 1.0}, {"model": "m"})
    assert run.stage == "grpo"


@pytest.mark.parametrize(("text", "said"), [("{", "not valid JSON"), ("[]", "JSON object, not a list")])
def test_files_that_cannot_be_read_are_named(make_run: Make, text: str, said: str) -> None:
    folder = make_run(rows=[])
    folder.result.write_text(text)
    with pytest.raises(DataError, match=said) as caught:
        read_run(folder)
    assert "result.json" in str(caught.value)


@pytest.mark.parametrize(("text", "said"), [("nope\n", "line that is not valid JSON"), ("3\n", "not a int")])
def test_lines_that_cannot_be_read_are_named(make_run: Make, text: str, said: str) -> None:
    folder = make_run(rows=[])
    folder.metrics.write_text(text)
    with pytest.raises(DataError, match=said):
        read_run(folder)


def test_a_line_cut_short_by_a_crash_is_left_out(make_run: Make) -> None:
    folder = make_run(rows=[{"iteration": 1}])
    with folder.metrics.open("a") as file:
        file.write('{"iteration": 2, "rew')
    assert read_run(folder).rows == ({"iteration": 1},)


def test_samples_of_any_shape_are_read(make_run: Make, sample: Row) -> None:
    strange = {
        "phase": "train",
        "prompt": [{"role": "user", "content": "x"}],
        "reward": math.nan,
        "tokens": 3.0,
    }
    strange["scores"] = {"a": {"value": None, "status": "error", "detail": "died"}, "b": 0.5}
    plain, odd = read_samples(make_run(samples=[sample(), strange]))
    assert plain.correct is True
    assert plain.scores == (SampleScore("accuracy", 1.0, "ok", "equal"),)
    assert odd.prompt == '[{"role": "user", "content": "x"}]'
    assert odd.scores == (SampleScore("a", None, "error", "died"), SampleScore("b", 0.5, "ok", ""))
    assert (odd.correct, odd.tokens, odd.answer, odd.well_formed) == (None, 3, None, None)


@pytest.mark.parametrize(
    ("score", "correct"),
    [
        ({"value": 1.0, "status": "ok"}, True),
        ({"value": 0.0, "status": "ok"}, False),
        ({"value": None, "status": "abstain"}, None),
        ({"value": None, "status": "error"}, None),
    ],
)
def test_an_accuracy_that_gave_no_score_is_neither_right_nor_wrong(
    make_run: Make, sample: Row, score: dict[str, Any], correct: bool | None
) -> None:
    (row,) = read_samples(make_run(samples=[sample(scores={"accuracy": score})]))
    assert row.correct is correct


@pytest.mark.parametrize(("name", "kind"), [("metrics", "list"), ("outputs", "int")])
def test_a_result_of_another_form_is_refused_in_one_line(tmp_path, name, kind):
    folder = RunFolder(tmp_path)
    folder.result.write_text(json.dumps({"stage": "grpo", name: {"list": [1], "int": 3}[kind]}))
    with pytest.raises(DataError, match=f"result.json: {name} should be a JSON object, not a {kind}"):
        read_run(folder)
