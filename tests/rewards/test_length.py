"""Rewards for length, by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.errors import ConfigError
from r1light.core.types import Score, Verdict
from r1light.graders.exact import Exact
from r1light.rewards.length import LengthCosine, Overlong, cosine, soft_overlong


@pytest.mark.parametrize(
    ("tokens", "cut", "expected"),
    [
        (0, False, 0.0),
        (80, False, 0.0),  # 100 - 20: the buffer begins
        (81, False, -0.05),  # (80 - 81) / 20
        (95, False, -0.75),  # (80 - 95) / 20
        (100, False, -1.0),
        (100, True, -1.0),
        (120, False, -1.0),
    ],
)
def test_the_overlong_punishment_is_dapos(tokens, cut, expected):
    assert soft_overlong(tokens, 100, 20, cut=cut) == pytest.approx(expected)
    assert soft_overlong(tokens, 100, 0, cut=cut) == 0.0


def test_overlong_takes_the_stages_cap_or_its_own(make_sample):
    samples = [make_sample(tokens=95), make_sample(tokens=100, finish="length"), make_sample(tokens=3)]
    of_stage = Overlong(Overlong.Config(), max_tokens=100)  # a buffer of 100 / 5
    assert [score.value for score in of_stage(samples)] == [-0.75, -1.0, 0.0]
    own = Overlong(Overlong.Config(max_tokens=200, buffer=150), max_tokens=100)
    assert own(samples)[0].value == pytest.approx(-0.3)  # (50 - 95) / 150


@pytest.mark.parametrize(
    ("config", "cap", "says"),
    [
        ({}, None, "overlong needs a cap, and this stage has no max_tokens"),
        ({"buffer": 100}, 100, "buffer=100 must be below max_tokens=100"),
    ],
)
def test_overlong_refuses(config, cap, says):
    with pytest.raises(ConfigError, match=says):
        Overlong(Overlong.Config(**config), cap)


@pytest.mark.parametrize("options", [{"buffer": 0}, {"max_tokens": 0}])
def test_overlong_options_are_checked(options):
    with pytest.raises(ValueError, match="must be at least 1"):
        Overlong.Config(**options)


def test_the_cosine_goes_from_one_end_to_the_other():
    assert cosine(0, 100, 2.0, 1.0) == 2.0
    assert cosine(100, 100, 2.0, 1.0) == pytest.approx(1.0)
    assert cosine(50, 100, 2.0, 1.0) == pytest.approx(1.5)
    # cos(pi / 4) = 0.70711: 1 + (2 - 1) * (1 + 0.70711) / 2
    assert cosine(25, 100, 2.0, 1.0) == pytest.approx(1.853553)
    assert cosine(500, 100, 2.0, 1.0) == pytest.approx(1.0)


@given(st.integers(0, 100), st.integers(0, 100))
def test_the_cosine_is_monotonic(one, other):
    short, long = sorted((one, other))
    assert cosine(short, 100, 1.0, 0.5) >= cosine(long, 100, 1.0, 0.5)


def test_right_answers_earn_less_and_wrong_ones_lose_less_the_longer_they_are(make_sample):
    reward = LengthCosine(LengthCosine.Config(), {"exact": Exact(Exact.Config())}, max_tokens=100)
    samples = [make_sample(answer=answer, tokens=tokens) for answer in ("5", "6") for tokens in (0, 50, 100)]
    assert [round(score.value, 6) for score in reward(samples)] == [1.0, 0.75, 0.5, -1.0, -0.75, -0.5]
    cut = make_sample(answer="5", tokens=100, finish="length")
    assert reward([cut]) == [Score.ok(-1.0, "cut at the cap")]
    assert reward([make_sample(answer=None, tokens=50)])[0].value == pytest.approx(-0.75)


def test_partly_right_lies_between_and_errors_and_abstentions_stay(make_sample):
    class Fixed:
        def grade_many(self, items):
            return [Verdict(0.25), Verdict(None, "error", "broken"), Verdict(None, "abstain", "open")]

    reward = LengthCosine(LengthCosine.Config(), {"exact": Fixed()}, max_tokens=100)
    scores = reward([make_sample(tokens=50)] * 3)
    assert scores[0].value == pytest.approx(-0.375)  # -0.75 + 0.25 * (0.75 + 0.75)
    assert scores[1:] == [Score.error("broken"), Score.abstain("open")]


def test_length_cosine_refuses():
    with pytest.raises(ConfigError, match=r"reward.components.length_cosine.max_tokens"):
        LengthCosine(LengthCosine.Config(), {})
    with pytest.raises(ValueError, match="right_short=inf must be a finite number"):
        LengthCosine.Config(right_short=float("inf"))
