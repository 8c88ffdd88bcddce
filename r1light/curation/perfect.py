r"""The completion that a template and its rewards could not find fault with, for an answer that is known.

A template need not write. So the forms that answers are given in are tried in turn, then what the template
writes if it can, and the first that it takes for well formed itself, with that very answer in it, is the one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from r1light.core.errors import DataError
from r1light.core.protocols import Composer, Template
from r1light.core.types import Problem

_FORMS = (
    "<think>{thinking}</think>\n<answer>{answer}</answer>",
    "<think>\n{thinking}\n</think>\n\n<answer>{answer}</answer>",
    "<think>{thinking}</think>\n\n{answer}",
    "<think>\n{thinking}\n</think>\n\n{answer}",
    "<think>{thinking}</think>\n\n\\boxed{{{answer}}}",
    "{answer}",
)

THOUGHTS: Mapping[str, str] = {
    "en": "I read the question with care, work through it step by step, and check the result at the end.",
    "zh": "我先仔细阅读题目，然后一步一步地推理，最后在回答之前检查结果是否正确。",
    "ja": "まず問題を注意深く読み、一つずつ順番に考えて、答える前に結果が正しいかどうかを確かめます。",
    "ko": "먼저 문제를 주의 깊게 읽고, 한 단계씩 차례로 생각한 다음, 대답하기 전에 결과가 맞는지 확인합니다.",
    "fr": "Je lis la question avec attention, je raisonne pas à pas et je vérifie le résultat.",
    "de": "Ich lese die Frage sorgfältig, überlege Schritt für Schritt und prüfe das Ergebnis.",
    "es": "Leo la pregunta con atención, razono paso a paso y compruebo el resultado antes de responder.",
    "it": "Leggo la domanda con attenzione, ragiono passo dopo passo e controllo il risultato.",
    "pt": "Leio a pergunta com atenção, penso passo a passo e verifico o resultado antes de responder.",
    "ru": "Я внимательно читаю вопрос, рассуждаю шаг за шагом и проверяю результат, прежде чем ответить.",
    "uk": "Я уважно читаю запитання, міркую крок за кроком і перевіряю результат, перш ніж відповісти.",
    "ar": "أقرأ السؤال بعناية، ثم أفكر خطوة بخطوة، وأتحقق من النتيجة قبل أن أجيب عن السؤال.",
}
"""A thought about nothing in particular by language, for rewards that look at the thinking."""


def gold_answer(problem: Problem) -> str | None:
    """An answer that should earn full marks: the reference answer, or a `solution` in the meta.

    Where a grader needs no reference answer (an expression, a program), the source may give one solution as
    `meta.solution`, or several as `meta.solutions`. None where there is nothing of the kind.

    Example:
        >>> gold_answer(Problem(id="1", prompt="", grader="countdown", meta={"solution": "1+2"}))
        '1+2'
    """
    if problem.answer is not None:
        return problem.answer
    offered = problem.meta.get("solution") or problem.meta.get("solutions")
    first = offered[0] if isinstance(offered, list | tuple) else offered
    return first if isinstance(first, str) else None


def thought(problem: Problem) -> str:
    """A thought in the language that the problem asks for; in one that is not listed, the question itself."""
    language = problem.language or "en"
    question = (
        problem.prompt if isinstance(problem.prompt, str) else problem.prompt[-1].content  # the user's turn
    )
    return THOUGHTS.get(language.partition("-")[0], question)


def perfect_completion(template: Template, prefill: str, thinking: str, answer: str) -> str | None:
    """A well-formed completion with this answer; None where the template takes none of the known forms.

    Args:
        template: Parses completions.
        prefill: What the prompt ends with that belongs to the completion.
        thinking: The thought.
        answer: The answer.
    """
    for text in _written(template, prefill, thinking, answer):
        parsed = template.parse(prefill, text)
        if parsed.well_formed and parsed.answer is not None and parsed.answer.strip() == answer.strip():
            return text
    return None


def _written(template: Template, prefill: str, thinking: str, answer: str) -> Iterator[str]:
    """Completions that may do, in the order in which they are tried."""
    for form in _FORMS:
        body = form.format(thinking=thinking, answer=answer)
        yield from (body.removeprefix(prefill), body)
    if isinstance(template, Composer):
        with suppress(DataError):
            yield template.compose(prefill, thinking, answer)
