"""The numbers of an iteration, by TRL's names so that dashboards carry over, and by ours where it has none.

Shapes: P problems, G group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import Any

import torch

from r1light.algorithms.advantage import Advantages
from r1light.algorithms.policy_loss import PolicyMetrics
from r1light.core.scoring import score_fields
from r1light.core.types import Sample
from r1light.evaluation.outcome import Measures
from r1light.training.collect import ScoredGroup


@dataclass(frozen=True, slots=True)
class UpdateSums:
    """Sums over the updates of one iteration.

    Attributes:
        policy: The loss's own sums over all updates.
        entropy: The sum of token entropies, in nats.
        grad_norm: The gradients' norms before clipping, one an update.
        learning_rate: The last update's.
    """

    policy: PolicyMetrics
    entropy: float
    grad_norm: tuple[float, ...]
    learning_rate: float

    @classmethod
    def over(cls, updates: Sequence[UpdateSums]) -> UpdateSums:
        """The sums of all updates, of which there is at least one."""
        return cls(
            policy=sum((each.policy for each in updates[1:]), start=updates[0].policy),
            entropy=sum(each.entropy for each in updates),
            grad_norm=tuple(norm for each in updates for norm in each.grad_norm),
            learning_rate=updates[-1].learning_rate,
        )


def group_metrics(
    groups: Sequence[ScoredGroup], advantages: Advantages, max_tokens: int, measures: Measures
) -> dict[str, float]:
    """What the rollout was like: rewards, groups, lengths, reflective words.

    `reward` is the mean of the kept totals and `reward_std` the mean of the groups' (population) stds;
    `reflection/rate` counts reflective words a completion; `language/consistency` is the mean over the
    completions whose problem asks for a language, and absent where none does.
    """
    kept_P = advantages.kept_P > 0
    samples = [sample for group in groups for sample in group.samples]
    metrics = {
        "reward": _mean([reward for group in groups for reward in group.rewards if reward is not None]),
        "reward_std": float(advantages.std_P[kept_P].mean()) if bool(kept_P.any()) else float("nan"),
        "frac_reward_zero_std": float(advantages.zero_variance_P.float().mean()),
        "groups/dropped_samples": fmean(reward is None for group in groups for reward in group.rewards),
        "reflection/rate": fmean(measures.reflection(sample.completion.text) for sample in samples),
        "completions/well_formed": fmean(sample.parsed.well_formed for sample in samples),
    }
    lengths = [len(sample.completion.token_ids) for sample in samples]
    ended = [
        len(sample.completion.token_ids) for sample in samples if sample.completion.finish_reason == "stop"
    ]
    metrics |= _length_metrics("length", lengths) | _length_metrics("terminated_length", ended)
    metrics["completions/clipped_ratio"] = 1 - len(ended) / len(lengths)
    metrics |= {"completions/max_tokens": float(max_tokens)}
    metrics |= language_consistency(samples, measures)
    return metrics | _reward_metrics(groups) | _source_metrics(groups)


def language_consistency(samples: Sequence[Sample], measures: Measures) -> dict[str, float]:
    """`language/consistency`, the mean over the samples that it applies to; nothing where there is none."""
    shares = [share for share in map(measures.language, samples) if share is not None]
    return {"language/consistency": fmean(shares)} if shares else {}


def _length_metrics(name: str, lengths: Sequence[int]) -> dict[str, float]:
    if not lengths:
        return {}
    return {
        f"completions/mean_{name}": fmean(lengths),
        f"completions/min_{name}": float(min(lengths)),
        f"completions/max_{name}": float(max(lengths)),
    }


def _reward_metrics(groups: Sequence[ScoredGroup]) -> dict[str, float]:
    """Each reward's mean, std and how often it failed or abstained; groups all right or all wrong."""
    metrics: dict[str, float] = {}
    for name in groups[0].scores:
        scores = [score for group in groups for score in group.scores[name]]
        values = [score.value for score in scores if score.value is not None]
        metrics[f"rewards/{name}/mean"] = _mean(values)
        metrics[f"rewards/{name}/std"] = pstdev(values) if values else float("nan")
        metrics[f"rewards/{name}/error_rate"] = fmean(score.status == "error" for score in scores)
        metrics[f"rewards/{name}/abstain_rate"] = fmean(score.status == "abstain" for score in scores)
    accuracy = [group.scores["accuracy"] for group in groups if "accuracy" in group.scores]
    right = [
        [score.value == 1.0 for score in scores]
        for scores in accuracy
        if any(score.status != "abstain" for score in scores)
    ]
    if right:
        metrics["groups/frac_all_correct"] = fmean(all(group) for group in right)
        metrics["groups/frac_all_wrong"] = fmean(not any(group) for group in right)
    return metrics


