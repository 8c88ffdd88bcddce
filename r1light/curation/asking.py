"""The cold start's ways to ask for a long thought (arXiv 2501.12948 v1, 2.3.1).

By example: a question before it is answered with a long thought. Directly: the question is followed by a
request for detail, reflection and verification. The paper prints neither prompt; the wording is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from r1light.core.errors import ConfigError, DataError
from r1light.core.protocols import Composer, Template
from r1light.core.types import Message, Problem, Prompt
from r1light.curation.examples import Example

REQUEST: Mapping[str, str] = {
    "en": (
        "Answer in detail. Work through it step by step; look back at what you have, check each result in "
        "another way where you can, and mend what is wrong; only then give the final answer."
    ),
    "zh": "请详细作答：一步一步推导，回头检查已有的结果，尽量换一种方法验证，有错就改正，最后给出答案。",
}
"""What is asked for besides the answer, in the problem's language; English where it names another or none."""

_BY_EXAMPLE: Mapping[str, tuple[str, str]] = {
    "en": (
        "This is how such a question is answered, with all of the thinking written out:",
        "Answer the following question in the same manner.",
    ),
    "zh": ("下面的例子把思考过程完整地写了出来：", "请用同样的方式回答下面的问题。"),
}


def with_request(problem: Problem) -> Problem:
    """The problem, with a request for a detailed answer behind its question."""
    request = REQUEST.get(problem.language or "en", REQUEST["en"])
    return _reworded(problem, lambda question: f"{question}\n\n{request}")


def by_example(template: Template, problem: Problem, examples: Sequence[Example]) -> Prompt:
    """A prompt that shows examples before it asks.

    A template of single questions shows each as it would have been asked and answered. One of conversations
    shows them inside the user's turn, as chat templates take the thoughts out of earlier answers.

    Raises:
        ConfigError: The template cannot write answers.
        DataError: The problem does not fit into the template, or an example holds one of its markers.
    """
    if takes_turns(template):
        before, after = _BY_EXAMPLE.get(problem.language or "en", _BY_EXAMPLE["en"])
        shown = [f"{one.question}\n\n{_written(template, one)}" for one in examples]
        text = "\n\n----\n\n".join([before, *shown, after])
        return template.render(_reworded(problem, lambda question: f"{text}\n\n{question}"))
    if not isinstance(template, Composer):
        raise ConfigError(
            f"the way few_shot needs a template that can write answers, and {type(template).__name__} "
            "cannot; take others by stage.cold_start.ways"
        )
    prompt = template.render(problem)
    blocks = [_answered(template, example) for example in examples]
    return Prompt("\n\n".join([*blocks, prompt.text]), prompt.prefill)


def takes_turns(template: Template) -> bool:
    """Whether a template renders conversations of several turns."""
    turns = (Message("user", "1"), Message("assistant", "1"), Message("user", "1"))
    try:
        template.render(Problem(id="turns", prompt=turns, grader="exact"))
    except DataError:
        return False
    return True


def _written(template: Template, example: Example) -> str:
    """An example's thought and answer in the template's form, where it can write."""
    if isinstance(template, Composer):
        return template.compose("", example.thinking, example.answer)
    return f"{example.thinking}\n\n{example.answer}"


def _answered(template: Composer, example: Example) -> str:
    """One example as the template would have asked it, with its answer."""
    prompt = template.render(Problem(id="example", prompt=example.question, grader="exact"))
    return prompt.text + template.compose(prompt.prefill, example.thinking, example.answer)


def _reworded(problem: Problem, change: Callable[[str], str]) -> Problem:
    """The problem with its question, or the last turn of its conversation, changed."""
    if isinstance(problem.prompt, str):
        return replace(problem, prompt=change(problem.prompt))
    last = problem.prompt[-1]
    return replace(problem, prompt=(*problem.prompt[:-1], Message(last.role, change(last.content))))
