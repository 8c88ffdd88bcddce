"""From a validated configuration to components, ready built: the one place that asks the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from r1light.config.schema import RewardMixSpec, RewardSpec, RunConfig
from r1light.core.errors import ConfigError, DataError
from r1light.core.protocols import RolloutEngine, Template
from r1light.core.registry import registry
from r1light.core.types import Problem
from r1light.stages.graders import Graders
from r1light.stages.sources import build_source, check_preferences, check_reward_sources


def build_template(config: RunConfig) -> Template:
    """The template."""
    template: Template = registry("templates").create(config.template.name, config.template.config)
    return template


def build_problems(config: RunConfig, split: Literal["train", "test"]) -> list[Problem]:
    """All problems of one split.

    Raises:
        DataError: If there are none, or two have one id.
    """
    problems = list(build_source(config.data.name, config.data.config, split))
    if not problems:
        raise DataError(
            f"data={config.data.name} has no problems in its {split} split; see its options under data."
        )
    if not isinstance(problems[0], Problem):
        raise ConfigError(
            f"data={config.data.name} gives texts to learn from, for stage=sft; stage={config.stage_name} "
            "needs problems, such as data=jsonl has them"
        )
    if len({problem.id for problem in problems}) < len(problems):
        raise DataError(f"data={config.data.name}: two problems of the {split} split have one id")
    if split == "train":
        check_reward_sources(config, problems)
    return problems


@dataclass(frozen=True, slots=True)
class ProblemSets:
    """What a training stage works on.

    Attributes:
        train: Problems to train on.
        validation: Held-out problems to look at in the course of training.
        test: Other held-out problems, for the figures before and after.
    """

    train: list[Problem]
    validation: list[Problem]
    test: list[Problem]

    @property
    def all(self) -> list[Problem]:
        """All of them."""
        return [*self.train, *self.validation, *self.test]


def build_data(config: RunConfig, validation: int, test: int) -> ProblemSets:
    """Both splits of the data source, the held-out one cut in two.

    Raises:
        DataError: If a split is empty, or there are too few held-out problems.
        ConfigError: If a problem is for a reward model that the run does not have.
    """
    held_out = build_problems(config, "test")
    if len(held_out) < validation + test:
        raise DataError(
            f"data={config.data.name} has {len(held_out)} held-out problems, and stage.eval_problems="
            f"{validation} and stage.test_problems={test} ask for more; lower them, or hold more out"
        )
    train = build_problems(config, "train")
    check_preferences(config, [*train, *held_out])
    return ProblemSets(train, held_out[:validation], held_out[validation : validation + test])


def build_mix(config: RunConfig, graders: Graders, min_samples: int | None = None) -> Any:
    """The rewards, weighted. Close it: some hold processes.

    Args:
        config: The run's configuration.
        graders: What grades answers.
        min_samples: Samples that a reward must have seen before its error rate counts; None for 64, or for
            one where no error is borne.

    Raises:
        ConfigError: If there are none, or overlong completions would be punished twice.
    """
    from r1light.rewards.mix import RewardMix

    mix = config.reward
    if not mix.components:
        raise ConfigError("reward.components is empty: name at least one reward, such as reward=r1_zero")
    buffer = getattr(config.stage, "overlong_tokens", 0)
    if buffer and any(spec.name == "overlong" and spec.weight for spec in mix.components):
        raise ConfigError(
            f"overlong completions are punished twice: by reward.components.overlong and by "
            f"stage.overlong_buffer={buffer}; set stage.overlong_buffer=0 or leave the reward out"
        )
    resources = {
        "graders": graders.by_name,
        "max_tokens": getattr(config.stage, "max_tokens", None),
        "run_device": partial(device_of, config),
    }
    least = min_samples or (64 if mix.max_error_rate else 1)
    return RewardMix([_weighted(spec, mix, resources) for spec in mix.components], mix.max_error_rate, least)


def _weighted(spec: RewardSpec, mix: RewardMixSpec, resources: Mapping[str, Any]) -> Any:
    """One reward with its weight and its deadline; one that `keeps_deadline` is not guarded from outside."""
    from r1light.rewards.mix import WeightedReward

    deadline = mix.deadline_s if spec.deadline is None else spec.deadline
    reward = registry("rewards").create(spec.name, spec.config, **resources, deadline=deadline)
    guarded = None if getattr(reward, "keeps_deadline", False) else deadline
    return WeightedReward(spec.key, reward, spec.weight, spec.sources, guarded)


def device_of(config: RunConfig) -> Literal["cpu", "cuda"]:
    """Where policy and engine compute: a GPU where there is one and none was declined.

    Raises:
        ConfigError: If a GPU is asked for and torch sees none.
    """
    import torch

    if config.trainer.accelerator == "gpu" and not torch.cuda.is_available():
        raise ConfigError(
            "trainer.accelerator=gpu, and torch sees no GPU here; take trainer=cpu or trainer=auto"
        )
    return "cuda" if config.trainer.accelerator != "cpu" and torch.cuda.is_available() else "cpu"


def build_model(config: RunConfig) -> Any:
    """The model with its tokenizer, on the device that it is trained on: a `LoadedModel`."""
    return registry("models").create(config.model.name, config.model.config).load(device_of(config))


def build_tokenizer(config: RunConfig) -> Any:
    """The model's tokenizer and context, without its weights where its component can do that."""
    model = registry("models").create(config.model.name, config.model.config)
    return model.load_tokenizer() if hasattr(model, "load_tokenizer") else model.load("cpu")


def build_engine(config: RunConfig, loaded: Any) -> RolloutEngine:
    """The rollout engine over a loaded model."""
    tokenizer = loaded.tokenizer

    def decode(ids: Any) -> str:
        text: str = tokenizer.decode(list(ids), skip_special_tokens=True)
        return text

    engine: RolloutEngine = registry("rollouts").create(
        config.rollout.name,
        config.rollout.config,
        model=loaded.model,
        decode=decode,
        eos_ids=loaded.eos_ids,
        encode=encoder(tokenizer),
    )
    return engine


def encoder(tokenizer: Any) -> Any:
    """Text to ids with no special tokens added."""

    def encode(text: str) -> list[int]:
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
        return ids

    return encode
