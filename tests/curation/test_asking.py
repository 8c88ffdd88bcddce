import json

import pytest

from r1light.core.errors import ConfigError, DataError
from r1light.core.types import Message, Parsed, Problem, Prompt
from r1light.curation.asking import REQUEST, by_example, takes_turns, with_request
from r1light.curation.examples import BUILT_IN, Example, chosen, read_examples
from r1light.graders.math import Math
from r1light.templates.plain import Plain
from r1light.templates.r1_zero import R1Zero

ZERO = R1Zero(R1Zero.Config(prefill="<think>"))
EXAMPLE = Example("1+1?", "one and one", "2")


class Turns:
    """A template of conversations."""

    def render(self, problem):
        turns = (Message("user", problem.prompt),) if isinstance(problem.prompt, str) else problem.prompt
        return Prompt("".join(f"<{turn.role}>{turn.content}" for turn in turns))

    def parse(self, prefill, text):
        return Parsed(None, text, True)


def problem(prompt="2+3?", language=None, name="p"):
    return Problem(id=name, prompt=prompt, grader="math", answer="5", language=language)


def test_a_request_stands_behind_the_question_in_its_language():
    assert with_request(problem()).prompt == f"2+3?\n\n{REQUEST['en']}"
    assert with_request(problem(language="zh")).prompt.endswith(REQUEST["zh"])
    assert with_request(problem(language="fr")).prompt.endswith(REQUEST["en"])
    turns = (Message("system", "s"), Message("user", "u"))
    asked = with_request(problem(turns)).prompt
    assert asked[0] == turns[0]
    assert asked[1].content == f"u\n\n{REQUEST['en']}"


def test_a_template_of_questions_shows_examples_as_it_would_have_asked_them():
    prompt = by_example(ZERO, problem(), [EXAMPLE])
    shown = ZERO.render(problem("1+1?")).text + " one and one </think> <answer> 2 </answer>"
    assert prompt.text == shown + "\n\n" + ZERO.render(problem()).text
    assert prompt.prefill == "<think>"
    two = by_example(Plain(Plain.Config()), problem(), [EXAMPLE, EXAMPLE]).text
    assert two.count("one and one") == 2


def test_a_template_of_turns_shows_examples_in_the_users_turn():
    assert takes_turns(Turns())
    assert not takes_turns(ZERO)
    prompt = by_example(Turns(), problem((Message("system", "s"), Message("user", "2+3?"))), [EXAMPLE])
    assert prompt.text.startswith("<system>s<user>This is how")
    assert prompt.text.endswith("2+3?")
    assert "1+1?\n\none and one\n\n2" in prompt.text
    assert "<assistant>" not in prompt.text


def test_a_template_of_turns_that_can_write_shows_them_in_its_form():
    class Writing(Turns):
        def compose(self, prefill, thinking, answer):
            return f"{prefill}[{thinking}] {answer}"

    assert "1+1?\n\n[one and one] 2\n\n" in by_example(Writing(), problem(), [EXAMPLE]).text


def test_a_template_that_cannot_write_shows_no_examples():
    class Reader(Turns):
        def render(self, problem):
            if not isinstance(problem.prompt, str):
                raise DataError("one turn only")
            return Prompt(problem.prompt)

    with pytest.raises(ConfigError, match="few_shot needs a template that can write"):
        by_example(Reader(), problem(), [EXAMPLE])


def test_examples_are_drawn_by_seed_and_problem_and_never_the_question_itself():
    one = chosen(BUILT_IN, problem(), 2, seed=1)
    assert one == chosen(BUILT_IN, problem(), 2, seed=1)
    drawn = {tuple(chosen(BUILT_IN, problem(name=str(n)), 1, seed=1)) for n in range(30)}
    assert len(drawn) == len(BUILT_IN)
    for n in range(30):
        own = problem(BUILT_IN[0].question, name=str(n))
        assert BUILT_IN[0] not in chosen(BUILT_IN, own, 9, seed=0)


def test_the_built_in_examples_are_right_and_can_be_shown():
    grader = Math(Math.Config())
    for example in BUILT_IN:
        left, right = map(int, example.question.removeprefix("Compute ").split("+"))
        assert grader.grade(Problem("e", "x", "math", answer=str(left + right)), example.answer).correct
        assert by_example(ZERO, problem(), [example]).text.count("</answer>") == 5  # two in each instruction
    grader.close()


def test_examples_from_a_file(tmp_path):
    path = tmp_path / "examples.jsonl"
    rows = [{"question": "q", "thinking": "t", "answer": "a"}]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    assert read_examples(str(path)) == [Example("q", "t", "a")]
    for text, message in [
        ("", "are none"),
        ('{"question": "q", "thinking": "t"}', r"examples.jsonl:1: an example has the texts"),
        ('{"question": "q", "thinking": " ", "answer": "a"}', "none is empty"),
        ("{", r"examples.jsonl:1 is no JSON"),
    ]:
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            read_examples(str(path))
    with pytest.raises(DataError, match="cannot read the examples"):
        read_examples(str(tmp_path / "none.jsonl"))
