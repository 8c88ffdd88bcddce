"""`model.lora` in the stages that train: whether it can be, adapters into the model, and out of it again."""

from __future__ import annotations

import logging
from typing import Any, Literal

from r1light.config.schema import RunConfig
from r1light.core.errors import ConfigError
from r1light.core.run_folder import RunFolder

_log = logging.getLogger(__name__)

TRAINS = ("grpo", "sft", "distill", "reward_model")
"""The stages that take adapters."""


def check_lora(config: RunConfig) -> None:
    """Refuse what cannot be, before the model is loaded.

    Raises:
        ConfigError: The stage trains no model; no process is to have all weights; dropout is asked for where
            the model learns from what it writes; `reference_ema` is asked for; or 4 bits cannot be had here.
    """
    lora, options = config.model.lora, config.stage
    if not lora.rank:
        return
    if config.stage_name not in TRAINS:
        raise ConfigError(
            f"model.lora is for stages that train ({', '.join(TRAINS)}), not stage={config.stage_name}; a "
            "run that trained has its adapters merged in model/: give model.path=RUN/model"
        )
    if config.trainer.shards_weights:
        raise ConfigError(
            "model.lora needs the whole model in each process, and trainer.strategy="
            f"{config.trainer.strategy} shares it out; take trainer=ddp or deepspeed_zero2"
        )
    if lora.dropout and (config.stage_name == "grpo" or getattr(options, "mode", None) == "on_policy"):
        raise ConfigError(
            f"model.lora.dropout={lora.dropout}: a model that learns from what it writes has no dropout, as "
            "what learns must be what wrote; leave it at 0"
        )
    if getattr(options, "reference_ema", None) is not None:
        raise ConfigError(
            "stage.reference_ema averages weights, and the product of averaged adapters is no average; leave "
            "it null (stage.reference_reset_updates works)"
        )
    if lora.quantize != "none":
        _check_quantize(config)


def _check_quantize(config: RunConfig) -> None:
    from importlib.util import find_spec

    from r1light.stages.build import device_of

    asked = f"model.lora.quantize={config.model.lora.quantize}"
    if device_of(config) != "cuda":
        raise ConfigError(f"{asked} needs a GPU, and the run computes on a CPU; leave it at none")
    if find_spec("bitsandbytes") is None:
        raise ConfigError(f"{asked} needs bitsandbytes, which is not installed; pip install bitsandbytes")
    if config.trainer.ranks > 1 or config.trainer.strategy != "ddp":
        raise ConfigError(f"{asked} is for one process; take trainer.devices=1 and trainer.strategy=ddp")
    if config.rollout.name == "vllm":
        raise ConfigError(
            f"{asked}: rollout=vllm cannot take 4-bit weights from here; take rollout=native or hf"
        )


def load(component: Any, config: RunConfig, device: str) -> Any:
    """A `LoadedModel`, its weights as `model.lora.quantize` says.

    Args:
        component: The model's, from the registry.
        config: The run's configuration.
        device: Where it is trained.

    Raises:
        ConfigError: 4 bits are asked for, and the component knows of none.
    """
    if config.model.lora.quantize == "none":
        return component.load(device)
    if not hasattr(component, "load_quantized"):
        raise ConfigError(f"model={config.model.name} cannot be loaded in 4 bits; take model=hf")
    return component.load_quantized(device)


def with_adapters(model: Any, config: RunConfig, task: Literal["CAUSAL_LM", "SEQ_CLS"] = "CAUSAL_LM") -> None:
    """Put in place what the options say of adapters and checkpointing.

    Args:
        model: What is trained. Engines that copy its weights are built before.
        config: The run's configuration.
        task: What the model does, in peft's words.

    Raises:
        ConfigError: `model.lora.targets` names no layer, or one that can have none.
    """
    from r1light.models.lora import add_adapters

    lora = config.model.lora
    if lora.rank:
        add_adapters(
            model, rank=lora.rank, alpha=lora.alpha, dropout=lora.dropout, targets=lora.targets, task=task
        )
        trained = sum(each.numel() for each in model.parameters() if each.requires_grad)
        _log.info(
            "model.lora: rank %d, %s weights to train; learning rate %g (ten times that of full training "
            "where stage.lr is not given)",
            lora.rank, f"{trained:,}", config.stage.lr,
        )  # fmt: skip
    if config.stage.gradient_checkpointing:
        model.gradient_checkpointing_enable()
        if lora.rank:
            model.enable_input_require_grads()


def save_trained(folder: RunFolder, loaded: Any) -> None:
    """Write model/, its adapters merged, and adapter/ where there are adapters, from the first process.

    Args:
        folder: The run folder.
        loaded: The `LoadedModel` that was trained.
    """
    from r1light.models.save import save_model
    from r1light.training import ranks
    from r1light.training.whole import whole_model

    save_adapter(folder, loaded.model, loaded.path)
    model = whole_model(loaded.model)
    if ranks.rank() == 0:
        save_model(model, loaded.tokenizer, folder.model)


def save_adapter(folder: RunFolder, model: Any, base: str) -> None:
    """Write adapter/ where there are adapters, from the first process.

    Args:
        folder: The run folder.
        model: What was trained.
        base: The path or name of the model without adapters.
    """
    from r1light.models.lora import has_adapters, save_adapters
    from r1light.training import ranks

    if has_adapters(model) and ranks.rank() == 0:
        save_adapters(model, base, folder.path / "adapter")
