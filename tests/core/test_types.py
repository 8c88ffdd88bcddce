import dataclasses
import inspect

import pytest

from r1light.core import types
from r1light.core.types import (
    Completion,
    Prompt,
    SamplingParams,
    Score,
    TestCase,
    Verdict,
)

VALUES = [value for _, value in inspect.getmembers(types, dataclasses.is_dataclass)]


@pytest.mark.parametrize("value", VALUES)
def test_values_are_frozen_and_slotted(value):
    assert value.__dataclass_params__.frozen
    assert hasattr(value, "__slots__")


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (TestCase, {"stdin": "1"}, "stdin and stdout"),
        (TestCase, {"stdin": "1", "stdout": "2", "assertion": "x"}, "not both"),
        (Prompt, {"text": "question", "prefill": "<think>"}, "does not end with its prefill"),
        (
            Completion,
            {"token_ids": (1, 2), "text": "", "logprobs": (0.0,), "finish_reason": "stop"},
            "2 token ids",
        ),
        (Score, {"value": 1.0, "status": "error"}, "status 'error' with value 1.0"),
        (Score, {"value": None}, "status 'ok' with value None"),
        (Verdict, {"score": None, "status": "ok"}, "status 'ok' with score None"),
        (SamplingParams, {"n": 0}, "n=0"),
        (SamplingParams, {"temperature": -1.0}, "temperature=-1.0"),
        (SamplingParams, {"top_p": 0.0}, "top_p=0.0"),
    ],
)
def test_contradictory_values_are_refused(kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        kind(**arguments)


def test_scores_and_verdicts_tell_error_from_zero():
    assert Score.ok(0).value == 0.0
    assert Score.error("crash").value is None
    assert Score.abstain().status == "abstain"
    assert Verdict(1.0).correct
    assert not Verdict(0.5).correct
    assert not Verdict(None, "error").correct