def _source_metrics(groups: Sequence[ScoredGroup]) -> dict[str, float]:
    """Of the problems of each source of a mixture: mean reward, accuracy and length, and how many groups.

    `sources/<source>/accuracy` is absent where no rule judges the source's problems.
    """
    by_source: dict[str, list[ScoredGroup]] = {}
    for group in groups:
        if (source := group.problem.meta.get("source")) is not None:
            by_source.setdefault(str(source), []).append(group)
    metrics: dict[str, float] = {}
    for source, mine in by_source.items():
        rewards = [reward for group in mine for reward in group.rewards if reward is not None]
        scores = [score.value for group in mine for score in group.scores.get("accuracy", ())]
        accuracy = [value for value in scores if value is not None]
        lengths = [len(sample.completion.token_ids) for group in mine for sample in group.samples]
        name = f"sources/{source}"
        metrics |= {f"{name}/groups": float(len(mine)), f"{name}/reward": _mean(rewards)}
        metrics |= {f"{name}/accuracy": fmean(accuracy)} if accuracy else {}
        metrics[f"{name}/mean_length"] = fmean(lengths)
    return metrics


def update_metrics(sums: UpdateSums) -> dict[str, float]:
    """What the updates were like; token sums become means over tokens."""
    policy = sums.policy
    tokens = float(policy.tokens)
    if not tokens:
        return {"learning_rate": sums.learning_rate}

    def share(value: torch.Tensor) -> float:
        return float(value) / tokens

    low, high, delta = share(policy.clipped_low), share(policy.clipped_high), share(policy.clipped_delta)
    updates = max(1, len(sums.grad_norm))
    return {
        "loss": (float(policy.policy_loss) + float(policy.kl_loss)) / updates,
        "policy_loss": float(policy.policy_loss) / updates,
        "kl": share(policy.reference_kl),
        "entropy": sums.entropy / tokens,
        "clip_ratio/low_mean": low,
        "clip_ratio/high_mean": high + delta,
        "clip_ratio/region_mean": low + high + delta,
        "ratio": share(policy.ratio),
        "old_kl": share(policy.old_kl),
        "sampling/sampling_logp_difference/mean": share(policy.rollout_difference),
        "sampling/importance_sampling_ratio/mean": share(policy.rollout_weight),
        "sampling/bounded": share(policy.rollout_bounded),
        "grad_norm": _mean(sums.grad_norm),
        "learning_rate": sums.learning_rate,
    }


def sample_rows(
    groups: Sequence[ScoredGroup], advantages_PG: torch.Tensor, iteration: int
) -> list[dict[str, Any]]:
    """Rows of samples.jsonl for some groups of a rollout."""
    rows = []
    for group, advantages_G in zip(groups, advantages_PG.tolist(), strict=True):
        for index, (sample, advantage) in enumerate(zip(group.samples, advantages_G, strict=True)):
            scores = {name: score_fields(values[index]) for name, values in group.scores.items()}
            rows.append(
                {
                    "phase": "train",
                    "iteration": iteration,
                    **sample_fields(sample),
                    "reward": group.rewards[index],
                    "scores": scores,
                    "advantage": advantage,
                }
            )
    return rows


def sample_fields(sample: Any) -> dict[str, Any]:
    """The part of a samples.jsonl row that a sample alone decides."""
    return {
        "problem_id": sample.problem.id,
        "prompt": sample.prompt_text,
        "prefill": sample.prefill,
        "completion": sample.completion.text,
        "finish_reason": sample.completion.finish_reason,
        "tokens": len(sample.completion.token_ids),
        "reference": sample.problem.answer,
        "thinking": sample.parsed.thinking,
        "answer": sample.parsed.answer,
        "well_formed": sample.parsed.well_formed,
    }


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else float("nan")


def rewards_in_words(row: Mapping[str, Any]) -> str:
    """Each reward's mean, before its weight, of a row of metrics.jsonl."""
    means = {name.split("/")[1]: value for name, value in row.items() if _is_reward_mean(name)}
    return ", ".join(f"{name} {'none' if value is None else f'{value:.4g}'}" for name, value in means.items())


def _is_reward_mean(name: str) -> bool:
    return name.startswith("rewards/") and name.endswith("/mean")
