"""Which option was probably meant by a key that does not exist: another place's, or one of another name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from r1light.config.convert import hints_of, join, nested_dataclass

ALSO_CALLED: Mapping[str, tuple[str, ...]] = {
    "batch_size": ("batch_size", "prompts_per_iteration"),
    "beta": ("loss.kl_coefficient",),
    "epsilon": ("loss.clip_low", "loss.clip_high"),
    "epsilon_high": ("loss.clip_high",),
    "eval_steps": ("eval_every",),
    "kl_coef": ("loss.kl_coefficient",),
    "learning_rate": ("lr",),
    "loss_type": ("algorithm",),
    "lora_r": ("lora.rank",),
    "max_completion_length": ("max_tokens",),
    "max_new_tokens": ("max_tokens",),
    "max_response_length": ("max_tokens",),
    "max_steps": ("iterations", "epochs"),
    "num_generations": ("group_size", "k"),
    "num_train_epochs": ("epochs", "iterations"),
    "per_device_train_batch_size": ("batch_size", "prompts_per_iteration"),
    "problems": ("limit", "test_problems"),
    "ppo_epochs": ("inner_epochs",),
    "ppo_max_token_len_per_gpu": ("micro_batch_tokens",),
    "save_steps": ("checkpoint_every",),
    "save_total_limit": ("checkpoints_kept",),
    "steps": ("iterations", "epochs"),
    "steps_per_generation": ("minibatches",),
    "total_training_steps": ("iterations",),
    "train_batch_size": ("prompts_per_iteration",),
    "warmup_steps": ("warmup_updates",),
}
"""Names that options have in TRL, verl and transformers, and what they are here."""


def meant(key: str, types: Mapping[str, type[Any] | None]) -> list[str]:
    """The options that are called like the last part of a key, or are what other trainers call so.

    Args:
        key: The key with its path, such as "stage.learning_rate".
        types: The classes of a configuration's options by where they stand; "" for the top.

    Returns:
        Keys with their paths, those of the very name first; empty if there is none.
    """
    name = key.rpartition(".")[2]
    known = [join(path, option) for path, kind in types.items() for option in _options(kind)]
    known += [path for path in types if "." in path]
    wanted = [name, *ALSO_CALLED.get(name, ())]
    found = [one for each in wanted for one in known if one == each or one.endswith(f".{each}")]
    return list(dict.fromkeys(found))


def _options(kind: Any) -> Iterator[str]:
    """The options of a class, and those of the groups in it that are always there: one path leads to each."""
    hints = hints_of(kind) if kind is not None else {}
    for field in fields(kind) if hints else ():
        if field.name == "name" or not field.init:
            continue
        yield field.name
        inner = nested_dataclass(hints[field.name])
        if inner is not None and not hasattr(hints[field.name], "__args__"):
            yield from (join(field.name, option) for option in _options(inner))
