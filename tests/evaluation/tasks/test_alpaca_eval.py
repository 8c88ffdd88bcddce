from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from r1light.core.errors import DataError
from r1light.core.types import Problem
from r1light.evaluation.length_control import Comparison, Gamed, length_controlled
from r1light.evaluation.outcome import Outcome
from r1light.evaluation.task import Answered
from r1light.evaluation.tasks.alpaca_eval import ALPACA_EVAL, AlpacaConfig

SHARED = os.environ.get("R1LIGHT_SHARED_DATA")


def answered(number, preference, length, baseline="x" * 100):
    """An instruction, and a completion of that preference and length; None for one without an answer."""
    problem = Problem(f"alpaca_eval/{number + 1}", "?", "preference", baseline, meta={"index": number})
    parts = {"preference": preference, "length": float(length)} if length is not None else {}
    return Answered(
        problem, (Outcome("p", "a", preference, preference is None, None, 1, False, True, {}, {}, parts),)
    )


@pytest.fixture
def write(tmp_path):
    """Twelve instructions, and the published rows of two gamed baselines for them."""
    rows = [{"instruction": f"Say {number}", "output": "x" * (50 + number)} for number in range(12)]
    (tmp_path / "alpaca_eval_gpt4_baseline.json").write_text(json.dumps(rows))
    lines = ["model,preference,index,std_delta_len,instruction_difficulty,not_gamed_baseline"]
    lines += [
        f"{model},{0.3 + number / 40},{number},{sign * 0.1 * number},{number / 6 - 1},False"
        for model, sign in (("verbose", -1), ("concise", 1))
        for number in range(12)
    ]
    lines[2] = lines[2].replace("0.325", "", 1)  # a comparison without a verdict
    (tmp_path / "df_gamed.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_a_row_is_a_comparison_in_an_order_by_hash(write):
    problems = list(ALPACA_EVAL(AlpacaConfig(), write))
    assert [(each.id, each.prompt, each.grader) for each in problems[:1]] == [
        ("alpaca_eval/1", "Say 0", "preference")
    ]
    assert problems[3].answer == "x" * 53
    assert problems[3].meta["index"] == 3
    orders = [
        [each.meta["swapped"] for each in ALPACA_EVAL(AlpacaConfig(order_seed=seed), write)]
        for seed in (0, 0, 1)
    ]
    assert orders[0] == orders[1] != orders[2]
    assert 0 < sum(orders[0]) < 12


def test_win_rates_by_hand_and_by_the_regression(write):
    task = ALPACA_EVAL(AlpacaConfig(gamed=str(write / "df_gamed.csv")), write)
    preferences = [0.9, 0.2, 0.5, 0.7, 0.4, 0.8, 0.1, 0.6]
    rows = [answered(number, value, 40 * number) for number, value in enumerate(preferences)]
    rows += [answered(8, 0.0, None), answered(9, None, 5)]  # no answer loses; what failed has no part
    found = task.figures(rows, 0)
    values = [*preferences, 0.0]
    assert found["win_rate"].mean == pytest.approx(np.mean(values))
    assert found["win_rate"].stderr == pytest.approx(np.std(values, ddof=1) / 3)
    longer = [100.0 - 40 * number for number in range(8)] + [100.0]
    plain = length_controlled([Comparison(*each) for each in zip(values, longer, strict=True)])
    assert found["lc_win_rate_minimal"].mean == plain.win_rate
    assert found["lc_win_rate_minimal"].stderr is None  # all predictions are one, and say nothing of an error
    gamed = [
        Gamed(0.3 + number / 40, sign * 0.1 * number, number / 6 - 1)
        for sign in (-1, 1)
        for number in range(12)
        if (sign, number) != (-1, 1)
    ]
    full = [Comparison(*each, index / 6 - 1) for index, each in enumerate(zip(values, longer, strict=True))]
    assert [row for _, row in task.gamed] == gamed
    expected = length_controlled(full, gamed)
    assert (found["lc_win_rate"].mean, found["lc_win_rate"].stderr) == (expected.win_rate, expected.stderr)


def test_few_instructions_have_no_length_control_and_no_verdict_no_figure(write):
    task = ALPACA_EVAL(AlpacaConfig(), write)
    assert list(task.figures([answered(number, 1.0, 3) for number in range(4)], 0)) == ["win_rate"]
    assert task.figures([answered(0, None, 3)], 0) == {}
    assert "lc_win_rate" not in task.figures([answered(number, 1.0, 3) for number in range(5)], 0)


def test_files_that_are_absent_or_broken_are_told(write):
    with pytest.raises(
        DataError, match=r"gamed=no\.csv is no file; it is df_gamed\.csv of tatsu-lab/alpaca_eval"
    ):
        ALPACA_EVAL(AlpacaConfig(gamed="no.csv"), write)
    broken = write / "broken.csv"
    broken.write_text("preference,index,std_delta_len,instruction_difficulty\n0.5,0,long,1\n")
    with pytest.raises(DataError, match=r"broken\.csv:2: std_delta_len='long' is no number"):
        ALPACA_EVAL(AlpacaConfig(gamed=str(broken)), write)
    broken.write_text("preference,index,std_delta_len,instruction_difficulty\n0.5,0,1,1\n")
    with pytest.raises(DataError, match="has no difficulty of the instruction 1"):
        list(ALPACA_EVAL(AlpacaConfig(gamed=str(broken)), write))
    with pytest.raises(
        DataError, match=r"alpaca_eval_gpt4_baseline\.json of tatsu-lab/alpaca_eval on the hub"
    ):
        list(ALPACA_EVAL(AlpacaConfig(), write / "..").read())


@pytest.mark.skipif(SHARED is None, reason="needs R1LIGHT_SHARED_DATA")
def test_the_published_annotations_give_the_published_win_rate():
    """By alpaca_eval's own code: the mean of preference - 1, and std / sqrt(n) with n - 1."""
    file = Path(SHARED) / "alpaca_eval/annotations_text_davinci_003_vs_gpt4_1106.jsonl"
    rows = [json.loads(line) for line in file.read_bytes().splitlines()]
    task = ALPACA_EVAL(AlpacaConfig(), Path(SHARED))
    problems = list(task)
    assert len(problems) == len(rows) == 805
    assert [problem.prompt for problem in problems] == [row["instruction"] for row in rows]
    assert [problem.answer for problem in problems] == [row["output_1"] for row in rows]
    found = task.figures(
        [
            Answered(problem, answered(0, row["preference"] - 1, len(row["output_2"])).outcomes)
            for problem, row in zip(problems, rows, strict=True)
        ],
        0,
    )
    preferences = np.array([row["preference"] for row in rows]) - 1
    assert found["win_rate"].mean == pytest.approx(preferences.mean(), abs=1e-12)
    assert found["win_rate"].mean == pytest.approx(0.01962147665, abs=1e-10)
    assert found["win_rate"].stderr == pytest.approx(preferences.std(ddof=1) / np.sqrt(805), abs=1e-12)
    assert found["win_rate"].stderr == pytest.approx(0.00434674759, abs=1e-10)
    assert found["lc_win_rate_minimal"].mean == pytest.approx(0.10121243, abs=1e-7)
    swapped = [problem.meta["swapped"] for problem in problems]
    assert 350 < sum(swapped) < 455  # a fair coin: 402.5 +- 3.7 standard deviations
