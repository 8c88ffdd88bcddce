"""Samples, and reward functions in files."""

from __future__ import annotations

import textwrap

import pytest

from r1light.core.types import Completion, Parsed, Problem, Sample


def _sample(
    text="<think> 2+3 </think> <answer> 5 </answer>",
    *,
    thinking="2+3",
    answer="5",
    tokens=4,
    finish="stop",
    prefill="",
    prompt="2+3?",
    version=0,
    **problem,
):
    problem = {"id": "sums/1", "prompt": prompt, "grader": "exact", "answer": "5"} | problem
    ids = tuple(range(tokens))
    return Sample(
        Problem(**problem),
        f"User: 2+3? Assistant:{prefill}",
        Completion(ids, text, (-0.1,) * tokens, finish, version),
        Parsed(thinking, answer, True),
        prefill,
    )


@pytest.fixture
def make_sample():
    """Makes a sample; keywords that are no part of the completion go to the problem."""
    return _sample


@pytest.fixture
def function_file(tmp_path):
    """Writes a Python file with reward functions; returns a maker of references to them."""

    def write(code, name="my_reward.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(code))
        return lambda function: f"{path}:{function}"

    return write
