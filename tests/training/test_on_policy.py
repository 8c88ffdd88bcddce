"""What the student writes as rows: in order, whole or broken off, and in GKD's mixture."""

from __future__ import annotations

import itertools

import pytest
import torch

from r1light.core.errors import ModelError
from r1light.core.types import Completion, Group, Problem, SamplingParams
from r1light.training.interrupt import Halt, Interrupt
from r1light.training.on_policy import OnPolicyRows, Student, Writing
from r1light.training.problems import ProblemStream, PromptEncoder
from r1light.training.row_stream import RowStream

PROBLEMS = [Problem(id=f"p{number}", prompt="?", grader="exact", answer="1") for number in range(5)]


class Writer:
    """An engine whose completions tell the weights' version, the request's key and the sample."""

    def __init__(self, interrupt=None, stop_at=None):
        self.version = None
        self.loads = 0
        self.calls = 0
        self.interrupt, self.stop_at = interrupt, stop_at

    def load_weights(self, named_tensors, version):
        assert dict(named_tensors).keys() == {"weight"}
        self.version, self.loads = version, self.loads + 1

    def generate(self, requests, params):
        self.calls += 1
        for request in reversed(list(requests)):  # in any order
            if self.calls == self.stop_at:
                self.interrupt.signum = 2
            texts = [(self.version, *request.key, index) for index in range(params.n)]
            yield Group(request, tuple(Completion(ids, str(ids), (0.0,) * 4, "stop") for ids in texts))


@pytest.fixture
def source(whole_text, taught_rows):
    def make(writer=None, interrupt=None, limit=64, vocabulary=1000, share=1.0):
        student = Student(writer or Writer(), lambda: [("weight", torch.zeros(1))])
        encoder = PromptEncoder(whole_text, lambda text: [40 + int(text[-1])], 64)  # "Qp3" is token 43
        params = SamplingParams(n=2, max_tokens=8)
        writing = Writing(student, encoder, params, limit, vocabulary, interrupt or Interrupt())
        texts = RowStream(taught_rows, 0, 100.0) if share < 1 else None
        return OnPolicyRows(writing, ProblemStream(PROBLEMS, 0), texts, share, seed=0)

    return make


def test_rows_are_prompts_and_completions_in_the_order_of_the_problems(source):
    stream = source()
    first, second = stream.take(4), stream.take(4)
    # weights' version, batch, position in the stream, sample
    written = [row.input_ids[1:] for row in (*first, *second)]
    assert written[:4] == [(0, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0), (0, 0, 1, 1)]
    assert written[4:] == [(1, 1, 2, 0), (1, 1, 2, 1), (1, 1, 3, 0), (1, 1, 3, 1)]
    assert first[0].target == (False, True, True, True, True)
    assert first[0].input_ids[0] == first[1].input_ids[0] != first[2].input_ids[0]
    assert [sample.problem.id for group in stream.last for sample in group][::2] == [
        f"p{row.input_ids[0] - 40}" for row in second[::2]
    ]
    assert stream.drawn_tokens == 2 * 1 + 4 * 4  # two prompts, each read once, and four completions
    facts = stream.facts()
    assert (facts["epoch"], facts["on_policy"], facts["completions/mean_length"]) == (4 / 5, 1.0, 4.0)


def test_the_cursor_is_all_there_is_to_it(source):
    straight = source()
    wanted = [straight.take(4) for _ in range(5)]
    stream = source()
    for _ in range(2):
        stream.take(4)
    fresh = source()
    fresh.cursor = stream.cursor
    assert [fresh.take(4) for _ in range(3)] == wanted[2:]


def test_a_batch_that_is_broken_off_is_drawn_again(source):
    interrupt = Interrupt()
    stream = source(Writer(interrupt, stop_at=2), interrupt)
    wanted = source()
    wanted.take(4)
    stream.take(4)
    with pytest.raises(Halt):
        stream.take(4)
    interrupt.signum = None
    assert stream.take(4) == wanted.take(4)


def test_weights_are_taken_over_once_an_update(source):
    writer = Writer()
    stream = source(writer)
    stream.take(2)
    writing = stream._writing.student
    writing.follow(1)  # as an evaluation after the first update does
    stream.take(2)
    assert (writer.loads, writer.version) == (2, 1)


def test_a_mixture_hangs_on_the_seed_and_has_its_share(source, taught_rows):
    def kinds(stream, batches):
        found = []
        for _ in range(batches):
            rows = stream.take(2)
            found.append(all(row in taught_rows for row in rows))
            assert bool(stream.last) == (not found[-1])
            assert stream.facts()["on_policy"] == float(not found[-1])
        return found

    texts = kinds(source(share=0.25), 200)
    assert texts == kinds(source(share=0.25), 200)
    # 150 are expected, with a standard deviation of sqrt(200 * 0.75 * 0.25) = 6.1
    assert 150 - 25 < sum(texts) < 150 + 25
    half = source(share=0.25)
    kinds(half, 100)
    fresh = source(share=0.25)
    fresh.cursor = half.cursor
    straight = source(share=0.25)
    wanted = list(itertools.islice(iter(lambda: straight.take(2), None), 120))[100:]
    assert [fresh.take(2) for _ in range(20)] == wanted


def test_long_rows_are_cut_and_foreign_tokens_refused(source):
    (row, _) = source(limit=3).take(2)
    assert row.input_ids[1:] == (0, 0)
    assert row.target == (False, True, True)
    with pytest.raises(ModelError, match="the student wrote token 1, and its teacher has only 1"):
        source(vocabulary=1).take(2)
