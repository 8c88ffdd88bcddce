"""What is asked and drawn, and how it is read back."""

from __future__ import annotations

import json

import pytest

from r1light.core.errors import DataError
from r1light.core.types import Parsed, Problem, Prompt, SamplingParams
from r1light.curation.conversation_problems import as_problem
from r1light.curation.curator import Way
from r1light.curation.drawing import STREAM, DrawCounts, Drawing, ask
from r1light.curation.drawn import groups
from r1light.curation.stored import StoredCompletions
from r1light.data.conversations import Conversation
from r1light.rollout.fake import Fake
from r1light.templates.r1_zero import R1Zero

SETTINGS = {"model": "m", "engine": "fake"}


def problem(name, prompt=None):
    return Problem(name, prompt or f"{name}?", "exact", "5")


def plainly(problem):
    return [Way("plain", Prompt(problem.prompt))]


def asked(*problems, ways=plainly, fits=lambda text: True, skip=False):
    return ask(enumerate(problems), ways, fits, skip_too_long=skip)


def rows(batch, author, n=2, **more):
    drawing = Drawing(
        Fake.by(author), lambda text: list(text.encode()), SamplingParams(n=n), SETTINGS, **more
    )
    counts, told = DrawCounts(), []
    return [json.loads(line) for line in drawing.rows(batch, counts, told.append).splitlines()], counts, told


class Parser:
    def parse(self, way, prefill, text):
        return Parsed(None, f"{way}:{prefill}{text}", True)


def test_a_prompt_that_stands_twice_is_asked_once():
    found = asked(problem("a"), problem("b", "a?"), problem("c"))
    assert [each.problem.id for each in found.asked] == ["a", "c"]
    assert (found.duplicates, found.asked[1].key) == (1, (STREAM, 2))  # the position in the split stays


def test_problems_in_no_way_and_in_several():
    def ways(problem):
        return [] if problem.id == "a" else [Way("x", Prompt("x")), Way("y", Prompt("y"))]

    found = asked(problem("a"), problem("b"), ways=ways)
    assert [(each.way.name, each.key) for each in found.asked] == [("x", (STREAM, 1)), ("y", (STREAM + 1, 1))]
    assert found.left_out == 1


def test_a_prompt_that_does_not_fit_is_refused_or_skipped():
    def fits(text):
        return text != "b?"

    with pytest.raises(DataError, match="problem 'b': its prompt leaves no room"):
        asked(problem("a"), problem("b"), fits=fits)
    found = asked(problem("a"), problem("b"), fits=fits, skip=True)
    assert ([each.problem.id for each in found.asked], found.too_long) == (["a"], 1)


def test_an_evaluation_asks_each_prompt_and_keeps_each_completion():
    found = ask(
        enumerate([problem("a"), problem("b", "a?")]), plainly, lambda text: True, skip_too_long=False,
        each_apart=True,
    )  # fmt: skip
    assert ([each.problem.id for each in found.asked], found.duplicates) == (["a", "b"], 0)
    texts = ["5", "6", "5"]
    kept, counts, _ = rows(found.asked[:1], lambda request, index: texts[index], n=3, each_apart=True)
    told_of = [(row["completion"], row["sampler"]["index"], row["sampler"]["drawn"]) for row in kept]
    assert told_of == [("5", 0, 1), ("6", 1, 1), ("5", 2, 1)]
    assert (counts.drawn, counts.tokens) == (3, 3)


def test_identical_completions_have_one_row_and_are_counted():
    texts = ["5", "6", "5", "5"]
    found, counts, told = rows(asked(problem("a")).asked, lambda request, index: texts[index], n=4)
    told_of = [(row["completion"], row["sampler"]["index"], row["sampler"]["drawn"]) for row in found]
    assert told_of == [("5", 0, 3), ("6", 1, 1)]
    assert (counts.drawn, counts.identical, counts.tokens) == (4, 2, 4)  # a token a byte
    assert told == [1]


