import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.errors import DataError
from r1light.core.protocols import Composer
from r1light.templates.plain import Plain
from r1light.templates.r1_zero import R1Zero
from r1light.templates.writing import after_prefill

ZERO = R1Zero(R1Zero.Config())
PLAIN = Plain(Plain.Config())
TEXTS = st.lists(
    st.one_of(st.sampled_from(["<think>", "</answer>", "<", ">", " ", "think"]), st.text(max_size=4))
).map("".join)


@given(TEXTS, TEXTS, st.sampled_from(["", "<think>", "<think>\n", "<think> "]))
def test_what_is_composed_is_read_back_or_refused(thinking, answer, prefill):
    for template in (ZERO, PLAIN):
        try:
            text = template.compose(prefill, thinking, answer)
        except DataError:
            continue
        parsed = template.parse(prefill, text)
        assert parsed.well_formed
        assert (parsed.thinking or "", parsed.answer) == (thinking.strip(), answer.strip())


@given(st.text(alphabet="ab1 \n+", min_size=1), st.text(alphabet="ab1 \n+", min_size=1))
def test_parts_without_tags_are_not_refused(thinking, answer):
    if thinking.strip() and answer.strip():
        for template in (ZERO, PLAIN):
            assert isinstance(template, Composer)
            template.compose("<think>", thinking, answer)


def test_the_papers_spacing_and_plain_answers():
    assert ZERO.compose("", "a", "5") == " <think> a </think> <answer> 5 </answer>"
    assert ZERO.compose("<think>", "a", "5") == " a </think> <answer> 5 </answer>"
    assert PLAIN.compose("", "", "5") == "5"
    assert PLAIN.compose("", "a", "5") == "<think>a</think>\n5"
    with pytest.raises(DataError, match="template 'r1_zero' cannot hold these parts"):
        ZERO.compose("", "", "5")
    with pytest.raises(DataError, match="prefill 'So'"):
        PLAIN.compose("So", "a", "5")


@pytest.mark.parametrize(
    ("prefill", "whole", "rest"),
    [
        ("", " ab", " ab"),
        ("\n", " ab", "ab"),
        ("a", " a b", " b"),
        ("a ", "a b", "b"),
        ("a\n", "ab", "b"),
    ],
)
def test_after_a_prefill(prefill, whole, rest):
    assert after_prefill(prefill, whole, "x") == rest
