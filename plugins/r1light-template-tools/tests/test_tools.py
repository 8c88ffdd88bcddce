import pytest
from r1light_template_tools.calls import Call, canonical, from_canonical, read, written
from r1light_template_tools.template import Tools

from r1light.api import DataError, Parsed, Problem
from r1light.testing import check_template

ADD = {"name": "add", "parameters": {"a": "number", "b": "number"}}
PROBLEM = Problem("1", "What is 2+3?", "exact", meta={"tools": [ADD]})
CALLS = [Call("add", {"b": 3, "a": 2}), Call("now")]


@pytest.mark.parametrize("prefill", ["<think>", "<think>\n", ""])
def test_the_contract(prefill):
    check_template(lambda: Tools(Tools.Config(prefill)), PROBLEM)


def test_the_prompt_tells_the_tools():
    assert '{"name": "add", "parameters"' in Tools(Tools.Config()).render(PROBLEM).text


def test_calls_are_read_as_they_are_written_and_compare_whatever_their_spelling():
    assert read(written(CALLS)) == CALLS
    assert from_canonical(canonical(CALLS)) == CALLS
    other = '<tool_call>{"arguments":{"a":2,"b":3},"name":"add"}</tool_call>'
    other += ' <tool_call>{"name":"now"}</tool_call>'
    assert canonical(read(other) or []) == canonical(CALLS)


def test_a_completion_with_calls_has_them_as_its_answer():
    template = Tools(Tools.Config())
    text = template.compose("<think>", "Add.", canonical(CALLS))
    assert template.parse("<think>", text) == Parsed("Add.", canonical(CALLS), well_formed=True)


def test_a_completion_in_words_has_them_as_its_answer():
    assert Tools(Tools.Config()).parse("<think>", "Easy.</think> 5") == Parsed("Easy.", "5", well_formed=True)


@pytest.mark.parametrize(
    "behind",
    [
        "",
        "<tool_call>{}</tool_call>",
        '<tool_call>{"name": "add", "arguments": [2, 3]}</tool_call>',
        '<tool_call>{"name": "add"',
        'I call it. <tool_call>{"name": "now"}</tool_call>',
        '<tool_call>{"name": "now"}</tool_call><think>more</think>',
    ],
)
def test_broken_or_stray_calls_are_not_well_formed(behind):
    assert not Tools(Tools.Config()).parse("<think>", f"Add.</think>{behind}").well_formed


def test_a_conversation_is_refused():
    with pytest.raises(DataError, match="one question"):
        Tools(Tools.Config()).render(Problem("1", (), "exact"))
