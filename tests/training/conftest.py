"""Small samples, groups and rollouts for the tests of training."""

from __future__ import annotations

import pytest

from r1light.core.types import Completion, Group, Parsed, Problem, Prompt, RolloutRequest, Sample, Score
from r1light.training.collect import ScoredGroup


def completion(text="a", tokens=3, finish="stop"):
    return Completion(tuple(range(tokens)), text, (-0.5,) * tokens, finish)


@pytest.fixture
def make_group():
    """A scored group from its rewards; accuracy scores are the rewards rounded."""

    def make(rewards, name="p", texts=None, finish="stop", lengths=None):
        problem = Problem(id=name, prompt="2+3", grader="math", answer="5")
        samples = tuple(
            Sample(
                problem,
                "2+3",
                completion(
                    texts[index] if texts else "a",
                    lengths[index] if lengths else 3,
                    finish if isinstance(finish, str) else finish[index],
                ),
                Parsed(None, "5", True),
            )
            for index in range(len(rewards))
        )
        scores = tuple(
            Score.error("broken") if reward is None else Score.ok(float(reward > 0.5)) for reward in rewards
        )
        return ScoredGroup(problem, Prompt("2+3"), (1, 2), samples, tuple(rewards), {"accuracy": scores})

    return make


class FakeEngine:
    """Answers requests with texts that a function of (problem id, sample index) gives."""

    def __init__(self, author):
        self.author = author
        self.calls = []

    def generate(self, requests, params):
        requests = list(requests)
        self.calls.append((requests, params))
        for request in reversed(requests):  # in any order
            texts = [self.author(request.problem_id, index) for index in range(params.n)]
            yield Group(request, tuple(completion(text, len(text) + 1) for text in texts))

    def load_weights(self, named_tensors, version):
        raise AssertionError("nothing here has weights")

    def close(self):
        pass


class WholeText:
    """A template whose answer is the whole completion."""

    def render(self, problem):
        return Prompt(f"Q{problem.id}")

    def parse(self, prefill, text):
        return Parsed(None, text or None, bool(text))


@pytest.fixture
def fake_engine():
    return FakeEngine


@pytest.fixture
def whole_text():
    return WholeText()


@pytest.fixture
def request_for():
    return lambda name: RolloutRequest(name, (1, 2), (0, 0))
