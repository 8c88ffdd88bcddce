"""The contracts of components as checks that a plugin's own tests call. Imports no torch.

    from r1light.testing import check_reward

    def test_the_contract():
        check_reward(lambda: Brevity(Brevity.Config()))

Each check builds the component more than once, tries it on texts that a model may well write (`HOSTILE`), and
raises ContractError for the first promise that is not kept: which component, which promise, on what.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from typing import Any

from r1light.core.errors import DataError
from r1light.core.protocols import DataSource, Grader, Reward, Task, Template
from r1light.core.types import Benchmark, Completion, Parsed, Problem, Prompt, Sample, Score, Verdict
from r1light.data.splits import Split

HOSTILE = (
    "",
    " \n\t ",
    "<think>",
    "</think></answer>",
    "<answer>" * 50,
    "<think> a </think> <answer> b </answer> <think> c </think> <answer> d </answer>",
    "{}[]()%s%d{0}\\1$&`'\"; import os",
    "\x00\ufffd\u200b\u202e\U0001f600",
    "答案是七。Ответ: семь. الجواب سبعة",
    "9" * 5000,
    "(" * 2000 + ")" * 2000,
    "a " * 10000,
)
"""Texts that a model may write, and that code for well-meant ones trips over."""

PROBLEM = Problem("contract/1", "What is 2+3?", "exact", answer="5", language="en")
"""The problem that checks use where none is given."""


class ContractError(AssertionError):
    """A component does not keep a promise of its protocol."""


def check_reward(make: Callable[[], Reward], problem: Problem = PROBLEM) -> None:
    """Check that a reward gives one finite score a sample, whatever the order, the batch and the text.

    Args:
        make: Builds the reward, with all that it needs.
        problem: A problem as the reward expects it.

    Raises:
        ContractError: Says what is not kept.
    """
    reward, again = make(), make()
    name = _name(reward)
    samples = [_sample(problem, text) for text in (*HOSTILE, "<think> 2+3 </think> <answer> 5 </answer>")]
    with _never_raises(name, "the samples of HOSTILE"):
        scores = list(reward(samples))
    _want(len(scores) == len(samples), name, f"one Score a sample: {len(scores)} for {len(samples)} samples")
    for sample, score in zip(samples, scores, strict=True):
        shown = _shown(sample.completion.text)
        _want(isinstance(score, Score), name, f"scores are of type Score: {score!r} for {shown}")
        _want(score.status != "error", name, f"no text is an error: {score.detail!r} for {shown}")
        _want(score.value is None or math.isfinite(score.value), name, f"scores are finite: {shown}")
    _want(list(reward([])) == [], name, "no samples have no scores")
    _want(list(reward(samples)) == scores, name, "the same samples score the same when asked twice")
    _want(list(again(samples)) == scores, name, "two of the same configuration score the same")
    backwards = list(reward(samples[::-1]))[::-1]
    _want(backwards == scores, name, "scores do not depend on the order of the samples")
    alone = [score for sample in samples for score in reward([sample])]
    _want(alone == scores, name, "scores do not depend on the other samples")


def check_grader(
    make: Callable[[], Grader], problem: Problem, right: Sequence[str], wrong: Sequence[str]
) -> None:
    """Check that a grader tells right from wrong, the same way every time, and is fooled by no hostile text.

    Args:
        make: Builds the grader.
        problem: A problem as the grader expects it.
        right: Answers to it that are right.
        wrong: Answers to it that are not.

    Raises:
        ContractError: Says what is not kept.
    """
    grader, again = make(), make()
    name = _name(grader)
    answers = [*right, *wrong, *HOSTILE]
    with _never_raises(name, "an answer"):
        verdicts = [grader.grade(problem, answer) for answer in answers]
    for index, (answer, verdict) in enumerate(zip(answers, verdicts, strict=True)):
        shown = _shown(answer)
        _want(isinstance(verdict, Verdict), name, f"verdicts are of type Verdict: {verdict!r} for {shown}")
        _want(
            verdict.status == "ok", name, f"an answer is judged: {verdict.status} ({verdict.detail}), {shown}"
        )
        _want(0 <= (verdict.score or 0) <= 1, name, f"scores are in [0, 1]: {verdict.score} for {shown}")
        expected = index < len(right)
        _want(
            verdict.correct == expected, name, f"{'right' if expected else 'wrong'} answers are so: {shown}"
        )
    items = [(problem, answer) for answer in answers]
    _want(list(grader.grade_many(items)) == verdicts, name, "grade_many is grade on each, in their order")
    _want(list(grader.grade_many([])) == [], name, "no answers have no verdicts")
    _want([again.grade(*item) for item in items] == verdicts, name, "two of the same configuration agree")
    _check_canonical(grader, name, problem, right, answers)
    for each in (grader, again, grader):
        each.close()


def _check_canonical(
    grader: Any, name: str, problem: Problem, right: Sequence[str], answers: Sequence[str]
) -> None:
    """A vote's texts: given for right answers, the same for all of them, and None or a text for others."""
    canonical = getattr(grader, "canonical", None)
    if canonical is None:
        return
    with _never_raises(name, "canonical of an answer"):
        found = {answer: canonical(problem, answer) for answer in answers}
    for answer, text in found.items():
        _want(
            text is None or isinstance(text, str), name, f"canonical gives a text or None: {_shown(answer)}"
        )
    _want(len({found[answer] for answer in right}) == 1, name, "right answers have one canonical text")


