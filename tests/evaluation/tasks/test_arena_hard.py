from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from r1light.core.errors import DataError
from r1light.core.types import Problem
from r1light.evaluation.outcome import Outcome
from r1light.evaluation.task import Answered
from r1light.evaluation.tasks.arena_hard import ARENA_HARD, ArenaConfig
from r1light.graders.arena import Arena
from r1light.graders.judge_prompt import defused

SHARED = os.environ.get("R1LIGHT_SHARED_DATA")


def lines(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def new_answer(uid, text):
    return {
        "uid": uid,
        "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": {"answer": text}}],
    }


def played(first, second):
    parts = {} if first is None else {"first": float(first), "second": float(second)}
    return Answered(
        Problem("arena_hard/1", "?", "arena", "x"),
        (Outcome("p", "a", 0.5, False, None, 1, False, True, {}, {}, parts),),
    )


def test_questions_meet_the_baselines_answers_by_their_ids(tmp_path):
    folder = tmp_path / "arena-hard-v0.1"
    lines(folder / "question.jsonl", {"uid": "a", "category": "arena-hard-v0.1", "prompt": "One?"},
          {"question_id": "b", "turns": [{"content": "Two?"}]})  # fmt: skip
    lines(folder / "model_answer/gpt-4-0314.jsonl",
          {"question_id": "b", "choices": [{"turns": [{"content": "2"}]}]}, new_answer("a", "1"))  # fmt: skip
    first, second = ARENA_HARD(ArenaConfig(), tmp_path)
    assert (first.id, first.prompt, first.answer, first.grader) == ("arena_hard/1", "One?", "1", "arena")
    assert first.meta == {"source": "arena_hard", "version": "v0.1", "uid": "a"}
    assert (second.prompt, second.answer) == ("Two?", "2")


def test_a_category_of_the_second_version_has_its_own_baseline(tmp_path):
    kinds = ["hard_prompt", "creative_writing", "hard_prompt"]
    questions = [
        {"uid": f"{number}", "category": kind, "prompt": f"Q{number}"} for number, kind in enumerate(kinds)
    ]
    lines(tmp_path / "arena_hard/question_v2.0.jsonl", *questions)
    lines(
        tmp_path / "arena_hard/answers_v2.0_o3-mini-2025-01-31.jsonl",
        new_answer("0", "a"),
        new_answer("2", "b"),
    )
    config = ArenaConfig(version="v2.0")
    assert [problem.answer for problem in ARENA_HARD(config, tmp_path)] == ["a", "b"]
    with pytest.raises(DataError, match=r"model_answer/gemini-2\.0-flash-001\.jsonl"):
        list(ARENA_HARD(ArenaConfig(version="v2.0", category="creative_writing"), tmp_path))


def test_the_score_by_hand():
    task = ARENA_HARD(ArenaConfig())
    # +2 and +1: 3 + 1 wins of 4; -1 and 0: 1/2 of 2; no answer: 0 of 6; so 4.5 of 12
    found = task.figures([played(2, 1), played(-1, 0), played(None, None)], 0)
    assert found["score"].mean == 4.5 / 12
    assert found["score_low"].mean < 4.5 / 12 < found["score_high"].mean
    assert {estimate.stderr for estimate in found.values()} == {None}
    assert found == task.figures([played(2, 1), played(-1, 0), played(None, None)], 0)
    assert task.figures([played(0, 0)], 0)["score"].mean == 0.5
    failed = Outcome("p", "a", None, True, None, 1, False, True, {}, {})
    assert task.figures([Answered(Problem("arena_hard/1", "?", "arena"), (failed,))], 0) == {}


