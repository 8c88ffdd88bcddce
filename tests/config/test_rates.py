"""The learning rate that is taken where none is given."""

from __future__ import annotations

import pytest

from r1light.config.compose import Source, compose_jobs


@pytest.mark.parametrize(
    ("overrides", "rate"),
    [
        (["model.lora.rank=0"], 2e-4),  # what conf/model/tiny.yaml recommends
        (["model.lora.rank=16"], 2e-3),
        (["model.lora.rank=16", "stage.lr=3e-5"], 3e-5),
        (["model=qwen2.5-0.5b", "model.lora.rank=16"], 1e-5),
    ],
)
def test_adapters_take_ten_times_that_of_full_training_unless_told(overrides, rate):
    (plain,) = compose_jobs(overrides, Source(), multirun=False).jobs
    assert plain["stage"]["lr"] == rate
