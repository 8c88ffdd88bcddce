# ruff: noqa: E501
import json
import os
import string
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.types import Problem
from r1light.graders.choice import Choice

OPTIONS = ["5 apples", "7 apples", "x^2", "None of the above"]

B = [
    "B", "b", "(B)", "(b)", "B.", "B)", "[B]", "**B**", "**B.**", "$B$", r"$\text{B}$", r"\boxed{B}", r"\boxed{\text{B}}",
    r"\boxed{\textbf{(B)}}", r"\boxed{(\text{B})}", r"\boxed{B. 7 apples}", r"\boxed{\text{(B) 7 apples}}", "`B`", r"\(B\)", r"\mathrm{B}",
    "Ｂ", "（Ｂ）", "Ⓑ", "🅱", "选B", "选Ｂ", "应选B。", "故选：B", "因此选择B。", "答案：B", "答案是B", "正确答案为 B 项。", "答案选B",
    "B正确", "选项B正确", "B选项", "答案为（B）", "选 B 。", "本题选B", "答案应该是B，因为A太小",
    "The answer is B", "The answer is B.", "The answer is: B", "The answer is (B).", "The correct answer is **B**.", "The answer would be B",
    "the correct option is (B) 7 apples", "Answer: B", "ANSWER: B", "Answer: B) 7 apples", "**Answer:** B", "Final answer: **B**",
    "The final answer is $\\boxed{B}$.", "I choose B.", "I would pick option B because it has more.", "Option B is correct.", "option b",
    "B is the correct answer.", "(B) is right.", "So the answer is B: 7 apples.", "The answer is option B.", "Choice B", "Correct answer = B",
    "Therefore, the correct choice is B, since 3+4=7.", "The answer is B because A is too small.", "The best answer is B. ", "my answer: B",
    "7 apples", "7 apples.", "The answer is 7 apples", "B. 7 apples", "B: 7 apples", "(B) 7 apples", "B) 7 apples", "B - 7 apples",
    "Let me think about A and C first.\n\nB", "We compute 3+4=7.\nAnswer: B", "B\n\nExplanation: 3 + 4 = 7.",
    "<answer>B</answer>", "<think>A? C!</think><answer> (B) </answer>", "<think>The answer is A</think>\nThe answer is B",
    "A is wrong, C is not possible. The answer is B.", "Option A is incorrect. Option B is correct.",
]  # fmt: skip

NOT_B = [
    "A", "C", "E", "BB", "AB", "A or B", "A and B", "A, B", "B, C", "B or C", "A/B", "(A)(B)", "A B C D", "b or c", "Maybe B? Or C?", "A\nB\nC\nD",
    "The answer is A or B.", "The answer is not B.", "I would not choose B.", "不选B", "The answer is A. The answer is B.", "答案不是B",
    "Option B is incorrect.", "B is not correct.", "B is wrong.", "排除B", "答案是A或B", "答案是A", "可选B或C", "I choose B. I choose C.",
    "A. 7 apples", "B. 5 apples", "(B) 5 apples", "The answer is B. 5 apples", "5 apples", "7", "apples", "", "   ", "I do not know", "Both",
    "A. 5 apples B. 7 apples C. x^2 D. None of the above", "(A) 5 apples\n(B) 7 apples\n(C) x^2\n(D) None of the above", "None",
    "Bob is right", "The answer is Bob", "Because", r"\boxed{A, B}", r"\boxed{A} \boxed{C}", r"\boxed{B", r"\boxed{}B", "All of A, B, C",
    "The answer is between A and B", "The answer is I think", "option A is correct and option B is correct", "A is correct. B is correct.",
]  # fmt: skip


def problem(answer, **meta):
    return Problem(id="p", prompt="", grader="choice", answer=answer, meta={"options": OPTIONS} | meta)


@pytest.fixture(scope="module")
def grader():
    return Choice(Choice.Config())


@pytest.mark.parametrize("text", B)
def test_chooses_b(grader, text):
    assert grader.grade(problem("B"), text).correct
    assert [letter for letter in "ACD" if grader.grade(problem(letter), text).correct] == []


@pytest.mark.parametrize("text", NOT_B)
def test_does_not_choose_b(grader, text):
    assert grader.grade(problem("B"), text).score == 0.0