def test_what_is_absent_or_broken_is_told(tmp_path):
    with pytest.raises(
        DataError, match=r"github\.com/lmarena/arena-hard-auto.*stage\.data_dir=, or .*baseline="
    ):
        list(ARENA_HARD(ArenaConfig()))
    lines(tmp_path / "q.jsonl", {"uid": "a", "prompt": "One?"})
    lines(tmp_path / "a.jsonl", {"uid": "a", "messages": []})
    config = ArenaConfig(path=str(tmp_path / "q.jsonl"), baseline=str(tmp_path / "a.jsonl"))
    with pytest.raises(DataError, match=r"a\.jsonl:1 has no text in messages\.-1\.content"):
        list(ARENA_HARD(config))
    lines(tmp_path / "a.jsonl", new_answer("b", "1"))
    with pytest.raises(DataError, match=r"q\.jsonl:1: question a has no answer of the baseline gpt-4-0314"):
        list(ARENA_HARD(config))
    with pytest.raises(DataError, match=r"stage\.task\.arena_hard\.path=no\.jsonl is no file"):
        list(ARENA_HARD(ArenaConfig(path="no.jsonl", baseline=str(tmp_path / "a.jsonl"))))
    with pytest.raises(ValueError, match=r"must be arena-hard-v0\.1"):
        ArenaConfig(category="hard_prompt")


class ByLength:
    """The longer answer is better, and by much where it is more than twice as long."""

    def ask(self, messages):
        text = messages[1].content
        mark = text.split()[3].rstrip(".")
        rest = text.partition(f"answer of assistant A {mark} -----\n")[2]
        first, _, rest = rest.partition(f"\n----- answer of assistant B {mark} -----\n")
        sizes = len(first), len(rest.partition(f"\n----- end {mark}")[0])
        strong = ">>" if max(sizes) > 2 * min(sizes) else ">"
        verdict = "A=B" if sizes[0] == sizes[1] else f"A{strong}B" if sizes[0] > sizes[1] else f"B{strong}A"
        return f"By size.\n{mark} [[{verdict}]]"


@pytest.mark.skipif(SHARED is None, reason="needs R1LIGHT_SHARED_DATA")
def test_real_answers_of_another_model_get_the_score_of_an_independent_count():
    problems = list(ARENA_HARD(ArenaConfig(), Path(SHARED)))
    assert len(problems) == 500
    file = Path(SHARED) / "arena_hard/answers_v0.1_gpt-3.5-turbo-0125.jsonl"
    rows = [json.loads(line) for line in file.read_bytes().splitlines()]
    others = {row["uid"]: row["messages"][-1]["content"]["answer"] for row in rows}
    grader = Arena(Arena.Config(cache=""), ByLength())
    items = [(problem, others[problem.meta["uid"]]) for problem in problems]
    verdicts = grader.grade_many(items)
    assert {verdict.status for verdict in verdicts} == {"ok"}
    outcomes = [
        Outcome("p", "a", each.score, False, None, 1, False, True, {}, {}, each.parts) for each in verdicts
    ]
    task = ARENA_HARD(ArenaConfig())
    found = task.figures([Answered(p, (o,)) for p, o in zip(problems, outcomes, strict=True)], 0)
    wins = total = 0.0
    for problem, answer in items:
        ours, theirs = len(defused(answer)), len(defused(problem.answer))
        weight = 3 if max(ours, theirs) > 2 * min(ours, theirs) and ours != theirs else 1
        total += 2 * weight
        wins += 2 * weight * (0.5 if ours == theirs else float(ours > theirs))
    assert found["score"].mean == pytest.approx(wins / total, abs=1e-12)
    assert found["score_low"].mean < wins / total < found["score_high"].mean
    itself = grader.grade_many([(problem, problem.answer) for problem in problems])
    assert {verdict.score for verdict in itself} == {0.5}


@pytest.mark.skipif(SHARED is None, reason="needs R1LIGHT_SHARED_DATA")
def test_real_questions_of_the_second_version_load_by_category(tmp_path):
    file = Path(SHARED) / "arena_hard/question_v2.0.jsonl"
    uids = [json.loads(line)["uid"] for line in file.read_bytes().splitlines()]
    lines(tmp_path / "a.jsonl", *(new_answer(uid, "An answer.") for uid in uids))
    found = {}
    for category in ("hard_prompt", "creative_writing"):
        config = ArenaConfig(version="v2.0", category=category, baseline=str(tmp_path / "a.jsonl"))
        found[category] = len(list(ARENA_HARD(config, Path(SHARED))))
    assert found == {"hard_prompt": 500, "creative_writing": 250}
