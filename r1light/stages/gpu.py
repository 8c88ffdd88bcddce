"""What makes training fast on a GPU alone."""

from __future__ import annotations

from typing import Any

from r1light.config.schema import RunConfig
from r1light.core.errors import ConfigError
from r1light.stages.build import device_of


def takes_segments(config: RunConfig, model: Any) -> bool:
    """Whether all rows of a pass stand in one line, told apart by `Segments`; the model is made ready for it.

    Only the kernels for 16 bits take such lines fast. Where the options ask for it, the layers are compiled.

    Args:
        config: The run's configuration.
        model: What is trained.

    Raises:
        ConfigError: Layers are to be compiled, and the run has no use for it.
    """
    from r1light.training.forward import can_share_prompts
    from r1light.training.tree_attention import use_trees

    short = config.trainer.precision != "32-true"
    found = device_of(config) == "cuda" and short and can_share_prompts(model)
    if found:
        use_trees(model)
    if config.trainer.compile:
        _compile(config, model, found)
    return found


def _compile(config: RunConfig, model: Any, takes: bool) -> None:
    from r1light.training.compiled import compile_layers, fuse_head

    if not takes or config.trainer.strategy != "ddp":
        raise ConfigError(
            "trainer.compile=true needs a GPU, trainer.precision=bf16-mixed, trainer.strategy=ddp and a "
            "model of the Qwen2, Qwen3, Llama or Mistral family; leave it at false"
        )
    if config.stage_name == "grpo" and config.rollout.name == "hf":
        raise ConfigError(
            "trainer.compile=true: rollout=hf writes with the policy itself, a token at a time, for which "
            "its layers would be compiled anew; take rollout=native"
        )
    compile_layers(model)
    fuse_head(model)
