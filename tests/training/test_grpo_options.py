from __future__ import annotations

import pytest

from r1light.algorithms.presets import PRESETS
from r1light.training.grpo_options import GrpoOptions, LossOverrides, StopWhen


def test_the_default_is_the_papers_loss():
    options = GrpoOptions()
    assert options.loss_options == PRESETS["grpo"].loss
    assert (options.loss_options.clip_low, options.loss_options.clip_high) == (10.0, 10.0)
    assert options.loss_options.kl_coefficient == 0.001
    assert options.normalisation == "group_std"
    assert options.reference_reset_updates == 400


def test_single_fields_of_a_preset_can_be_replaced():
    options = GrpoOptions(algorithm="dapo", loss=LossOverrides(clip_high=0.4, kl_coefficient=0.0))
    assert options.loss_options.clip_high == 0.4
    assert options.loss_options.clip_low == PRESETS["dapo"].loss.clip_low
    assert options.loss_options.aggregation == "token_mean"


def test_what_a_preset_asks_of_the_iteration():
    dapo = GrpoOptions(algorithm="dapo", max_tokens=100)
    assert dapo.refill == dapo.sampling_attempts
    assert dapo.overlong_tokens == 20
    assert GrpoOptions(algorithm="dapo", dynamic_sampling=False, overlong_buffer=0).refill == 0
    assert GrpoOptions(max_tokens=100).overlong_tokens == 0
    assert GrpoOptions(minibatches=4, inner_epochs=2).updates_per_iteration == 8


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"lr": 0.0}, "lr=0.0 must be above 0"),
        ({"eval_every": -1}, "eval_every=-1 must not be negative"),
        ({"minibatches": 5}, "nearest that is: 15 or 20"),
        ({"minibatches": 32}, "nearest that is: 32"),
        ({"group_size": 1}, "every advantage is 0; give group_size at least 2"),
        ({"group_size": 1, "algorithm": "dr_grpo"}, "group_size=1"),
        ({"adam_beta2": 1.0}, "adam_beta2=1.0"),
        ({"overlong_buffer": -1}, "overlong_buffer=-1"),
        ({"stop_when": StopWhen(patience=2), "eval_every": 0}, "needs evaluations"),
        ({"reference_ema": 1.0}, "reference_ema=1.0"),
        ({"micro_batch_tokens": 0}, "micro_batch_tokens=0"),
        ({"overlong_buffer": 2000}, "overlong_buffer=2000"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(options, line):
    with pytest.raises(ValueError, match=r".") as caught:
        GrpoOptions(**options)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
