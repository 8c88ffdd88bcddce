"""Verdicts on many answers, and what became of completions."""

from __future__ import annotations

import json

from r1light.core.types import Parsed, Problem, Prompt, Verdict
from r1light.curation.curator import Candidate, Dropped, Kept
from r1light.curation.grading import verdicts
from r1light.curation.outcomes import OutcomeTally, each_once, outcome_lines, split

PROBLEM = Problem("p", "2+3?", "exact", "5")


def candidate(verdict, drawn=1):
    return Candidate(
        "template", Prompt("2+3?"), "6\ud800", Parsed(None, "6", True), "stop", verdict, {"drawn": drawn}
    )


class Always:
    def __init__(self, verdict):
        self.verdict, self.calls = verdict, []

    def grade_many(self, items):
        self.calls.append([answer for _, answer in items])
        return [self.verdict] * len(items)


def test_each_grader_sees_all_of_its_answers_at_once_and_none_that_is_empty():
    right, unsure = Always(Verdict(1.0)), Always(Verdict(None, "abstain"))
    other = Problem("q", "?", "judge")
    items = [(PROBLEM, "5"), (other, "x"), (PROBLEM, None), (PROBLEM, "6"), (other, " ")]
    found = verdicts(items, {"exact": right, "judge": unsure})
    assert [verdict.status for verdict in found] == ["ok", "abstain", "ok", "ok", "ok"]
    assert [verdict.score for verdict in found] == [1.0, None, 0.0, 1.0, 0.0]
    assert (right.calls, unsure.calls) == ([["5", "6"]], [["x"]])


def test_counts_and_accuracy():
    tally = OutcomeTally()
    # 3 draws right, 1 wrong, 2 that nobody could judge: 3 of 4
    found = [candidate(Verdict(1.0), 3), candidate(Verdict(0.0)), candidate(Verdict(None, "error"), 2)]
    tally.add(found, [Kept({}), Dropped("wrong", "", 1), Dropped("grader_error", "", 2)])
    tally.add([candidate(None)], [Dropped("wrong", "", 0)])
    assert OutcomeTally(**json.loads(json.dumps(tally.plain()))).metrics() == {
        "problems": 2,
        "problems_kept": 1,
        "completions": 4,
        "kept": 1,
        "dropped/grader_error": 1,
        "dropped/wrong": 2,
        "accuracy": 0.75,
    }
    assert "accuracy" not in OutcomeTally().metrics()


def test_a_row_that_two_completions_give_is_kept_once():
    def row(completion, index):
        return Kept({"prompt": "2+3?", "completion": completion, "meta": {"index": index}})

    wrong = Dropped("wrong", "", 1)
    kept, unlike, again, other = each_once([row("5", 0), wrong, row("5", 2), row("five", 3)])
    assert (kept, unlike, other) == (row("5", 0), wrong, row("five", 3))
    assert (again.reason, again.candidate) == ("same_row", None)


def test_kept_and_dropped_rows_are_told_apart(tmp_path):
    outcomes = [Dropped("wrong", "6 is not 5", 0), Kept({"prompt": "2+3?"}), Dropped("dull", "too easy")]
    (tmp_path / "outcomes").write_bytes(outcome_lines(PROBLEM, [candidate(None)], outcomes))
    split(tmp_path / "outcomes", tmp_path / "data", tmp_path / "dropped")
    assert (tmp_path / "data").read_text() == '{"prompt": "2+3?"}\n'
    wrong, dull = map(json.loads, (tmp_path / "dropped").read_text().splitlines())
    assert (wrong["reason"], wrong["completion"], wrong["answer"]) == ("wrong", "6\ud800", "6")
    assert dull == {"reason": "dull", "detail": "too easy", "problem_id": "p"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "dropped", "outcomes"]
