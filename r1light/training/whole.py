"""Whole weights of a model whose processes may have a share each (FSDP2, DeepSpeed ZeRO-3).

All processes have to ask together, and take every weight: each is gathered when its turn comes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from r1light.core.protocols import RolloutEngine
from r1light.models.lora import has_adapters, merged_parameters
from r1light.training import ranks
from r1light.training.zero import gathered


def is_plain(model: Any) -> bool:
    """Whether every process has all weights, each in memory of its own, as what saves a model wants them."""
    return not any(
        hasattr(each, "full_tensor")  # FSDP2
        or hasattr(each, "ds_id")  # ZeRO-3
        or each.untyped_storage().nbytes() > each.nbytes  # ZeRO-1 and 2 lay them side by side
        for each in model.parameters()
    )


def whole_parameters(model: Any) -> Iterator[tuple[str, Tensor]]:
    """Names and whole tensors of all parameters, as `named_parameters`; each is there until the next.

    Adapters are added into the weights that they belong to: every process has all of those.
    """
    if has_adapters(model):
        yield from merged_parameters(model)
        return
    for name, parameter in model.named_parameters():
        with _whole(parameter) as tensor:
            yield name, tensor


def engine_parameters(engine: RolloutEngine, model: Any) -> Iterable[tuple[str, Tensor]]:
    """What an engine loads to write as a model does; one that writes with the model itself has it all."""
    shares = getattr(engine, "shares_weights", False)
    return model.named_parameters() if shares else whole_parameters(model)


def whole_model(model: Any) -> Any:
    """The model itself where every process has it plain; else a plain copy in the first one's host memory.

    A model with adapters is not plain.

    Returns:
        A Hugging Face model; None in the other processes where it is a copy.
    """
    if is_plain(model) and not has_adapters(model):
        return model
    first = ranks.rank() == 0
    weights: dict[str, Tensor] = {}
    for name, tensor in whole_parameters(model):
        if first:
            weights[name] = tensor.detach().to("cpu", copy=True)
    if not first:
        return None
    config = copy.deepcopy(model.config)
    config.__dict__.pop("quantization_config", None)
    found = type(model)(config).to(next(iter(weights.values())).dtype)
    found.load_state_dict(weights, strict=False)  # a tied head is in it once
    if getattr(model, "generation_config", None) is not None:
        found.generation_config = model.generation_config
    return found.eval()


@contextmanager
def _whole(parameter: Any) -> Iterator[Tensor]:
    if hasattr(parameter, "ds_id"):
        with gathered(parameter):
            yield parameter
    elif hasattr(parameter, "full_tensor"):
        with torch.no_grad():
            yield parameter.full_tensor()
    else:
        yield parameter
