"""From a run's configuration to what its memory hangs on."""

from __future__ import annotations

import math

from r1light.config.schema import RunConfig
from r1light.models.sizes import ModelSize
from r1light.training.grpo_options import CPU_PASS_TOKENS, GPU_PASS_TOKENS
from r1light.training.memory import Use

TEXT_CONTEXT = 1024
"""What stands for `stage.max_length` where neither it nor the model's context is known."""
CPU_CHUNK, GPU_CHUNK, KEPT = 2**20, 2**27, 2**27
"""Logits of a chunk, and of those that are kept: see algorithms/logprob.py."""
LEARNING = ("grpo", "sft", "distill", "reward_model")
"""The stages that train."""


def use_of(config: RunConfig, size: ModelSize, *, cpu: bool, drawn: int, prompt: int = 0) -> Use | None:
    """What a run's memory hangs on; None for stages without a model of a size.

    Args:
        config: The run's configuration.
        size: The model; of several devices, what one holds of it.
        cpu: Whether it computes on a CPU.
        drawn: Completions that there are to write at a time.
        prompt: Tokens of the longest prompt.
    """
    options = config.stage
    learns, writes = config.stage_name in LEARNING, _writes(config)
    if not learns and not writes:
        return None
    held = _number(getattr(config.model.config, "dtype", "float32"), 2)
    number = 2 if learns and config.trainer.precision == "bf16-true" else held
    lora = config.model.lora
    full, quantized = learns and not lora.rank, lora.quantize != "none"
    rollout = config.rollout.config
    shares = config.rollout.name == "hf" or quantized  # rollout=native hands 4 bits on
    masked = cpu or config.trainer.precision == "32-true"  # else segments tell rows apart
    engine_number = _number(getattr(rollout, "dtype", "auto"), number) if writes else 0
    packed = cpu and engine_number == 4 and bool(getattr(rollout, "compiled", False))
    text = min(prompt + options.max_tokens, size.context or math.inf) if writes else 0
    return Use(
        size=size,
        number=number,
        precision=config.trainer.precision,
        trained=size.parameters if full else 0.0,
        quantized=quantized,
        tokens=_tokens(config, size, cpu) if learns else 0,
        checkpointing=learns and options.gradient_checkpointing,
        seen=int(text) if masked and getattr(options, "share_prompts", False) else 0,
        chunk=CPU_CHUNK if cpu else GPU_CHUNK,
        kept=KEPT,
        reference=config.stage_name == "grpo" and full and options.loss_options.kl_coefficient > 0,
        engine_number=engine_number,
        shares_weights=shares,
        slots=min(drawn, int(getattr(rollout, "batch_size", getattr(rollout, "max_slots", drawn)))),
        longest=int(text),
        packed=packed and not shares,
        graphs=not cpu and writes and not shares and bool(getattr(rollout, "graphs", False)),
        offload=() if cpu else getattr(options, "offload", ()),
    )


def _writes(config: RunConfig) -> bool:
    """Whether an engine writes completions."""
    if config.stage_name == "distill":
        return bool(config.stage.mode != "data")
    return config.stage_name in ("grpo", "sample", "evaluate")


def _number(dtype: str, auto: int) -> int:
    """Bytes of a number format."""
    return {"float32": 4, "auto": auto}.get(dtype, 2)


def _tokens(config: RunConfig, size: ModelSize, cpu: bool) -> int:
    """Tokens of one pass: of a micro-batch, or of one row where that is longer."""
    options = config.stage
    asked = options.max_tokens if config.stage_name == "grpo" else options.max_length
    longest = min(asked or size.context or TEXT_CONTEXT, size.context or math.inf)
    default = GPU_PASS_TOKENS if not cpu else CPU_PASS_TOKENS if config.stage_name == "grpo" else 4096
    return int(max(options.micro_batch_tokens or default, longest))
