from __future__ import annotations

import json
import math

import pytest

from r1light.graders.label_reply import label_reply, share_of


def choice(tokens=None, text="m"):
    found = {"message": {"content": text}, "finish_reason": "length"}
    if tokens is not None:
        top = [{"token": token, "logprob": logprob} for token, logprob in tokens.items()]
        found["logprobs"] = {"content": [{"token": text, "top_logprobs": top}]}
    return found


def share(found, label):
    return share_of(label_reply(found, ("m", "M")), label)


def test_a_label_has_its_share_of_the_probability_of_all_labels():
    # 0.6 and 0.2 of all tokens: 0.6 / 0.8 = 0.75, whatever else is likely
    found = choice({"m": math.log(0.6), "M": math.log(0.2), "The": math.log(0.1), " m": math.log(0.05)})
    assert share(found, "m") == pytest.approx(0.75)
    assert share(found, "M") == pytest.approx(0.25)


def test_a_label_that_is_not_among_the_likeliest_has_none():
    assert share(choice({"M": -0.1, "x": -3.0}, text="x"), "m") == 0.0
    assert share(choice({"m": -900.0, "M": -1000.0}), "m") == pytest.approx(1.0)  # no underflow
    assert share(choice({"m": -math.inf, "M": -1.0}), "M") == 1.0


@pytest.mark.parametrize("logprobs", [None, {}, {"content": []}, {"content": None}])
def test_without_log_probabilities_the_written_label_has_all(logprobs):
    assert share(choice(text=" M\n") | {"logprobs": logprobs}, "M") == 1.0
    assert share(choice() | {"logprobs": logprobs}, "M") == 0.0


@pytest.mark.parametrize(
    "found",
    [
        choice(text="model m"),
        choice(text=""),
        choice(text=None),
        choice({"The": -0.1}),
        choice({"m": "high"}),
        choice({"m": math.nan}),
        choice({"m": True}),
    ],
)
def test_anything_else_is_no_verdict(found):
    with pytest.raises(ValueError, match=r"label|log-probability"):
        label_reply(found, ("m", "M"))


@pytest.mark.parametrize("kept", ["m", "{}", '{"shares": {"m": 2}}', '{"shares": {"m": true}}', "[" * 10**5])
def test_a_kept_text_of_another_form_is_none(kept):
    with pytest.raises(ValueError, match="share"):
        share_of(kept, "m")
    assert share_of(json.dumps({"shares": {"m": 1}}), "m") == 1.0
