"""Small samples, groups and rollouts for the tests of training."""

from __future__ import annotations

import random

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from r1light.core.types import Completion, Group, Parsed, Problem, Prompt, RolloutRequest, Sample, Score
from r1light.training.collect import ScoredGroup
from r1light.training.sft import SftRow


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


def qwen2(seed, hidden=16, vocabulary=48):
    """A Qwen2 model of two layers, in evaluation mode and float64."""
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=vocabulary, hidden_size=hidden, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=64,
        tie_word_embeddings=True, attn_implementation="sdpa",
    )  # fmt: skip
    return Qwen2ForCausalLM(config).double().eval()


@pytest.fixture(scope="session")
def make_qwen2():
    return qwen2


@pytest.fixture(scope="session")
def pair():
    """A student, and a teacher of another width with a vocabulary padded by eight."""
    return qwen2(0), qwen2(1, hidden=24, vocabulary=56)


@pytest.fixture(scope="session")
def taught_rows():
    """Six rows with 4, 1, 9, 5, 8, 1 targets at their ends."""

    def row(length, targets, seed):
        ids = random.Random(seed).choices(range(1, 40), k=length)
        return SftRow(tuple(ids), tuple(index >= length - targets for index in range(length)))

    return [row(9, 4, 1), row(3, 1, 2), row(14, 9, 3), row(6, 5, 4), row(9, 8, 5), row(2, 1, 6)]
