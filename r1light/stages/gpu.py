"""What makes training fast on a GPU alone."""

from __future__ import annotations

from typing import Any

from r1light.config.schema import RunConfig
from r1light.stages.build import device_of


def takes_segments(config: RunConfig, model: Any) -> bool:
    """Whether all rows of a pass stand in one line, told apart by `Segments`; the model is made ready for it.

    Only the kernels for 16 bits take such lines fast, from Ampere on.

    Args:
        config: The run's configuration.
        model: What is trained.
    """
    import torch

    from r1light.training.forward import can_share_prompts
    from r1light.training.tree_attention import use_trees

    fast = device_of(config) == "cuda" and torch.cuda.get_device_capability() >= (8, 0)
    found = fast and config.trainer.precision != "32-true" and can_share_prompts(model)
    if found:
        use_trees(model)
    return found
