"""The arithmetic of batches in words, shown before a run starts."""

from __future__ import annotations

from r1light.training.grpo_options import GrpoOptions


def batch_plan(options: GrpoOptions, devices: int) -> list[str]:
    """What the given numbers come to: rollouts and updates, in all and a device."""
    completions = options.prompts_per_iteration * options.group_size
    update = completions // options.minibatches
    updates = options.iterations * options.updates_per_iteration
    loss = options.loss_options
    problems = options.prompts_per_iteration
    return [
        f"an iteration: {problems} problems x {options.group_size} completions = "
        f"{completions} completions of at most {options.max_tokens} tokens"
        + (f", {completions // devices} a device" if devices > 1 else ""),
        f"an update: {update} completions; "
        f"{options.minibatches} minibatches x {options.inner_epochs} epochs = "
        f"{options.updates_per_iteration} updates an iteration, {updates} in all",
        f"the loss: {options.algorithm} ({loss.ratio_level} ratios, "
        f"clip {loss.clip_low:g}/{loss.clip_high:g}, {loss.aggregation}, "
        f"advantages by {options.normalisation}, KL {loss.kl_coefficient:g}), "
        f"learning rate {options.lr:g} {options.lr_schedule}",
    ]