def test_rows_stand_in_the_order_of_the_prompts_with_the_sampler_beside_them():
    batch = asked(problem("a"), problem("b")).asked
    found, _, _ = rows(batch, lambda request, index: f"{request.problem_id}{index}", token_ids=True)
    assert [row["completion"] for row in found] == ["a0", "a1", "b0", "b1"]
    assert found[3]["token_ids"] == [98, 49]
    assert found[3]["sampler"] == {
        "model": "m", "engine": "fake", "temperature": 1.0, "top_p": 1.0, "top_k": 0, "max_tokens": 1024,
        "stop": [], "seed": 0, "key": [STREAM, 1], "index": 1, "way": "plain", "drawn": 1, "tokens": 2,
    }  # fmt: skip


def test_only_the_first_row_of_a_prompt_has_the_whole_problem():
    batch = asked(problem("a"), problem("b")).asked
    found, _, _ = rows(batch, lambda request, index: str(index), n=3)
    whole = [{"id": name, "prompt": f"{name}?", "grader": "exact", "answer": "5"} for name in "ab"]
    assert [row["problem"] for row in found] == [
        whole[0], {"id": "a"}, {"id": "a"}, whole[1], {"id": "b"}, {"id": "b"},
    ]  # fmt: skip


def test_batches_do_not_change_a_row():
    batch = asked(*(problem(name) for name in "abcde")).asked

    def author(request, index):
        return f"{request.key}{index}"

    whole, _, _ = rows(batch, author)
    apart = [row for start in range(0, 5, 2) for row in rows(batch[start : start + 2], author)[0]]
    assert whole == apart


def test_a_given_completion_is_not_drawn():
    def ways(problem):
        return [Way("given", Prompt("2+3?"), "5")]

    drawing = Drawing(None, list, SamplingParams(n=3), SETTINGS)
    counts = DrawCounts()
    (row,) = map(json.loads, drawing.rows(asked(problem("a"), ways=ways).asked, counts, print).splitlines())
    assert (row["completion"], row["sampler"], counts.drawn) == ("5", {"way": "given"}, 0)


def test_rows_are_read_back_problem_by_problem():
    batch = asked(problem("a"), problem("b")).asked
    engine = Fake.by(lambda request, index: str(index), encode=lambda text: [1], decode=str)
    drawing = Drawing(engine, lambda text: [1], SamplingParams(n=2), SETTINGS)
    lines = drawing.rows(batch, DrawCounts(), lambda number: None).splitlines(keepends=True)
    first, second = groups(enumerate(lines, start=1), "x", Parser())
    assert (first.problem, second.problem) == (batch[0].problem, batch[1].problem)
    assert [each.parsed.answer for each in first.candidates] == ["plain:0", "plain:1"]
    assert first.raw + second.raw == b"".join(lines)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"prompt": None}, "x:7: prompt=None is no text"),
        ({"sampler": {}}, r"x:7: a row of completions\.jsonl has sampler\.way"),
        ({"sampler": {"way": "template", "drawn": "x"}}, r"x:7: sampler\.drawn='x' must be how often"),
        ({"sampler": {"way": "template", "drawn": None}}, r"x:7: sampler\.drawn=None must be how often"),
        ({"finish_reason": "tired"}, "x:7: a row of"),
        ({"prefill": "<think>"}, "x:7: the prompt does not end with its prefill"),
        ({"problem": {}}, "x:7: problem has no 'id'"),
    ],
)
def test_a_row_that_is_none_is_named_by_its_line(change, says):
    (row,), _, _ = rows(asked(problem("a")).asked, lambda request, index: "5", n=1)
    with pytest.raises(DataError, match=says):
        list(groups([(7, json.dumps({**row, **change}).encode())], "x", Parser()))


def test_what_was_drawn_can_be_scored_with_the_prompt_that_was_read():
    (row,), _, _ = rows(asked(problem("a", "other words")).asked, lambda request, index: "5", n=1)
    sample = StoredCompletions(R1Zero(R1Zero.Config())).read(json.dumps(row).encode(), "x")
    assert sample.prompt_text == "other words"


def test_a_conversation_becomes_a_problem_with_its_completion_as_the_answer():
    row = Conversation("a.jsonl:3", (), "Hello!", "Hi", {"kind": "chat", "when": object()})
    found = as_problem(row)
    assert (found.id, found.prompt, found.answer, found.grader) == ("a.jsonl:3", "Hi", "Hello!", "none")
    assert found.meta == {"kind": "chat"}  # JSON cannot hold the other
