"""Low-rank adapters (arXiv:2106.09685) on a model, through the library peft."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Literal

from r1light.core.errors import ConfigError


def add_adapters(
    model: Any,
    *,
    rank: int,
    alpha: float,
    dropout: float,
    targets: Sequence[str] | Literal["all-linear"],
    task: Literal["CAUSAL_LM", "SEQ_CLS"] = "CAUSAL_LM",
) -> Any:
    """Put adapters into a model in place; only they require gradients from then on.

    With the task SEQ_CLS the head is trained too, whole.

    Args:
        model: A Hugging Face causal language model, or a sequence-classification model.
        rank: The adapters' rank, at least 1.
        alpha: Their product is scaled by alpha / rank.
        dropout: The share of their inputs that is dropped in training.
        targets: Ends of the names of layers, or all linear ones but the output head.
        task: What the model does, in peft's words.

    Returns:
        What `merged` turns back into a plain model.

    Raises:
        ConfigError: No layer has such a name.
    """
    from peft import LoraConfig, get_peft_model

    names = targets if isinstance(targets, str) else list(targets)
    config = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=names, task_type=task)
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        linear = sorted({name.rpartition(".")[2] for name, part in model.named_modules() if _is_linear(part)})
        raise ConfigError(
            f"stage.lora.targets={names} names no layer of this model; it has {', '.join(linear)}"
        ) from error


def merged(adapted: Any) -> Any:
    """A copy of the model with the adapters added into its weights, as a plain Hugging Face model."""
    return copy.deepcopy(adapted).merge_and_unload()


def _is_linear(module: Any) -> bool:
    import torch

    return isinstance(module, torch.nn.Linear)
