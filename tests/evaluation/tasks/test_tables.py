"""Tasks of tables: what becomes of a row, in every form that files and the hub have it in."""

from __future__ import annotations

import json

import pytest

from r1light.core.errors import DataError
from r1light.core.registry import registry
from r1light.evaluation import BUILTINS, GROUPS
from r1light.evaluation.outcome import Outcome
from r1light.evaluation.task import Answered
from r1light.graders.choice import Choice

TASKS = registry("tasks")


@pytest.fixture
def asked(tmp_path):
    """The problems of a task whose file has these rows."""

    def read(name, *rows, file=None, **options):
        path = tmp_path / (file or f"{name}.jsonl")
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return list(TASKS.create(name, TASKS.config_type(name)(**options), data_dir=tmp_path))

    return read


@pytest.mark.parametrize(
    ("name", "row", "question", "answer"),
    [
        ("math500", {"problem": " 1+1? ", "answer": "2"}, "1+1?", "2"),
        ("amc23", {"question": "1+1?", "answer": 27.0}, "1+1?", "27"),
        ("cnmo2024", {"question": "1+1?", "answer": "2"}, "1+1?", "2"),
        ("minerva_math", {"problem": "1+1?", "solution": r"\boxed{1}, no: \boxed{2}"}, "1+1?", "2"),
        ("minerva_math", {"question": "1+1?", "answer": "2"}, "1+1?", "2"),
        ("olympiadbench", {"question": "x?", "final_answer": ["$1$", "$2$"]}, "x?", "$1$, $2$"),
        ("gsm8k", {"question": "How many?", "answer": "1+1=<<1+1=2>>2\n#### 1,200"}, "How many?", "1200"),
        ("svamp", {"Body": "2 pies.", "Question": "How many?", "Answer": 2.0}, "2 pies. How many?", "2"),
        ("asdiv", {"body": "2 pies.", "question": "How?", "answer": "2 (pies)"}, "2 pies. How?", "2"),
        ("cmath", {"question": "几个？", "golden": "2"}, "几个？", "2"),
        ("gaokao2023en", {"question": "1+1?", "answer": "$2$"}, "1+1?", "$2$"),
        ("college_math", {"question": "1+1?", "answer": "$2$"}, "1+1?", "$2$"),
    ],
)  # fmt: skip
def test_maths(asked, name, row, question, answer):
    (problem,) = asked(name, row)
    assert (problem.id, problem.grader, problem.answer) == (f"{name}/1", "math", answer)
    assert problem.meta == {"question": question, "source": name}
    assert problem.prompt.startswith(question + "\n")
    assert r"\boxed{}" in problem.prompt
    assert problem.language == ("zh" if name == "cmath" else "en")


@pytest.mark.parametrize(
    ("name", "row", "answer"),
    [
        ("mmlu", {"question": "q", "choices": ["r", "g", "b"], "answer": 1}, "B"),
        ("mmlu", {"question": "q", "choices": ["r", "g", "b"], "answer": "B", "split": "test"}, "B"),
        ("mmlu_pro", {"question": "q", "options": ["r", "g", "b"], "answer": "C", "answer_index": 2}, "C"),
        ("aqua", {"question": "q", "options": ["A)r", "B)g", "C)b"], "correct": "A"}, "A"),
        ("sat_math", {"question": "q", "options": "A) r B) g C) b", "Answer": "C"}, "C"),
        ("sat_math", {"question": "q", "options": "A. r B. g C. b", "Answer": "C"}, "C"),
        ("c_eval", {"question": "q", "A": "r", "B": "g", "C": "b", "answer": "B"}, "B"),
        ("cmmlu", {"Question": "q", "A": "r", "B": "g", "C": "b", "Answer": "B"}, "B"),
    ],
)
def test_choice(asked, name, row, answer):
    (problem,) = asked(name, row)
    assert (problem.grader, problem.answer, problem.meta["options"]) == ("choice", answer, ["r", "g", "b"])
    assert problem.prompt.endswith("\n\nq\n\nA) r\nB) g\nC) b")
    assert ("答案：X" in problem.prompt) == (name in ("c_eval", "cmmlu"))


def test_the_last_line_of_the_asked_form_is_the_answer(asked):
    (problem,) = asked("mmlu", {"question": "q", "choices": ["r", "g", "b"], "answer": 1})
    grader = Choice(Choice.Config())
    for said in ("Option A is correct only if \\boxed{x}.\n\n**Answer: B**", "Answer: A\nNo.\nAnswer: (B)"):
        assert grader.grade(problem, said).correct
        assert grader.canonical(problem, said) == "B"
    assert not grader.grade(problem, "B is tempting.\nAnswer: A").correct
    assert not grader.grade(problem, "Answer: A or B").correct


def test_only_the_split_that_is_asked_counts(asked):
    row = {"question": "q", "choices": ["r", "g"], "answer": "A"}
    found = asked("c_eval", {**row, "split": "dev"}, {**row, "split": "val"})
    assert [problem.id for problem in found] == ["c_eval/2"]


