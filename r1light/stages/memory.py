"""Whether a run fits the device that it is to run on: said before its first step, with what would help."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from r1light.config.schema import RunConfig
from r1light.core.errors import ConfigError
from r1light.core.types import Problem
from r1light.models.sizes import ModelSize, size_from_config
from r1light.training.memory import Use, estimate
from r1light.training.memory_use import use_of

LARGEST = 3
"""So many parts of the estimate are told."""
WORTH = 0.02
"""The share of the whole that a change has to save to be named."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change of options, and the bytes that it saves at the worst moment."""

    option: str
    saves: float


def check_rollouts(config: RunConfig, loaded: Any, problems: Sequence[Problem]) -> None:
    """Say what a run of `stage=grpo` takes of memory, before its engine is built; see `check_memory`.

    Args:
        config: The run's configuration.
        loaded: The policy.
        problems: All that are asked.
    """
    from r1light.stages.build import build_template, encoder

    options = config.stage
    template = build_template(config, loaded.tokenizer)
    texts = (template.render(problem).text for problem in problems)
    prompt = len(encoder(loaded.tokenizer)(max(texts, key=len)))
    drawn = options.prompts_per_iteration * options.group_size
    check_memory(config, loaded.model, max(drawn, options.eval_problems, options.test_problems), prompt)


def check_memory(config: RunConfig, model: Any, drawn: int = 0, prompt: int = 0) -> None:
    """Say what the run takes of memory, and warn where that is more than there is.

    Args:
        config: The run's configuration.
        model: What is trained, on its device, adapters in place.
        drawn: Completions that there are to write at a time by an engine that is still to be built.
        prompt: Tokens of the longest prompt.

    Raises:
        ConfigError: Weights, gradients and moments alone do not fit; or `stage.offload` is to move what no
            process has.
    """
    if config.trainer.strategy != "ddp":
        if getattr(config.stage, "offload", ()):
            raise ConfigError("stage.offload is for trainer=ddp; DeepSpeed has trainer.offload instead")
        _log.info("memory: no estimate under trainer.strategy=%s", config.trainer.strategy)
        return
    size = size_of(model)
    if size is None:
        _log.info("memory: no estimate, as the layers of %s are not known", type(model).__name__)
        return
    device = next(model.parameters()).device.type
    use = use_of(config, size, cpu=device == "cpu", drawn=drawn, prompt=prompt)
    assert use is not None  # it trains
    use = replace(use, trained=_trained(config, model), engine_number=use.engine_number if drawn else 0)
    free, held = free_bytes(device), sum(each.nbytes for each in model.parameters())
    judge(use, None if free is None else free + held, changeable(config))


def judge(use: Use, room: float | None, options: frozenset[str]) -> None:
    """Log the estimate, and compare it with the room.

    Args:
        use: What memory hangs on.
        room: Bytes that there are for all of it; None where that is not known.
        options: The options that the run has, of those that remedies name.

    Raises:
        ConfigError: Weights, gradients and moments alone do not fit.
    """
    found = estimate(use)
    parts = [f"{name} {_said(taken)}" for name, taken in found.parts().items() if taken >= 1e6]
    of = "" if room is None else f" of {_said(room)}"
    most = ", ".join(parts[:LARGEST])
    _log.info("memory: about %s%s at the worst moment (most of it %s)", _said(found.peak), of, most)
    _log.debug("memory at that moment: %s", ", ".join(parts))
    if room is None or found.peak <= room:
        return
    helps = "; ".join(f"{each.option} saves {_said(each.saves)}" for each in remedies(use, options))
    if found.state > room:
        raise ConfigError(
            f"weights, gradients and moments take {_said(found.state)}, and the device has {_said(room)} "
            f"for them; {helps or 'take a smaller model or another device'}"
        )
    _log.warning(
        "memory: the run may not fit: about %s at the worst moment, and there are %s; %s",
        _said(found.peak), _said(room), helps or "take a smaller model or another device",
    )  # fmt: skip


def remedies(use: Use, options: frozenset[str]) -> list[Remedy]:
    """Changes that make the worst moment smaller, the one that saves most first."""
    peak = estimate(use).peak
    tried = [
        Remedy(option, peak - estimate(other).peak)
        for option, other in _changes(use)
        if option.partition("=")[0] in options
    ]
    return sorted((one for one in tried if one.saves > WORTH * peak), key=lambda one: -one.saves)


def _changes(use: Use) -> Iterator[tuple[str, Use]]:
    if not use.checkpointing:
        yield "stage.gradient_checkpointing=true", replace(use, checkpointing=True)
    half = max(use.longest, use.tokens // 2)
    if half < use.tokens:
        yield f"stage.micro_batch_tokens={half}", replace(use, tokens=half)
    if use.slots > 1:
        few = replace(use, slots=use.slots // 2)
        yield from ((f"rollout.{name}={few.slots}", few) for name in ("max_slots", "batch_size"))
    if use.engine_number > 2 and not use.shares_weights:
        yield "rollout.dtype=bfloat16", replace(use, engine_number=2)
    for parked in (("optimizer",), ("optimizer", "policy"), ("optimizer", "policy", "reference")):
        if set(parked) > set(use.offload) and not (use.shares_weights and "policy" in parked):
            yield f"stage.offload=[{','.join(parked)}]", replace(use, offload=parked)
    if use.trained and not use.precision.startswith(("bf16", "16")):
        yield "trainer.precision=bf16-mixed", replace(use, precision="bf16-mixed")
    if use.trained >= use.size.parameters:
        yield "model.lora.rank=16", replace(use, trained=0.0, reference=False)


def changeable(config: RunConfig) -> frozenset[str]:
    """The names of options that this run has and a remedy may name."""
    stage = {f"stage.{name}" for name in ("gradient_checkpointing", "micro_batch_tokens")}
    gpu = config.trainer.accelerator != "cpu"
    stage |= {"stage.offload", "trainer.precision"} if gpu and hasattr(config.stage, "offload") else set()
    names = ("max_slots", "batch_size", "dtype")
    return frozenset(
        stage
        | {"model.lora.rank"}
        | {f"rollout.{name}" for name in names if hasattr(config.rollout.config, name)}
    )


def _trained(config: RunConfig, model: Any) -> float:
    """Weights that are trained, of adapters those that are still to come."""
    from r1light.models.lora import adapter_parameters, has_adapters

    lora = config.model.lora
    if lora.rank and not has_adapters(model):
        return float(adapter_parameters(model, lora.rank, lora.targets))
    return float(sum(each.numel() for each in model.parameters() if each.requires_grad))


def size_of(model: Any) -> ModelSize | None:
    """The size of a loaded model, its parameters counted; None where its layers are not known."""
    try:
        size = size_from_config(model.config.to_dict())
    except (KeyError, TypeError):
        return None
    if getattr(model.config, "quantization_config", None) is not None:
        return size  # several weights are one number there
    return replace(size, parameters=float(sum(each.numel() for each in model.parameters())))


def free_bytes(device: str) -> float | None:
    """Bytes that are free on a device, with those that torch holds and does not use; None if not known."""
    if device == "cuda":
        import torch

        free, _ = torch.cuda.mem_get_info()
        return float(free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated())
    if device != "cpu":
        return None
    from r1light.training.host import available_memory

    return available_memory()


def _said(taken: float) -> str:
    """Bytes in words, in units of 10^6 or 10^9."""
    return f"{taken / 1e6:.0f} MB" if taken < 1e9 else f"{taken / 1e9:.1f} GB"
