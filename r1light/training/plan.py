"""The arithmetic of batches in words, shown before a run starts."""

from __future__ import annotations

from collections.abc import Mapping

from r1light.training.grpo_options import GrpoOptions


def counted(number: float, noun: str, plural: str = "s") -> str:
    """A number with its noun.

    Example:
        >>> counted(1, "minibatch", "es"), counted(2, "minibatch", "es"), counted(1.0, "epoch")
        ('1 minibatch', '2 minibatches', '1 epoch')
    """
    text = f"{number:g}" if isinstance(number, float) else str(number)
    return f"{text} {noun}{'' if number == 1 else plural}"


def batch_plan(options: GrpoOptions, devices: int) -> list[str]:
    """What the given numbers come to: rollouts and updates, in all and a device."""
    completions = options.prompts_per_iteration * options.group_size
    update = completions // options.minibatches
    loss = options.loss_options
    problems = options.prompts_per_iteration
    return [
        f"an iteration: {counted(problems, 'problem')} x {counted(options.group_size, 'completion')} = "
        f"{counted(completions, 'completion')} of at most {options.max_tokens} tokens"
        + (f", {completions // devices} a device" if devices > 1 else ""),
        f"an update: {counted(update, 'completion')} of "
        f"{counted(problems // options.minibatches, 'problem')}; "
        f"{counted(options.minibatches, 'minibatch', 'es')} x {counted(options.inner_epochs, 'epoch')} = "
        f"{counted(options.updates_per_iteration, 'update')} an iteration, {options.updates} in all",
        f"the loss: {options.algorithm} ({loss.ratio_level} ratios, "
        f"clip {loss.clip_low:g}/{loss.clip_high:g}, {loss.aggregation}, "
        f"advantages by {options.normalisation}, KL {loss.kl_coefficient:g}), "
        f"learning rate {options.lr:g} {options.lr_schedule}",
        *_preference_plan(options),
    ]


def reward_plan(weights: Mapping[str, float]) -> str:
    """What a completion's reward is made of.

    Example:
        >>> reward_plan({"accuracy": 1.0, "format": 0.5, "repetition": 0.0})
        'the reward: 1 x accuracy + 0.5 x format; watched: repetition'
    """
    terms = " + ".join(f"{weight:g} x {name}" for name, weight in weights.items() if weight)
    watched = ", ".join(name for name, weight in weights.items() if not weight)
    return f"the reward: {terms or 'nothing'}" + (f"; watched: {watched}" if watched else "")


def _preference_plan(options: GrpoOptions) -> list[str]:
    """When problems for reward models are drawn, where there is a schedule, and what was rounded for it."""
    switch, asked = options.preference_switch, options.preference_updates
    if switch is None or asked is None:
        return []
    each, all_updates = options.updates_per_iteration, options.updates
    if switch > options.iterations:
        return ["problems with meta.preference: never drawn, as stage.preference_updates=0"]
    if asked >= all_updates:
        said = f"stage.preference_updates={asked} is no fewer than the {all_updates} updates of the run"
        return [f"problems with meta.preference: drawn from the start, as {said}"]
    iterations = options.iterations - switch + 1
    rounded = "" if iterations * each == asked else f"; {asked} updates are no whole iterations of {each}"
    return [
        f"problems with meta.preference: drawn from iteration {switch} on, in the last "
        f"{counted(iterations, 'iteration')} ({counted(iterations * each, 'update')}){rounded}"
    ]
