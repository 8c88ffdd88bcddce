"""From a validated configuration to components, ready built: the one place that asks the registry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from r1light.config.schema import RunConfig
from r1light.core.errors import ConfigError, DataError, unknown_name
from r1light.core.protocols import Grader, RolloutEngine, Template
from r1light.core.registry import registry
from r1light.core.types import Problem


@dataclass(frozen=True, slots=True)
class Graders:
    """The graders that some problems need, by name."""

    by_name: Mapping[str, Grader]

    def close(self) -> None:
        """Free their workers."""
        for grader in self.by_name.values():
            grader.close()


def build_template(config: RunConfig) -> Template:
    """The template."""
    template: Template = registry("templates").create(config.template.name, config.template.config)
    return template


def build_problems(config: RunConfig, split: Literal["train", "test"]) -> list[Problem]:
    """All problems of one split.

    Raises:
        DataError: If there are none, or two have one id.
    """
    source: Iterable[Problem] = registry("data").create(config.data.name, config.data.config, split=split)
    problems = list(source)
    if not problems:
        raise DataError(
            f"data={config.data.name} has no problems in its {split} split; see its options under data."
        )
    if len({problem.id for problem in problems}) < len(problems):
        raise DataError(f"data={config.data.name}: two problems of the {split} split have one id")
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
    """
    held_out = build_problems(config, "test")
    if len(held_out) < validation + test:
        raise DataError(
            f"data={config.data.name} has {len(held_out)} held-out problems, and stage.eval_problems="
            f"{validation} and stage.test_problems={test} ask for more; lower them or raise data.test_size"
        )
    train = build_problems(config, "train")
    return ProblemSets(train, held_out[:validation], held_out[validation : validation + test])


def build_graders(problems: Iterable[Problem]) -> Graders:
    """The graders that the problems name, with their default options.

    Raises:
        UnknownNameError: If a problem names one that there is not.
    """
    known = {entry.name for entry in registry("graders").entries()}
    names = sorted({problem.grader for problem in problems})
    for name in names:
        if name not in known:
            raise unknown_name("grader", name, known)
    graders = {}
    for name in names:
        config_type = registry("graders").config_type(name)
        graders[name] = registry("graders").create(name, config_type() if config_type else None)
    return Graders(graders)


def build_mix(config: RunConfig, graders: Graders) -> Any:
    """The rewards, weighted.

    Raises:
        ConfigError: If there are none.
    """
    from r1light.rewards.mix import RewardMix, WeightedReward

    if not config.reward.components:
        raise ConfigError("reward.components is empty: name at least one reward, such as reward=r1_zero")
    components = [
        WeightedReward(
            spec.key,
            registry("rewards").create(spec.name, spec.config, graders=graders.by_name),
            spec.weight,
        )
        for spec in config.reward.components
    ]
    return RewardMix(components, config.reward.max_error_rate)


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
