# ruff: noqa: E501
import time
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from r1light.core.errors import DataError
from r1light.core.protocols import Template
from r1light.core.types import Message, Parsed, Problem
from r1light.templates.plain import Plain
from r1light.templates.r1_zero import R1Zero
from r1light.templates.tags import has_tags, parse_tags

ZERO = R1Zero(R1Zero.Config())
PLAIN = Plain(Plain.Config())


def problem(prompt):
    return Problem(id="p1", prompt=prompt, grader="math")


def test_r1_zero_is_the_papers_text():
    # DeepSeek-R1, arXiv 2501.12948 v1, Table 1, with the question for its placeholder
    assert ZERO.render(problem("What is 2+3?")).text == (
        "A conversation between User and Assistant. The user asks a question, and the Assistant solves it. The assistant "
        "first thinks about the reasoning process in the mind and then provides the user with the answer. The reasoning "
        "process and answer are enclosed within <think> </think> and <answer> </answer> tags, respectively, i.e., <think> "
        "reasoning process here </think> <answer> answer here </answer>. User: What is 2+3?. Assistant:"
    )  # fmt: skip


@pytest.mark.parametrize("question", ["{prompt}", "{0} {x!r} %s %(a)d $y \\1", "\\boxed{}", "a\n\nb", ""])
def test_questions_are_inserted_as_they_are(question):
    text = ZERO.render(problem(question)).text
    assert text.count(question) >= 1
    assert text.endswith(f"User: {question}. Assistant:")
    assert PLAIN.render(problem(question)).text == question + "\n"


def test_a_prefill_ends_the_prompt_and_is_parsed_with_the_completion():
    template = R1Zero(R1Zero.Config(prefill="<think>"))
    prompt = template.render(problem("2+3"))
    assert prompt.text.endswith("Assistant: <think>")
    assert prompt.prefill == "<think>"
    parsed = template.parse(prompt.prefill, "2 and 3 </think> <answer>5</answer>")
    assert parsed == Parsed("2 and 3", "5", True)
    assert not template.parse("", "2 and 3 </think> <answer>5</answer>").well_formed


def test_plain_puts_text_around_the_question():
    prompt = Plain(Plain.Config(prefix="Q: ", suffix="\nA: ", prefill="So")).render(problem("2+3"))
    assert (prompt.text, prompt.prefill) == ("Q: 2+3\nA: So", "So")


@pytest.mark.parametrize("template", [ZERO, PLAIN])
def test_one_user_turn_is_a_question_and_longer_conversations_are_refused(template):
    assert isinstance(template, Template)
    turn = problem((Message("user", "2+3"),))
    assert template.render(turn) == template.render(problem("2+3"))
    for turns in ((Message("system", "s"), Message("user", "u")), (Message("user", "u"),) * 2, ()):
        with pytest.raises(DataError, match=r"'p1'.*one user turn"):
            template.render(problem(turns))


@pytest.mark.parametrize(
    ("text", "thinking", "answer"),
    [
        ("<think>a</think><answer>b</answer>", "a", "b"),
        (" <think> a \n b </think>\n\n<answer>\tb </answer>\n", "a \n b", "b"),
        ("<think>1 < 2 > 0</think><answer><b></answer>", "1 < 2 > 0", "<b>"),
    ],
)
def test_well_formed(text, thinking, answer):
    assert ZERO.parse("", text) == Parsed(thinking, answer, True)
    assert PLAIN.parse("", text) == Parsed(thinking, answer, True)