def test_an_ambiguous_answer_passes_for_no_letter(grader):
    ambiguous = [
        "A or B",
        "AB",
        "A, B",
        "The answer is A. The answer is B.",
        "A\nB\nC\nD",
        "B. 5 apples",
        "A. 7 apples",
        "A B C D",
    ]
    ambiguous += [
        "A. 5 apples B. 7 apples C. x^2 D. None of the above",
        "\n".join(f"({c}) {t}" for c, t in zip("ABCD", OPTIONS, strict=True)),
    ]
    passed = [
        (text, letter)
        for text in ambiguous
        for letter in "ABCD"
        if grader.grade(problem(letter), text).correct
    ]
    assert passed == []


@pytest.mark.parametrize(
    "text",
    ["ABD", "A, B, D", "A、B、D", "A B D", "A,B and D", "(A)(B)(D)", "(A), (B), (D)", "DBA", r"\boxed{ABD}", r"\boxed{A, B, D}", "选ABD",
     "答案：ABD", "答案是A、B、D", "The answers are A, B and D.", "The correct options are A, B, and D.", "{A, B, D}", "ＡＢＤ", "A;B;D"],
)  # fmt: skip
def test_several_letters_where_several_are_asked_for(grader, text):
    assert grader.grade(problem("ABD", multiple=True), text).correct
    assert not grader.grade(problem("AB", multiple=True), text).correct
    assert grader.grade(problem("A"), text).score == 0.0


@pytest.mark.parametrize(
    "text", ["AB", "ABCD", "A", "A, B or D", "ABDD", "B", "ABE", "答案是ABC", "ABD or C"]
)
def test_several_letters_must_be_all_and_no_others(grader, text):
    assert grader.grade(problem("ABD", multiple=True), text).score == 0.0


def test_other_labels_and_numbers_of_options(grader):
    labelled = Problem(id="p", prompt="", grader="choice", answer="K", meta={"letters": "FGHJK"})
    assert grader.grade(labelled, "The answer is K.").correct
    assert not grader.grade(labelled, "The answer is E.").correct
    three = Problem(id="p", prompt="", grader="choice", answer="C", meta={"num_options": 3})
    assert grader.grade(three, "c").correct
    assert grader.grade(three, "D").score == 0.0
    bare = Problem(id="p", prompt="", grader="choice", answer="J")
    assert grader.grade(bare, "J").correct


@pytest.mark.parametrize(
    ("answer", "meta"),
    [(None, {}), ("", {}), ("E", {}), ("AB", {}), ("?", {}), ("B", {"options": "ABCD"}), ("B", {"options": [1, 2]}),
     ("B", {"num_options": "4"}), ("B", {"num_options": 7}), ("B", {"letters": "AA", "options": []}), ("B", {"letters": "ab", "options": []})],
)  # fmt: skip
def test_a_problem_that_makes_no_sense_is_an_error(grader, answer, meta):
    verdict = grader.grade(problem(answer, **meta), answer or "B")
    assert verdict.status == "error"
    assert "'p'" in verdict.detail


@given(
    st.sampled_from("ABCD"),
    st.sampled_from("ABCD"),
    st.sampled_from(["{}", "({})", "答案是{}", "The answer is {}.", r"\boxed{{\text{{{}}}}}"]),
)
def test_right_exactly_where_the_letters_are_equal(gold, chosen, form):
    assert Choice(Choice.Config()).grade(problem(gold), form.format(chosen)).correct == (gold == chosen)


@given(st.text(max_size=60))
def test_no_text_passes_for_two_letters(text):
    grader = Choice(Choice.Config())
    assert sum(grader.grade(problem(letter), text).correct for letter in "ABCD") <= 1


@pytest.mark.parametrize(
    "text",
    [
        "A " * 8000,
        "answer is " * 1600,
        "(" * 16000,
        "选" * 16000,
        "A and " * 2500,
        "answer" + " " * 16000,
        "B is " * 3000,
        "B" + " " * 16000 + "C",
        "answer is B" + " \n" * 8000 + "C",
        "B" + ", " * 8000 + "C",
    ],
)
def test_hostile_texts_take_no_time(grader, text):
    start = time.perf_counter()
    assert grader.grade(problem("B"), text).score == 0.0
    assert time.perf_counter() - start < 2.0


