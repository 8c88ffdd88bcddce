from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from r1light.core.errors import DataError
from r1light.core.types import Problem
from r1light.evaluation.outcome import Outcome
from r1light.evaluation.task import Answered, TaskConfig
from r1light.evaluation.tasks.simple_qa import C_SIMPLE_QA, SIMPLE_QA
from r1light.graders.facts import Facts

SHARED = os.environ.get("R1LIGHT_SHARED_DATA")
GRADES = ("correct", "incorrect", "not_attempted")


def outcome(grade):
    """A completion of that grade; "none" has no answer, and "failed" could not be judged."""
    score = None if grade == "failed" else float(grade == "correct")
    parts = {name: float(name == grade) for name in GRADES} if grade in GRADES else {}
    return Outcome("p", "simpleqa", score, grade == "failed", None, 1, False, True, {}, {}, parts)


def answered(*rows):
    problem = Problem("simpleqa/1", "?", "facts", "x")
    return [Answered(problem, tuple(map(outcome, row))) for row in rows]


@pytest.fixture
def task(tmp_path):
    (tmp_path / "simple_qa_test_set.csv").write_text('metadata,problem,answer\n{},"Who, then?",Ada\n')
    return SIMPLE_QA(TaskConfig(), tmp_path)


def test_a_row_is_a_question_for_the_grader_of_facts(task):
    (problem,) = task
    assert (problem.id, problem.prompt, problem.answer) == ("simpleqa/1", "Who, then?", "Ada")
    assert (problem.grader, problem.language, problem.meta) == ("facts", "en", {"source": "simpleqa"})


def test_the_figures_by_hand(task):
    found = task.figures(
        answered(
            ["correct", "correct"], ["correct", "incorrect"], ["incorrect", "none"], ["not_attempted"] * 2
        ),
        0,
    )
    # of 8: 3 correct, 2 incorrect, 3 not attempted; 3 of 5 attempts; 2 * 3/8 / (1 + 5/8) = 6/13
    assert {name: estimate.mean for name, estimate in found.items()} == pytest.approx(
        {
            "correct": 3 / 8,
            "incorrect": 2 / 8,
            "not_attempted": 3 / 8,
            "correct_given_attempted": 3 / 5,
            "f1": 6 / 13,
        }
    )
    given, overall = 3 / 5, 3 / 8
    assert found["f1"].mean == pytest.approx(2 * given * overall / (given + overall))
    # problems' means of correct: 1, 1/2, 0, 0; their std over sqrt(4)
    assert found["correct"].stderr == pytest.approx(0.4787 / 2, abs=1e-4)


def test_what_could_not_be_judged_has_no_part_and_no_attempt_no_ratio(task):
    found = task.figures(answered(["correct", "failed"], ["failed"]), 0)
    assert (found["correct"].mean, found["correct"].problems) == (1.0, 1)
    assert task.figures(answered(["failed"]), 0) == {}
    silent = task.figures(answered(["none"], ["not_attempted"]), 0)
    assert "correct_given_attempted" not in silent
    assert silent["f1"].mean == 0.0


def test_absent_data_say_what_to_get(tmp_path):
    with pytest.raises(DataError, match=r"task c_simpleqa: .* chinese_simpleqa\.jsonl of OpenStellarTeam"):
        list(C_SIMPLE_QA(TaskConfig(), tmp_path))


class ByTheReference:
    """Finds right the answer that is the reference."""

    def ask(self, messages):
        text = messages[1].content
        mark = text.split()[3].rstrip(".")
        rest = text.partition(f"reference answer {mark} -----\n")[2]
        reference, _, rest = rest.partition(f"\n----- candidate's answer {mark} -----\n")
        same = rest.partition(f"\n----- end {mark}")[0] == reference
        return json.dumps({"mark": mark, "analysis": "", "verdict": "correct" if same else "incorrect"})


@pytest.mark.skipif(SHARED is None, reason="needs R1LIGHT_SHARED_DATA")
@pytest.mark.parametrize(("task", "count"), [(SIMPLE_QA, 4326), (C_SIMPLE_QA, 3000)])
def test_real_rows_score_all_by_their_own_references_and_none_by_others(task, count):
    problems = list(task(TaskConfig(), Path(SHARED)))
    assert len({problem.id for problem in problems}) == len(problems) == count
    grader = Facts(Facts.Config(cache=""), ByTheReference())
    own = grader.grade_many([(problem, problem.answer) for problem in problems])
    assert sum(verdict.score == 1.0 for verdict in own) == count
    # of other questions, those whose reference is another text: so far away is never the same but by chance
    others = [problems[(place + count // 2) % count].answer for place in range(count)]
    pairs = [
        (problem, other) for problem, other in zip(problems, others, strict=True) if other != problem.answer
    ]
    assert len(pairs) > 0.99 * count
    assert {verdict.score for verdict in grader.grade_many(pairs)} == {0.0}