@pytest.mark.parametrize(
    ("text", "thinking", "answer"),
    [
        ("", None, None),
        ("42", None, None),
        ("<answer>5</answer>", None, "5"),
        ("<think>a</think>", "a", None),
        ("<think>a</think> 5", "a", None),
        ("so <think>a</think><answer>5</answer>", "a", "5"),
        ("<think>a</think> so <answer>5</answer>", "a", "5"),
        ("<think>a</think><answer>5</answer>.", "a", "5"),
        ("<answer>5</answer><think>a</think>", "a", "5"),
        ("<think>a</think><think>b</think><answer>5</answer>", "a</think><think>b", "5"),
        ("<think>a</think><answer>4</answer><answer>5</answer>", "a", "5"),
        ("<think>a<answer>4</answer></think><answer>5</answer>", "a<answer>4</answer>", "5"),
        ("<think>a</think><answer>4<answer>5</answer>", "a", "5"),
        ("<think>a</think><answer>5", "a", None),
        ("<think>a</think><answer>4</answer><answer>5", "a", "4"),
        ("<think>cut short", "cut short", None),
        ("<think>a <answer>5</answer>", "a", "5"),
        ("a</think><answer>5</answer>", "a", "5"),
        ("<think></think><answer>5</answer>", "", "5"),
        ("<think> \n </think><answer>5</answer>", "", "5"),
        ("<think>a</think><answer> </answer>", "a", ""),
        ("<THINK>a</THINK><ANSWER>5</ANSWER>", None, None),
        ("< think>a</think><answer>5</answer>", "< think>a", "5"),
        ("</answer>5<answer>", None, None),
    ],
)
def test_not_well_formed_yet_its_parts_are_found(text, thinking, answer):
    assert ZERO.parse("", text) == Parsed(thinking, answer, False)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        (" 5 \n", Parsed(None, "5", True)),
        ("It is \\boxed{5}", Parsed(None, "It is \\boxed{5}", True)),
        ("", Parsed(None, None, False)),
        (" \n", Parsed(None, None, False)),
        ("<think>a</think> 5 ", Parsed("a", "5", True)),
        ("a</think> 5", Parsed("a", "5", False)),
        ("<think>a</think>", Parsed("a", None, False)),
        ("<think>a</think><think>b</think>5", Parsed("a</think><think>b", "5", False)),
        ("<think>a", Parsed("a", None, False)),
        ("<think>a</think>x<answer>5</answer>", Parsed("a", "5", False)),
        ("<answer>5", Parsed(None, None, False)),
    ],
)
def test_plain_takes_tags_where_there_are_any(text, parsed):
    assert PLAIN.parse("", text) == parsed
    assert PLAIN.parse(text[:7], text[7:]) == parsed


TEXTS = st.lists(
    st.one_of(
        st.sampled_from(["<think>", "</think>", "<answer>", "</answer>", " ", "<", "x"]), st.text(max_size=5)
    ),
    max_size=12,
).map("".join)
BARE = st.text(max_size=20).filter(lambda text: "<" not in text and text.strip())


@given(TEXTS, st.integers(0, 60))
def test_any_text_is_parsed_and_the_border_of_the_prefill_does_not_matter(text, cut):
    for template in (ZERO, PLAIN):
        assert template.parse(text[:cut], text[cut:]) == template.parse("", text)
    parsed = parse_tags(text)
    assert parsed.well_formed <= bool(parsed.thinking and parsed.answer and has_tags(text))
    assert parsed.answer is None or parsed.answer in text


@given(BARE, BARE, st.sampled_from(["", " ", "\n\n"]))
def test_what_is_written_in_tags_is_read_back(thinking, answer, space):
    text = f"{space}<think>{thinking}</think>{space}<answer>{answer}</answer>{space}"
    assume(
        all(any(unicodedata.category(each)[0] not in "CZ" for each in part) for part in (thinking, answer))
    )
    assert parse_tags(text) == Parsed(thinking.strip(), answer.strip(), True)
    assert not parse_tags(text + "x").well_formed
    assert not parse_tags(text + text).well_formed


@pytest.mark.parametrize(
    "unit",
    [
        "<think>",
        "</think>",
        "<answer>",
        "</answer>",
        "<answer></answer>",
        "<",
        "<think",
        "a ",
        " ",
        "\n<answer>x",
    ],
)
def test_a_megabyte_is_parsed_in_linear_time(unit):
    text = unit * (1_000_000 // len(unit))
    start = time.process_time()
    for template in (ZERO, PLAIN):
        template.parse("", text)
    assert time.process_time() - start < 4.0  # a quadratic scan needs hours


@pytest.mark.parametrize("nothing", ["\u200b", "\u2060 \ufeff", "\u00ad", "\x07"])
def test_a_block_of_invisible_characters_is_empty(nothing):
    assert not parse_tags(f"<think>{nothing}</think><answer>5</answer>").well_formed
    assert not parse_tags(f"<think>2+3</think><answer>{nothing}</answer>").well_formed
    assert parse_tags(f"<think>2{nothing}+3</think><answer>5</answer>").well_formed
