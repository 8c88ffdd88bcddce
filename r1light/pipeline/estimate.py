"""What a step takes of memory and time, before anything has run: formulas, with what they assume."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from r1light.config.schema import RunConfig
from r1light.evaluation.summary import SAMPLES
from r1light.models.sizes import ModelSize
from r1light.training.memory import estimate
from r1light.training.memory_use import TEXT_CONTEXT, use_of

MEAN_SHARE = 0.25
"""The mean length of a completion, as a share of its cap: the paper's R1 thinks 8,793 tokens on average where
32,768 are the cap (arXiv:2501.12948v2, E)."""
TEXT_SHARE = 1 / 6
"""The mean length of a row to learn from, as a share of `stage.max_length`: 5,355 of 32,768 (v2, Table 5)."""


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One device.

    Attributes:
        name: What it is called.
        peak: Floating-point operations a second: dense 16-bit ones of a GPU, 32-bit ones of a CPU core.
        memory: Bytes; None where it is the machine's.
        training: The share of the peak that training reaches, and any forward pass over whole texts.
        generation: The share that writing token by token reaches.
    """

    name: str
    peak: float
    memory: float | None
    training: float
    generation: float


ACCELERATORS = {
    # Peaks of NVIDIA's data sheets. The shares are assumed: DeepSeek-V3's pre-training comes to 0.35 of the
    # peak (6 x 37e9 x 14.8e12 operations in 2.664M H800 hours, arXiv:2412.19437, Table 1), and writing waits
    # for memory.
    "H800": Accelerator("H800", 989e12, 80e9, 0.3, 0.05),
    "H100": Accelerator("H100", 989e12, 80e9, 0.3, 0.05),
    "H200": Accelerator("H200", 989e12, 141e9, 0.3, 0.05),
    "A100": Accelerator("A100", 312e12, 80e9, 0.3, 0.05),
    # A core at 3 GHz with 256-bit vectors: 2 units x 8 numbers x 2 operations. Two of them wrote 7,600
    # tokens/s of a model of 3.3M parameters: 2 x 3.3e6 x 7,600 / 2 = 25e9, a quarter of the peak.
    "cpu": Accelerator("cpu", 96e9, None, 0.4, 0.25),
}
"""By name; "cpu" is one core."""


@dataclass(frozen=True, slots=True)
class Work:
    """Tokens that a step moves, prompts not counted.

    Attributes:
        written: Tokens that are sampled.
        read: Tokens that go through a model without being learnt: old and reference log-probabilities.
        learnt: Tokens of forward and backward passes.
        recomputed: Whether activations are recomputed in the backward pass.
    """

    written: float = 0.0
    read: float = 0.0
    learnt: float = 0.0
    recomputed: bool = False

    def flops(self, size: ModelSize) -> tuple[float, float]:
        """Floating-point operations of writing, and of all else.

        With N active parameters a token costs 2N forward, 4N backward and 2N more where activations are
        recomputed. Attention over the tokens before is not counted: for DeepSeek-V3 about a quarter more at
        8,000 tokens.
        """
        once = 2 * size.active
        return once * self.written, once * self.read + (4 if self.recomputed else 3) * once * self.learnt

    def seconds(self, size: ModelSize, accelerator: Accelerator, devices: int) -> float:
        """Wall-clock seconds on devices that share the work evenly, and never wait for one another."""
        writing, other = self.flops(size)
        spent = writing / accelerator.generation + other / accelerator.training
        return spent / (accelerator.peak * devices)


def work_of(
    config: RunConfig, rows: float | None, tokens: float | None = None, context: int | None = None
) -> Work | None:
    """What a step does, by its options; None where that hangs on rows that are not known, or is not much.

    Not counted: evaluations in the course of training, rewards, judges, reading and writing files, and what
    dynamic sampling adds.

    Args:
        config: The step's configuration.
        rows: Rows to learn from, or problems to ask.
        tokens: The mean tokens of a row to learn from; None for `TEXT_SHARE` of the longest.
        context: The model's longest text, in tokens; None for no bound.
    """
    options = config.stage
    if config.stage_name == "grpo":
        completions = options.iterations * options.prompts_per_iteration * options.group_size
        written = completions * _cap(config, context) * MEAN_SHARE
        reads = (options.loss_options.kl_coefficient > 0) + (options.updates_per_iteration > 1)
        learnt = written * options.inner_epochs
        return Work(written, reads * written, learnt, options.gradient_checkpointing)
    if config.stage_name in ("sample", "evaluate") and rows is not None:
        asked = rows if options.limit is None else min(rows, options.limit)
        each = _evaluated(options) if config.stage_name == "evaluate" else completions_a_problem(options)
        return Work(written=asked * each * _cap(config, context) * MEAN_SHARE)
    if config.stage_name == "distill" and options.mode == "on_policy":
        learnt = options.updates(0) * options.batch_size * _cap(config, context) * MEAN_SHARE
        return Work(learnt * options.on_policy_share, learnt, learnt, options.gradient_checkpointing)
    if config.stage_name in ("sft", "distill", "reward_model") and rows is not None:
        texts = 2 if getattr(options, "head", None) == "pairwise" else 1
        longest = min(options.max_length or context or TEXT_CONTEXT, context or math.inf)
        mean = min(tokens or longest * TEXT_SHARE, longest)
        learnt = min(options.epochs * rows, options.updates(round(rows)) * options.batch_size) * mean * texts
        return Work(learnt=learnt, recomputed=options.gradient_checkpointing)
    return None


def _evaluated(options: Any) -> int:
    """Completions a problem of stage=evaluate: one where it is greedy, 4 of a data source by default."""
    return (options.k or SAMPLES) if options.temperature else 1


def _cap(config: RunConfig, context: int | None) -> int:
    """The longest completion."""
    return int(min(config.stage.max_tokens, context or config.stage.max_tokens))


def completions_a_problem(options: Any) -> int:
    """How many completions `stage=sample` draws a problem, all ways of asking together."""
    ways = len(options.cold_start.ways) if options.curation == "cold_start" else 1
    return int(options.n) * ways


def memory_of(config: RunConfig, size: ModelSize, device: Accelerator, devices: int) -> float | None:
    """Bytes a device at the worst moment; None for stages without a model of a size.

    The parts are those of training/memory.py, with prompts left out. Weights, gradients, Adam's two moments,
    the reference and the engine's copy are taken as spread evenly over the devices, as ZeRO-3 does.
    """
    share = replace(size, parameters=size.parameters / devices)
    drawn = -(-_at_a_time(config) // devices)
    use = use_of(config, share, cpu=device.name == "cpu", drawn=drawn)
    return None if use is None else estimate(use).peak


def _at_a_time(config: RunConfig) -> int:
    """Completions that there are to write at a time."""
    options = config.stage
    if config.stage_name == "grpo":
        return int(options.prompts_per_iteration * options.group_size)
    if config.stage_name in ("sample", "evaluate"):
        each = _evaluated(options) if config.stage_name == "evaluate" else completions_a_problem(options)
        return int(options.batch_prompts) * each
    return int(getattr(options, "batch_size", 0))
