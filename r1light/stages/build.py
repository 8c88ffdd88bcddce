"""From a validated configuration to components, ready built: the one place that asks the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from r1light.config.schema import RunConfig
from r1light.core.errors import ConfigError, DataError
from r1light.core.protocols import RolloutEngine, Template
from r1light.core.registry import registry
from r1light.core.types import Problem
from r1light.stages.adapters import check_lora, load
from r1light.stages.sources import build_rows, check_preferences, check_reward_sources


def build_template(config: RunConfig, tokenizer: Any = None) -> Template:
    """The template of the run.

    Args:
        config: The run's configuration.
        tokenizer: The model's tokenizer where it is loaded already; else a template that needs it loads it.
    """
    return named_template(config, config.template.name, config.template.config, tokenizer)


def named_template(config: RunConfig, name: str, options: Any, tokenizer: Any = None) -> Template:
    """A template by its registered name, with its validated options."""

    def load_tokenizer() -> Any:
        return build_tokenizer(config).tokenizer if tokenizer is None else tokenizer

    template: Template = registry("templates").create(name, options, load_tokenizer=load_tokenizer)
    return template


def build_problems(
    config: RunConfig, split: Literal["train", "test"], *, as_they_are: bool = False
) -> list[Problem]:
    """All problems of one split; those to train on without what `data.decontaminate` leaves out.

    Args:
        config: The run's configuration.
        split: Which split.
        as_they_are: Whether contaminated problems stay in.

    Raises:
        DataError: If there are none, or two have one id.
    """
    problems = build_rows(config, split, as_they_are=as_they_are)
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
    if getattr(config.stage, "preference_updates", None) != 0:  # then they are never drawn
        check_preferences(config, [*train, *held_out])
    return ProblemSets(train, held_out[:validation], held_out[validation : validation + test])


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


def lanes_of(config: RunConfig, model: Any) -> int:
    """How many passes through a model run side by side; see `lanes_for`."""
    from r1light.training.lanes import lanes_for

    alone = (
        config.trainer.devices == 1 and config.trainer.precision == "32-true"
    )  # autocast is a thread's own
    return lanes_for(model) if alone else 1


def build_model(config: RunConfig) -> Any:
    """The model with its tokenizer, on the device that it is trained on: a `LoadedModel`.

    Raises:
        ConfigError: `model.lora` asks for what cannot be.
    """
    check_lora(config)
    return load(registry("models").create(config.model.name, config.model.config), config, device_of(config))


def build_tokenizer(config: RunConfig) -> Any:
    """The model's tokenizer and context, without its weights where its component can do that."""
    model = registry("models").create(config.model.name, config.model.config)
    return model.load_tokenizer() if hasattr(model, "load_tokenizer") else model.load("cpu")


def build_engine(config: RunConfig, loaded: Any) -> RolloutEngine:
    """The rollout engine over a loaded model.

    Raises:
        ConfigError: If it writes with the policy itself, and no process is to have all of that; or vLLM
            writes for several processes.
    """
    tokenizer = loaded.tokenizer
    _check_processes(config)

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
    if config.trainer.shards_weights and getattr(engine, "shares_weights", False):
        raise ConfigError(
            f"rollout={config.rollout.name} writes with the policy itself here, and under trainer.strategy="
            f"{config.trainer.strategy} no process has all of it; take rollout=native and a model that it "
            "knows, or trainer=ddp"
        )
    return engine


def _check_processes(config: RunConfig) -> None:
    """Refuse vLLM beside several trainers: each would have it on the first device, or start servers there."""
    several = config.trainer.devices * config.trainer.nodes > 1
    if config.rollout.name == "vllm" and (several or config.trainer.shards_weights):
        raise ConfigError(
            "rollout=vllm serves a trainer of one process that holds all its weights; take rollout=native, "
            "or trainer.devices=1 and trainer.strategy=ddp"
        )


def runs_model(config: RunConfig) -> bool:
    """Whether the run's engine computes with the model, and so within its context."""
    return bool(getattr(registry("rollouts").get(config.rollout.name), "runs_model", True))


def encoder(tokenizer: Any) -> Any:
    """Text to ids with no special tokens added."""

    def encode(text: str) -> list[int]:
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
        return ids

    return encode