def check_template(make: Callable[[], Template], problem: Problem = PROBLEM) -> None:
    """Check that a template asks the question, reads any text without raising, and reads what it writes.

    Args:
        make: Builds the template.
        problem: A problem with a text or one user turn as its prompt.

    Raises:
        ContractError: Says what is not kept.
    """
    template = make()
    name = _name(template)
    prompt = template.render(problem)
    _want(isinstance(prompt, Prompt), name, f"render gives a Prompt: {prompt!r}")
    _want(make().render(problem) == prompt, name, "two of the same configuration render the same")
    question = problem.prompt if isinstance(problem.prompt, str) else problem.prompt[-1].content
    _want(question in prompt.text, name, f"the prompt holds the question {question!r}")
    for text in HOSTILE:
        with _never_raises(name, f"parse of {_shown(text)}"):
            parsed = template.parse(prompt.prefill, text)
        _want(isinstance(parsed, Parsed), name, f"parse gives a Parsed: {parsed!r} for {_shown(text)}")
        _want(template.parse(prompt.prefill, text) == parsed, name, f"parse repeats itself: {_shown(text)}")
        whole = template.parse("", prompt.prefill + text)
        _want(whole == parsed, name, f"the prefill is read as if the model had written it: {_shown(text)}")
    empty = template.parse(prompt.prefill, "")
    _want(not empty.well_formed, name, "an empty completion is not well formed")
    _check_compose(template, name, prompt.prefill)


def _check_compose(template: Any, name: str, prefill: str) -> None:
    """What a template writes it reads back; parts that it cannot hold are a DataError."""
    if not hasattr(template, "compose"):
        return
    wanted = Parsed("Two and three.", "5", well_formed=True)
    written = template.compose(prefill, wanted.thinking, wanted.answer)
    _want(template.parse(prefill, written) == wanted, name, f"compose is read back: {_shown(written)}")
    for thinking, answer in [*itertools.product(HOSTILE, ["5"]), *itertools.product(["Two."], HOSTILE)]:
        try:
            text = template.compose(prefill, thinking, answer)
        except DataError:
            continue
        parsed = template.parse(prefill, text)
        same = ((parsed.thinking or ""), parsed.answer or "") == (thinking.strip(), answer.strip())
        _want(same, name, f"compose is read back or a DataError: {_shown(thinking)}, {_shown(answer)}")


def check_data_source(
    make: Callable[[Split], DataSource], grader: Grader | None = None, limit: int = 500
) -> None:
    """Check that a source yields the same problems every time, and holds its test split back.

    Args:
        make: Builds the source of a split, "train" or "test".
        grader: Judges the problems' reference answers; None where they have none.
        limit: Problems of each split that are looked at.

    Raises:
        ContractError: Says what is not kept.
    """
    seen: dict[Split, list[Problem]] = {}
    splits: tuple[Split, Split] = ("train", "test")
    for split in splits:
        source = make(split)
        name = f"{_name(source)} ({split})"
        seen[split] = _check_problems(source, make(split), name, limit)
        for problem in seen[split] if grader is not None else ():
            verdict = grader.grade(problem, problem.answer or "") if grader else None
            right = verdict is not None and verdict.correct
            _want(right, name, f"the grader takes the reference answer: {problem.id!r}, {verdict}")
    both = {str(problem.prompt) for problem in seen["train"]} & {
        str(problem.prompt) for problem in seen["test"]
    }
    _want(not both, _name(make("train")), f"no prompt is in both splits: {sorted(both)[:1]}")


def check_task(make: Callable[[], Task], name: str, limit: int = 500) -> None:
    """Check that a task says what it is and yields the same problems every time, under its name.

    Args:
        make: Builds the task.
        name: Its registered name.
        limit: Problems that are looked at.

    Raises:
        ContractError: Says what is not kept.
    """
    task = make()
    about = getattr(task, "about", None)
    _want(isinstance(about, Benchmark), name, f"`about` is a Benchmark: {about!r}")
    for problem in _check_problems(task, make(), name, limit):
        _want(problem.id.startswith(name), name, f"ids begin with the task's name: {problem.id!r}")


def _check_problems(
    source: Iterable[Problem], again: Iterable[Problem], name: str, limit: int
) -> list[Problem]:
    """What sources and tasks have in common."""
    problems = list(itertools.islice(source, limit))
    _want(bool(problems), name, "there are problems")
    for problem in problems:
        _want(isinstance(problem, Problem), name, f"problems are of type Problem: {problem!r}")
        _want(
            bool(problem.id and problem.prompt and problem.grader), name, f"id, prompt, grader: {problem!r}"
        )
        with _never_raises(name, f"writing the meta of {problem.id!r} as JSON"):
            json.dumps(dict(problem.meta))
    ids = [problem.id for problem in problems]
    _want(len(set(ids)) == len(ids), name, "ids are unique")
    _want(list(itertools.islice(source, limit)) == problems, name, "a second pass gives the same problems")
    _want(list(itertools.islice(again, limit)) == problems, name, "two of one configuration are the same")
    if isinstance(source, Sized) and len(problems) < limit:
        _want(len(source) == len(problems), name, f"len is {len(source)} for {len(problems)} problems")
    return problems


def _sample(problem: Problem, text: str) -> Sample:
    """A sample whose template takes all of the completion for the answer."""
    ids = tuple(range(len(text.split())))
    completion = Completion(ids, text, tuple(-1.0 for _ in ids), "stop")
    parsed = Parsed(None, text.strip() or None, bool(text.strip()))
    return Sample(problem, str(problem.prompt), completion, parsed)


@contextmanager
def _never_raises(name: str, what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise ContractError(
            f"{name}: nothing is raised for {what}: {type(error).__name__}: {error}"
        ) from error


def _want(kept: bool, name: str, promise: str) -> None:
    if not kept:
        raise ContractError(f"{name}: {promise}")


def _name(component: Any) -> str:
    """A function's own name, or the name of an object's class."""
    return str(getattr(component, "__qualname__", type(component).__qualname__))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
