"""DROP, FRAMES and IFEval as tasks, on small files of their forms and on IFEval's own."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from r1light.core.errors import DataError
from r1light.core.registry import registry
from r1light.core.types import Problem
from r1light.evaluation.outcome import Outcome
from r1light.evaluation.task import Answered
from r1light.evaluation.tasks.ifeval import share_of


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def task(name, folder, **options):
    tasks = registry("tasks")
    return tasks.create(name, tasks.config_type(name)(**options), data_dir=folder)


def outcome(problem, score, parts):
    return Outcome(problem.id, None, score, False, None, 1, False, True, {}, {}, parts)


NO_DATE = {"day": "", "month": "", "year": ""}


def drop_row(number, answer, validated=None):
    row = {"passage": f"Passage {number}.", "question": f"Question {number}?", "answer": answer}
    return row | {"validated_answers": validated or {"number": [], "date": [], "spans": []}}


@pytest.fixture
def drop_folder(tmp_path):
    number = {"number": "7", "date": NO_DATE, "spans": []}
    others = {"number": ["", ""], "date": [{"day": "", "month": "May", "year": "2001"}, NO_DATE],
              "spans": [[], ["a", "b"]]}  # fmt: skip
    nothing = {"number": "", "date": NO_DATE, "spans": []}
    write(tmp_path / "drop.jsonl", [drop_row(1, number, others), drop_row(2, nothing), drop_row(3, number)])
    spans = {"number": "", "date": NO_DATE, "spans": ["x", "y"]}
    write(tmp_path / "drop/train.jsonl", [drop_row(n, spans) for n in range(101, 106)])
    return tmp_path


def test_drop_asks_after_three_examples_and_keeps_every_answer(drop_folder):
    first, third = task("drop", drop_folder)
    assert (first.id, third.id) == ("drop/1", "drop/3")  # the second has no answer at all
    assert first.meta == {"answers": [["7"], ["May 2001"], ["a", "b"]], "source": "drop"}
    assert first.prompt.count("Passage: ") == 4
    assert first.prompt.count("?\nAnswer: x, y") == 3
    assert "Passage: Passage 1.\nQuestion: Question 1?\nAnswer:\n\n" in first.prompt
    assert first.prompt.endswith('"Answer: $ANSWER" at the end of your response.')
    assert list(task("drop", drop_folder)) == [first, third]
    (alone, _) = task("drop", drop_folder, shots=0)
    assert alone.prompt.startswith("Passage: Passage 1.")


def test_drop_reads_the_other_table_too(tmp_path):
    row = {"passage": "P", "question": "Q?"}
    write(tmp_path / "drop.jsonl", [
        row | {"answers_spans": {"spans": ["4", "4.0"], "types": ["number", "number"]}},
        row | {"answers_spans": {"spans": ["a", "b"], "types": ["span", "span"]}},
    ])  # fmt: skip
    found = [problem.meta["answers"] for problem in task("drop", tmp_path, shots=0)]
    assert found == [[["4"], ["4.0"]], [["a", "b"]]]


def test_drop_s_figures_and_refusals(drop_folder, tmp_path):
    drop = task("drop", drop_folder)
    one, other = drop
    answered = [
        Answered(one, (outcome(one, 0.5, {"f1": 0.5, "em": 0.0}), outcome(one, 1.0, {"f1": 1.0, "em": 1.0}))),
        Answered(other, (outcome(other, 0.0, {}), outcome(other, None, {}))),  # no answer, and not judged
    ]
    found = drop.figures(answered, 0)
    # f1: (0.75 + 0) / 2, std of the two 0.75 / sqrt 2, over sqrt 2
    assert (found["f1"].mean, found["f1"].stderr) == (0.375, pytest.approx(0.375))
    assert found["em"].mean == 0.25
    with pytest.raises(DataError, match=r"5 rows to draw examples from, and stage\.task\.drop\.shots=6"):
        list(task("drop", drop_folder, shots=6))
    (drop_folder / "drop/train.jsonl").unlink()
    with pytest.raises(DataError, match=r"has none of drop/train.*EleutherAI/drop"):
        list(drop)
    write(tmp_path / "drop.jsonl", [{"passage": "P", "question": "Q?", "answer": "7"}])
    with pytest.raises(DataError, match=r"drop\.jsonl:1: its answers are not in DROP's form"):
        list(task("drop", tmp_path, shots=0))


def test_frames_puts_the_articles_before_the_question(tmp_path):
    first, second = "https://en.wikipedia.org/wiki/Ada_%28x%29#Life", "https://en.wikipedia.org/wiki/Bo"
    write(tmp_path / "frames.jsonl", [
        {"Prompt": "Who?", "Answer": "Ada", "wiki_links": f"['{first}', '{second}']"},
        {"Prompt": "Where?", "Answer": "Rome", "wiki_links": [second]},
    ])  # fmt: skip
    write(tmp_path / "frames/articles.jsonl", [
        {"link": "https://en.m.wikipedia.org/wiki/Ada_(x)", "text": "Ada's life."},
        {"link": second, "text": "Bo's life."},
    ])  # fmt: skip
    one, other = task("frames", tmp_path)
    assert (
        one.prompt.index("Ada's life.") < one.prompt.index("Bo's life.") < one.prompt.index("Question: Who?")
    )
    assert (one.grader, one.answer, other.answer, other.id) == ("judge", "Ada", "Rome", "frames/2")
    (cut, _) = task("frames", tmp_path, max_chars=3)
    assert "Article 1:\nAda\n" in cut.prompt
    write(tmp_path / "frames/articles.jsonl", [{"link": first, "text": "Ada's life."}])
    with pytest.raises(DataError, match=r"frames\.jsonl:1: its article .*wiki/Bo is not among the articles"):
        list(task("frames", tmp_path))
    (tmp_path / "frames/articles.jsonl").unlink()
    with pytest.raises(DataError, match=r"has none of frames/articles\.jsonl.*to be fetched by you"):
        list(task("frames", tmp_path))
    with pytest.raises(DataError, match="has no articles here"):
        list(task("frames", None))


@pytest.mark.parametrize("value", ["[", "no list", "__import__('os')", [], None, [1]])
def test_frames_reads_addresses_and_runs_nothing(tmp_path, value):
    write(tmp_path / "frames.jsonl", [{"Prompt": "Who?", "Answer": "Ada", "wiki_links": value}])
    write(tmp_path / "frames/articles.jsonl", [{"link": "a", "text": "b"}])
    with pytest.raises(DataError, match="wiki_links must be a list of one or more addresses"):
        list(task("frames", tmp_path))


def test_ifeval_s_figures_over_prompts():
    one = Problem("ifeval/1", "?", "ifeval", meta={"instruction_id_list": ["a"], "kwargs": [{}]})
    other = Problem(
        "ifeval/2", "?", "ifeval", meta={"instruction_id_list": ["a", "b", "c"], "kwargs": [{}] * 3}
    )
    strict = {"prompt_strict": 0.0, "prompt_loose": 1.0, "inst_strict": 2 / 3, "inst_loose": 1.0}
    whole = dict.fromkeys(strict, 1.0)
    answered = [
        Answered(one, (outcome(one, 1.0, whole), outcome(one, 0.0, {}))),  # the second had no answer
        Answered(other, (outcome(other, 0.0, strict), outcome(other, 1.0, whole))),
    ]
    from r1light.evaluation.tasks.ifeval import IFEval

    found = IFEval(IFEval.Config()).figures(answered, 0)
    assert found["prompt_strict"].mean == 0.5
    # followed, as means over two completions: 0.5 of 1 and 2.5 of 3
    assert found["inst_strict"].mean == pytest.approx(3 / 4)
    # deviations 0.5 - 0.75 = -0.25 and 2.5 - 2.25 = 0.25: sqrt(2 * 0.125) / 4
    assert found["inst_strict"].stderr == pytest.approx(0.125)
    assert found["inst_loose"].mean == pytest.approx(3.5 / 4)


def test_with_equal_totals_the_error_is_that_of_the_mean_of_shares():
    # shares 0, 1/2, 1: mean 1/2, std 1/2, over sqrt 3
    found = share_of([0, 1, 2], [2, 2, 2])
    assert (found.mean, found.stderr) == (0.5, pytest.approx(0.5 / math.sqrt(3)))
    assert share_of([1], [2]).stderr is None


def test_ifeval_s_own_file_is_read_whole():
    folder = Path(os.environ.get("R1LIGHT_SHARED_DATA", "nowhere"))
    if not (folder / "ifeval/input_data.jsonl").is_file():
        pytest.skip("R1LIGHT_SHARED_DATA names no folder with ifeval/input_data.jsonl")
    from r1light.graders.ifeval import IFEval

    problems = list(task("ifeval", folder))
    assert len(problems) == 541
    assert sum(len(problem.meta["instruction_id_list"]) for problem in problems) == 834
    assert {IFEval().grade(problem, problem.prompt).status for problem in problems} == {"ok"}


@pytest.mark.parametrize(
    "row", [{"instruction_id_list": ["a"], "kwargs": []}, {"instruction_id_list": "a", "kwargs": [{}]}]
)
def test_ifeval_s_rows_that_are_none_are_named(tmp_path, row):
    write(tmp_path / "ifeval/input_data.jsonl", [{"prompt": "?", **row}])
    with pytest.raises(
        DataError, match=r"input_data\.jsonl:1: instruction_id_list and kwargs must be two lists"
    ):
        list(task("ifeval", tmp_path))
