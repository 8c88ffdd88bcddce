"""Low-rank adapters (arXiv:2106.09685) on a model, through the library peft.

Adapters are put into the model's own layers: the model that was given is the one that is trained.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from r1light.core.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

NAME = "default"
"""What peft calls the only adapter of a model."""

Targets = Sequence[str] | Literal["all-linear"]


def add_adapters(
    model: Any,
    *,
    rank: int,
    alpha: float,
    dropout: float,
    targets: Targets,
    task: Literal["CAUSAL_LM", "SEQ_CLS"] = "CAUSAL_LM",
) -> None:
    """Put adapters into a model in place; only they require gradients from then on.

    With the task SEQ_CLS the head is trained too, whole.

    Args:
        model: A Hugging Face causal language model, or a sequence-classification model.
        rank: The adapters' rank, at least 1.
        alpha: Their product is scaled by alpha / rank.
        dropout: The share of their inputs that is dropped in training.
        targets: Ends of the names of layers, or all linear ones but the output head.
        task: What the model does, in peft's words.

    Raises:
        ConfigError: No layer has such a name, or it is the embedding or the output head, whose weights are
            used past their own forward pass.
    """
    from peft import LoraConfig, get_peft_model

    names = targets if isinstance(targets, str) else list(targets)
    config = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=names, task_type=task)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of what peft asks transformers
            get_peft_model(model, config)
    except ValueError as error:
        linear = sorted({name.rpartition(".")[2] for name, _ in _linear_layers(model)})
        raise ConfigError(
            f"model.lora.targets={names} names no layer of this model; it has {', '.join(linear)}"
        ) from error
    ends = [model.get_input_embeddings(), model.get_output_embeddings()]
    if any(hasattr(each, "lora_A") for each in ends):
        raise ConfigError(
            f"model.lora.targets={names} names the embedding or the output head; name layers between them"
        )


def has_adapters(model: Any) -> bool:
    """Whether `add_adapters` was there."""
    return hasattr(model, "peft_config")


def adapter_parameters(model: Any, rank: int, targets: Targets) -> int:
    """How many numbers adapters come to, before they are there: rank * (inputs + outputs) a layer."""
    return sum(
        rank * (layer.in_features + layer.out_features)
        for name, layer in _linear_layers(model)
        if isinstance(targets, str) or any(f".{name}".endswith(f".{target}") for target in targets)
    )


def merged_parameters(model: Any) -> Iterator[tuple[str, Tensor]]:
    """Names and weights of the plain model that a model with adapters acts as, one at a time.

    A weight that is held in 4 bits is given in the number format that it computes in.
    """
    import torch
    from peft.utils.integrations import dequantize_module_weight

    modules = dict(model.named_modules())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".lora_" in name or ".original_module." in name:
                continue
            owner, _, kind = name.rpartition(".")
            tensor = (
                dequantize_module_weight(modules[owner]) if hasattr(parameter, "quant_state") else parameter
            )
            layer = modules[owner.removesuffix(".base_layer")]
            if kind == "weight" and hasattr(layer, "lora_A"):
                tensor = (tensor + layer.get_delta_weight(NAME)).to(tensor.dtype)
            yield _plain_name(name.replace(".base_layer.", ".")), tensor


def save_adapters(model: Any, base: str, folder: Path) -> None:
    """Write what is trained in peft's own format, for `PeftModel.from_pretrained`.

    Args:
        model: With adapters.
        base: The path or name of the model without them.
        folder: Made if it is not there.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    trained = {
        f"base_model.model.{_plain_name(name)}": parameter.detach().to("cpu", copy=True).contiguous()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
    save_file(trained, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = copy.copy(model.peft_config[NAME])
    config.base_model_name_or_path, config.inference_mode = base, True
    config.target_modules = sorted(config.target_modules)  # a set, in another order in each process
    config.save_pretrained(str(folder))


def _plain_name(name: str) -> str:
    """Without the words that peft puts into names for its adapter."""
    return name.replace(f".modules_to_save.{NAME}.", ".").replace(f".{NAME}.", ".")


def _linear_layers(model: Any) -> Iterator[tuple[str, Any]]:
    """All but the output head, by name; a classifier's head is its `score`."""
    import torch

    head = model.get_output_embeddings()
    for name, part in model.named_modules():
        if isinstance(part, torch.nn.Linear) and part is not head and name != "score":
            yield name, part
