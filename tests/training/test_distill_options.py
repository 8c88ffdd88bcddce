"""Which options of distillation go together."""

from __future__ import annotations

import pytest

from r1light.training.distill_options import DistillOptions


def test_the_divergence_hangs_on_the_mode_unless_it_is_given():
    assert DistillOptions(mode="logits", teacher="t").divergence == 0.0
    assert DistillOptions(mode="on_policy", teacher="t").divergence == 1.0
    assert DistillOptions(mode="on_policy", teacher="t", beta=0.5).divergence == 0.5


def test_updates_are_iterations_on_policy_and_epochs_elsewhere():
    assert DistillOptions(mode="on_policy", teacher="t", iterations=7).updates(rows=1000) == 7
    assert DistillOptions(batch_size=10, epochs=3).updates(rows=100) == 30


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mode": "logits"}, "mode=logits needs teacher"),
        ({"mode": "on_policy"}, "mode=on_policy needs teacher"),
        ({"iterations": 3}, "iterations is of mode=on_policy; mode=data counts epochs"),
        ({"texts": "x"}, "texts is of mode=on_policy; in mode=data data.path has the texts"),
        ({"mode": "on_policy", "teacher": "t", "max_updates": 3}, "in mode=on_policy give iterations"),
        ({"mode": "on_policy", "teacher": "t", "group_size": 3}, "batch_size=64 is not divided by"),
        ({"mode": "on_policy", "teacher": "t", "on_policy_share": 0.5}, "do not fit"),
        ({"mode": "on_policy", "teacher": "t", "texts": "x"}, "do not fit"),
        ({"beta": 1.5}, r"beta=1.5 must be in \[0, 1\]"),
        ({"top_k": 0}, "top_k=0 must be at least 1, or null"),
        ({"temperature": 0.0}, "temperature=0.0 must be above 0"),
        ({"eval_problems": -1}, "eval_problems=-1 must not be negative"),
    ],
)
def test_what_does_not_go_together_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        DistillOptions(**given)
