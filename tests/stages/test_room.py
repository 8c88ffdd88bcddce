"""How much of a context prompts leave."""

from __future__ import annotations

import pytest

from r1light.stages.room import Room


def room(needed):
    return Room(context=20, encode=str.split, needed=needed)


def test_a_prompt_fits_up_to_the_last_token():
    prompt = "one two three four five six seven eight"  # 8 tokens, of more than 20 bytes
    assert room(12).fits(prompt)
    assert not room(13).fits(prompt)


def test_the_longest_that_does_not_fit_is_told_with_what_would_work():
    looked = room(15)
    assert [looked.fits("a " * count) for count in (4, 9, 7, 5)] == [True, False, False, True]
    assert looked.longest == 9
    said = str(looked.refusal("small"))
    assert said.startswith(
        "model small has a context of 20 tokens, the longest prompt has 9, and stage.max_tokens=15: "
        "give stage.max_tokens=11 or less"
    )
    assert "stage.too_long=cap" in said


def test_a_prompt_as_long_as_the_context_is_to_be_left_out():
    looked = room(1)
    assert not looked.fits("a " * 20)
    with pytest.raises(ValueError, match=r"leave such problems out by stage\.too_long=skip"):
        raise looked.refusal("small")