def test_redux_asks_what_has_one_right_answer(asked):
    row = {"question": "q", "choices": ["r", "g"], "answer": 0}
    kinds = [("ok", None), ("wrong_groundtruth", "B"), ("wrong_groundtruth", "none"), ("bad_question", None)]
    rows = [row | {"error_type": kind, "correct_answer": answer} for kind, answer in kinds]
    found = asked("mmlu_redux", *rows)
    assert [(problem.id, problem.answer) for problem in found] == [
        ("mmlu_redux/1", "A"),
        ("mmlu_redux/2", "B"),
    ]


def test_gpqa_hides_the_right_option_by_the_question_alone(asked):
    rows = [
        {
            "Question": f"q{n}",
            "Correct Answer": "yes\n",
            **{f"Incorrect Answer {k}": f"no{k}" for k in (1, 2, 3)},
        }
        for n in range(200)
    ]
    found = asked("gpqa_diamond", *rows)
    assert all(one.meta["options"]["ABCD".index(one.answer)] == "yes" for one in found)
    counts = [sum(one.answer == letter for one in found) for letter in "ABCD"]
    assert min(counts) > 30  # 50 each, give or take 6
    again = {one.prompt: one.answer for one in asked("gpqa_diamond", *rows[::-1][:50])}
    assert all(again.get(one.prompt, one.answer) == one.answer for one in found)


@pytest.mark.parametrize(("label", "answer"), [("true", "A"), ("false", "B"), (0, "A"), (1, "B")])
def test_cluewsc(asked, label, answer):
    target = {"span1_text": "小明", "span2_text": "他", "span1_index": 0, "span2_index": 5}
    (problem,) = asked("cluewsc", {"text": "小明说他累了。", "label": label, "target": target})
    assert (problem.answer, problem.language) == (answer, "zh")
    assert "“他”指的是“小明”吗？\n\nA) 是\nB) 不是" in problem.prompt


PUZZLE = {"quiz": "Who?", "names": ["Zoey", "Owen"], "solution": [True, False]}


def test_knights_and_knaves(asked):
    (problem,) = asked("knights_and_knaves", PUZZLE, file="2ppl_test.jsonl")
    assert problem.answer == "(1) Zoey is a knight\n(2) Owen is a knave"
    assert asked("knights_and_knaves", PUZZLE, file="2ppl_test.jsonl", sizes=[2, 3]) == [problem]
    task = TASKS.create("knights_and_knaves", TASKS.config_type("knights_and_knaves")())
    outcomes = [Outcome(problem.id, None, score, False, None, 1, False, True, {}, {}) for score in (1.0, 0.0)]
    found = task.figures([Answered(problem, tuple(outcomes))], seed=0)
    assert {name: each.mean for name, each in found.items()} == {"pass@1_2": 0.5}


@pytest.mark.parametrize(
    ("name", "row", "said"),
    [
        ("mmlu", {"question": "q", "choices": ["r", "g"], "answer": "C"}, "answer='C' must be a letter"),
        ("mmlu", {"question": "q", "choices": ["r"], "answer": "A"}, "there must be 2 to 26 options"),
        ("gsm8k", {"question": "q", "answer": "72"}, "no '#### 72' at its end"),
        ("minerva_math", {"problem": "q", "solution": "5"}, "no answer, and the solution has no"),
        ("olympiadbench", {"question": "q", "final_answer": []}, "final_answer must be a list of texts"),
        (
            "cluewsc",
            {"text": "t", "label": 2, "target": {"span1_text": "a", "span2_text": "b"}},
            "label=2 must",
        ),
        ("cluewsc", {"text": "t", "label": 1, "target": {}}, "target must have span1_text"),
        ("gaokao2023en", {"question": "q", "answer": ""}, "answer is empty"),
    ],
)
def test_a_broken_row_is_named(asked, tmp_path, name, row, said):
    with pytest.raises(DataError, match=rf"{name}\.jsonl:1.*{said}"):
        asked(name, row)


def test_puzzles_that_are_broken_or_not_there(asked, tmp_path):
    with pytest.raises(DataError, match=r"2ppl_test\.jsonl:1: names must be texts"):
        asked("knights_and_knaves", PUZZLE | {"solution": [1]}, file="2ppl_test.jsonl")
    with pytest.raises(DataError, match=r"data_dir=.* has no file such as 3ppl_test\.jsonl; it is K-and-K"):
        asked("knights_and_knaves", PUZZLE, file="other.jsonl", sizes=[3])
    with pytest.raises(ValueError, match="sizes"):
        TASKS.config_type("knights_and_knaves")(sizes=[])


def test_a_benchmark_that_is_not_on_the_hub_says_where_it_is():
    with pytest.raises(
        DataError, match=r"task cmmlu has no data here: github\.com/.*; name the folder .*data_dir="
    ):
        list(TASKS.create("cmmlu", TASKS.config_type("cmmlu")()))


def test_the_paper_s_samples_a_problem():
    about = {name: TASKS.create(name, TASKS.config_type(name)()).about for name in BUILTINS}
    many = {name for name, each in about.items() if each.k == 64}
    assert many == {"aime24", "aime25", "cnmo2024", "gpqa_diamond"}
    assert {name for name, each in about.items() if each.k == 16} >= {"math500", "amc23", "sat_math"}
    assert all(each.obtain for name, each in about.items() if name not in ("arithmetic", "countdown"))


def test_every_task_of_a_group_is_there():
    assert {name for group in GROUPS.values() for name in group} - BUILTINS.keys() == set()