def test_long_answers_are_wrong_unless_boxed(grader):
    assert "longer" in grader.grade(problem("B"), "B" + " " * 20000 + "x").detail
    assert grader.grade(problem("B"), "words " * 20000 + r"\boxed{B}").correct


COLOURS = {"options": ["red", "green", "blue", "white"]}
TAKEN_BACK = [
    "The wrong answer is B",
    "The incorrect option is B",
    "The least likely answer is B",
    "It would be a mistake to choose B",
    "I refuse to select B",
    "I don't think the answer is B",
    "the answer is B? no",
    "Answer: B? or C?",
    "Answer: B, or else C",
    "Answer: B. Otherwise C.",
    "B is correct and so is C",
    "The answer is B (red)",
    "错误答案是B",
    "错误选项是B",
    "没有选B",
    "不能选B",
    "不应选B",
    "不应该选择B",
]
CHOSEN = [
    "It is B.",
    "It's B",
    "Therefore, B.",
    "So B",
    "B because it is green",
    "Not A but B.",
    "Ans: B",
    "Solution: B",
    "The correct one is B",
    '"B"',
    'the answer is "B"',
    "Answer: (b) green",
    "\\boxed{B \\text{ green}}",
    "- B",
    "The answer is <b>B</b>.",
    "The answer is B.",
    "B",
    "(B)",
    "答案是B",
    "选B",
    "应选B",
    "The correct answer is B: green",
    "Option B is correct because A is red",
]


@pytest.mark.parametrize("text", TAKEN_BACK)
def test_what_is_denied_or_taken_back_is_not_chosen(grader, text):
    assert not grader.grade(
        Problem(id="p", prompt="", grader="choice", answer="B", meta=COLOURS), text
    ).correct


@pytest.mark.parametrize("text", CHOSEN)
def test_plain_ways_to_choose(grader, text):
    problem = Problem(id="p", prompt="", grader="choice", answer="B", meta=COLOURS)
    assert grader.grade(problem, text).correct
    other = Problem(id="p", prompt="", grader="choice", answer="C", meta=COLOURS)
    assert not grader.grade(other, text).correct


@pytest.mark.parametrize("text", ["Options A, B, and D", "abd", "A, B and D"])
def test_several_letters(grader, text):
    meta = COLOURS | {"multiple": True}
    assert grader.grade(Problem(id="p", prompt="", grader="choice", answer="ABD", meta=meta), text).correct


@pytest.mark.parametrize("values", [{"num_options": 1}, {"num_options": 27}, {"max_chars": 0}])
def test_config_refuses(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        Choice.Config(**values)


def test_answers_that_choose_the_same_have_one_canonical_form(grader):
    meta = {"options": ["red", "green", "blue"], "multiple": True}
    case = Problem(id="p", prompt="", grader="choice", answer="AB", meta=meta)
    assert grader.canonical(case, r"\boxed{B, A}") == grader.canonical(case, "AB") == "AB"
    assert grader.canonical(case, "none of them, I fear") is None
    assert grader.canonical(replace(case, meta={"options": "red"}), "A") is None


DATA = os.environ.get("R1LIGHT_SHARED_DATA")


@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="R1LIGHT_SHARED_DATA names no folder of real data")
@pytest.mark.parametrize(
    "name", ["c_eval/ceval_dev_val.jsonl", "cmmlu/cmmlu_sample.jsonl", "mmlu/mmlu_sample.jsonl"]
)
def test_real_options_are_told_apart(grader, name):
    rows = [json.loads(line) for line in (Path(DATA) / name).read_text().rstrip("\n").split("\n")]
    missed = []
    for row in rows:
        letters = string.ascii_uppercase[: len(row["choices"])]
        for gold in letters:
            case = Problem(id="p", prompt="", grader="choice", answer=gold, meta={"options": row["choices"]})
            for letter, text in zip(letters, row["choices"], strict=True):
                said = [f"{letter}. {text}", f"The answer is ({letter}) {text}", f"答案：{letter}"]
                distinct = row["choices"].count(text) == 1
                missed += [
                    (gold, one)
                    for one in said
                    if distinct and grader.grade(case, one).correct != (letter == gold)
                ]
    assert len(rows) > 100
    assert len(missed) <= 0.001 * 12 * len(rows), missed[:20]
