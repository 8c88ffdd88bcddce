import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.errors import DataError
from r1light.core.protocols import Composer
from r1light.core.types import Message, Parsed, Problem
from r1light.templates.cold_start import ColdStart
from r1light.templates.markers import Markers

COLD = ColdStart(ColdStart.Config(opening="|m|", closing="|m|"))
R1 = ColdStart(ColdStart.Config(opening="<think>\n", closing="\n</think>\n\n"))
HELLO = ColdStart(ColdStart.Config(opening="|m|", closing="|m|", empty_thoughts=True))


def problem(prompt="2+3?"):
    return Problem(id="p1", prompt=prompt, grader="math")


def test_the_text_around_the_question_and_the_prefill():
    template = ColdStart(ColdStart.Config(prefix="Q ", suffix=" A ", prefill="|special|"))
    prompt = template.render(problem("a {x} %s"))
    assert (prompt.text, prompt.prefill) == ("Q a {x} %s A |special|", "|special|")
    assert template.parse(prompt.prefill, "t|special|5") == Parsed("t", "5", True)
    assert isinstance(template, Composer)
    with pytest.raises(DataError, match="one user turn"):
        template.render(problem((Message("user", "u"), Message("assistant", "a"), Message("user", "u"))))


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("|m|a|m|b", Parsed("a", "b", True)),
        (" \n|m| a |m|\n b \n", Parsed("a", "b", True)),
        ("", Parsed(None, None, False)),
        ("just 5", Parsed(None, None, False)),
        ("|m|a", Parsed("a", None, False)),
        ("|m|a|m|", Parsed("a", "", False)),
        ("|m||m|b", Parsed("", "b", False)),
        ("|m| \u200b |m|b", Parsed("\u200b", "b", False)),
        ("x|m|a|m|b", Parsed("a", "b", False)),
        ("|m|a|m|b|m|", Parsed("a|m|b", "", False)),
        ("|m|a|m|b|m|c", Parsed("a|m|b", "c", False)),
    ],
)
def test_one_marker_twice(text, parsed):
    assert COLD.parse("", text) == parsed
    for cut in range(len(text)):
        assert COLD.parse(text[:cut], text[cut:]) == parsed


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("<think>\na\n</think>\n\nb", Parsed("a", "b", True)),
        ("<think>a</think>b", Parsed("a", "b", True)),
        ("a</think>b", Parsed("a", "b", False)),
        ("<think>a", Parsed("a", None, False)),
        ("<think>a</think></think>b", Parsed("a</think>", "b", False)),
        ("<think>a<think>b</think>c", Parsed("a<think>b", "c", False)),
        ("</think>b<think>a", Parsed("", "b<think>a", False)),
    ],
)
def test_two_markers(text, parsed):
    assert R1.parse("", text) == parsed


def test_an_empty_thought_is_well_formed_only_by_option():
    assert HELLO.parse("", "|m||m|Hello!") == Parsed("", "Hello!", True)
    assert HELLO.compose("", "", "Hello!") == "|m||m|Hello!"
    assert not HELLO.parse("", "|m|a|m|").well_formed
    assert not HELLO.parse("", "Hello!").well_formed
    with pytest.raises(DataError, match="cannot hold these parts"):
        COLD.compose("", "", "Hello!")


def test_the_released_form_is_written_with_its_white_space():
    assert R1.compose("", " a ", "b") == "<think>\na\n</think>\n\nb"
    assert R1.compose("<think>\n", "a", "b") == "a\n</think>\n\nb"


@pytest.mark.parametrize(
    ("thinking", "answer"),
    [("a|m|b", "c"), ("a", "b|m|"), ("a|", "m|b|m|"), ("a|m", "b"), ("a", " "), ("", "a")],
)
def test_parts_that_would_read_as_others_are_refused(thinking, answer):
    with pytest.raises(DataError, match="template 'cold_start' cannot hold these parts"):
        COLD.compose("", thinking, answer)


MARKERS = st.sampled_from(["|m|", "|special|", "<think>\n", "</think>", " ## "])
PARTS = st.lists(
    st.one_of(st.sampled_from(["|m|", "|", "m", "<think>", "x", "\n"]), st.text(max_size=4))
).map("".join)


@given(MARKERS, MARKERS, PARTS, PARTS, st.booleans())
def test_what_is_composed_is_read_back_or_refused(opening, closing, thinking, answer, prefilled):
    prefill = opening if prefilled else ""
    template = ColdStart(
        ColdStart.Config(opening=opening, closing=closing, prefill=prefill, empty_thoughts=True)
    )
    try:
        text = template.compose(prefill, thinking, answer)
    except DataError:
        return
    assert template.parse(prefill, text) == Parsed(thinking.strip(), answer.strip(), True)


@given(st.text(alphabet="abc 12+=\n", min_size=1), st.text(alphabet="abc 12+=\n", min_size=1))
def test_plain_parts_are_never_refused(thinking, answer):
    if thinking.strip() and answer.strip():
        assert COLD.parse("", COLD.compose("", thinking, answer)).thinking == thinking.strip()


@pytest.mark.parametrize("values", [{"opening": ""}, {"closing": " \n"}])
def test_markers_must_not_be_empty(values):
    with pytest.raises(ValueError, match=f"{next(iter(values))}="):
        ColdStart.Config(**values)


def test_a_megabyte_is_parsed_in_linear_time():
    start = time.process_time()
    for unit in ("|m|", "|", " ", "|m"):
        Markers("|m|", "|m|").parse(unit * 100_000)
    assert time.process_time() - start < 3.0  # a quadratic scan needs hours
