"""The experiments that carry the paper's numbers (recipe: arXiv:2501.12948v2, 2.1, 3.2.1 and 3.2.2)."""

from __future__ import annotations

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.validate import validate
from r1light.core.registry import registry
from r1light.stages import stage_module

REWARD_MODELS = (
    "reward.components.helpfulness.path=h",
    "reward.components.harmlessness.path=s",
)


@pytest.fixture(autouse=True)
def real_components(monkeypatch):
    monkeypatch.setattr("r1light.config.validate.registry", registry)


def composed(name, *overrides):
    words = [f"experiment={name}", "data.path=x", "model.path=y", *overrides]
    (plain,) = compose_jobs(words, Source(), multirun=False).jobs
    return validate(plain, stage_module)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "overrides", "temperature", "updates", "rewards"),
    [
        ("r1_zero", (), 1.0, 10_400, ["accuracy", "format"]),
        ("r1_reasoning", (), 1.0, 10_400, ["accuracy", "format", "language"]),
        (
            "r1_scenarios",
            REWARD_MODELS,
            0.7,
            1_696,
            ["accuracy", "format", "language", "helpfulness", "harmlessness"],
        ),
    ],
)
def test_each_stage_has_the_papers_numbers(name, overrides, temperature, updates, rewards):
    config = composed(name, *overrides)
    options = config.stage
    assert (options.temperature, options.updates) == (temperature, updates)
    assert [spec.key for spec in config.reward.components] == rewards
    assert all(spec.weight == 1.0 for spec in config.reward.components)
    assert options.lr == 3e-6
    # 512 questions x 16 outputs = 8,192, in 16 minibatches of 512 outputs, those of 32 questions
    assert options.prompts_per_iteration * options.group_size == 8_192
    assert options.prompts_per_iteration * options.group_size // options.minibatches == 512
    assert options.prompts_per_iteration // options.minibatches == 32
    assert (options.inner_epochs, options.max_tokens, options.reference_reset_updates) == (1, 32_768, 400)
    loss = options.loss_options
    assert (loss.kl_coefficient, loss.clip_low, loss.clip_high) == (0.001, 10.0, 10.0)
    assert (loss.aggregation, loss.ratio_level) == ("seq_mean_token_mean", "token")
    assert options.normalisation == "group_std"


@pytest.mark.slow
def test_the_preference_phase_is_the_last_400_updates():
    options = composed("r1_scenarios", *REWARD_MODELS).stage
    # 400 / 16 = 25 iterations of 106
    assert options.preference_switch == 82
    assert (options.iterations - options.preference_switch + 1) * options.updates_per_iteration == 400


@pytest.mark.slow
def test_the_templates_are_those_of_the_two_models():
    assert composed("r1_zero").template.name == "r1_zero"
    assert composed("r1_reasoning").template.name == "cold_start"
    assert composed("r1_scenarios", *REWARD_MODELS).template.name == "cold_start"
