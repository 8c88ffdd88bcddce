from __future__ import annotations

import pytest

from r1light.training.grpo_options import GrpoOptions
from r1light.training.plan import batch_plan, reward_plan


def plan(**options):
    return batch_plan(GrpoOptions(**options), devices=1)


def test_the_papers_second_stage_is_told_in_its_own_numbers():
    lines = plan(
        iterations=106, prompts_per_iteration=512, group_size=16, minibatches=16, preference_updates=400
    )
    # 512 x 16 = 8,192; 8,192 / 16 = 512 completions of 512 / 16 = 32 problems; 106 x 16 = 1,696 updates
    assert "512 problems x 16 completions = 8192 completions" in lines[0]
    assert "an update: 512 completions of 32 problems" in lines[1]
    assert "1696 in all" in lines[1]
    # 400 / 16 = 25 iterations, so from iteration 106 - 25 + 1 = 82 on
    assert lines[-1].endswith("drawn from iteration 82 on, in the last 25 iterations (400 updates)")


@pytest.mark.parametrize(
    ("asked", "switch", "words"),
    [
        (None, None, "learning rate"),
        (0, 11, "never drawn"),
        (4, 10, "drawn from iteration 10 on, in the last 1 iteration (4 updates)"),
        # 5 updates are 1.25 iterations of 4: the last two
        (5, 9, "drawn from iteration 9 on, in the last 2 iterations (8 updates); 5 updates are no whole"),
        (40, 1, "from the start, as stage.preference_updates=40 is no fewer than the 40 updates"),
        (41, 1, "from the start, as stage.preference_updates=41 is no fewer than the 40 updates"),
    ],
)
def test_when_problems_for_reward_models_are_drawn(asked, switch, words):
    options = {"iterations": 10, "minibatches": 4, "preference_updates": asked}
    assert GrpoOptions(**options).preference_switch == switch
    assert words in plan(**options)[-1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"preference_updates": -1}, "preference_updates=-1 must not be negative"),
        ({"preference_updates": 8, "stop_when": {"patience": 2}}, "may end the run before its last"),
    ],
)
def test_schedules_that_cannot_be(options, words):
    from r1light.config.convert import convert

    with pytest.raises(ValueError, match=words):
        convert(GrpoOptions, options, "stage")


def test_one_of_a_thing_is_told_as_one():
    lines = plan(iterations=2, prompts_per_iteration=1, group_size=2, minibatches=1, inner_epochs=1)
    assert lines[0].startswith("an iteration: 1 problem x 2 completions = 2 completions of")
    assert lines[1] == (
        "an update: 2 completions of 1 problem; 1 minibatch x 1 epoch = 1 update an iteration, 2 in all"
    )


def test_the_reward_is_told_with_its_weights():
    assert reward_plan({"accuracy": 1.0, "format": 0.5}) == "the reward: 1 x accuracy + 0.5 x format"
    assert reward_plan({"accuracy": 0.0, "length": -0.25}) == "the reward: -0.25 x length; watched: accuracy"
    assert reward_plan({}) == "the reward: nothing"
