"""What a reward model thinks of an answer to a question that no rule can judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from r1light.core.errors import ConfigError
from r1light.core.protocols import Reward
from r1light.core.types import Sample, Score

KIND = "preference"
"""The key of `Problem.meta` that names a problem's reward model, such as "helpful" or "safety"."""


class Preference:
    """The score of the reward model that a problem names (arXiv 2501.12948 v2, eq. 9-10).

    Every general question belongs to one set, that of helpfulness or that of safety, and gets that set's
    model. A problem that names none is a reasoning problem, on which this reward abstains.
    """

    def __init__(self, reward_models: Mapping[str, Reward]) -> None:
        """Take the reward models by the names that problems use."""
        self.reward_models = reward_models

    def __call__(self, samples: Sequence[Sample]) -> list[Score]:
        """Score the samples; each reward model sees all of its own at once.

        Raises:
            ConfigError: If a problem names a reward model that this run does not have.
        """
        scores: dict[int, Score] = {}
        by_kind: dict[str, list[int]] = {}
        for index, sample in enumerate(samples):
            kind = sample.problem.meta.get(KIND)
            if kind is None:
                scores[index] = Score.abstain("a problem for rules")
            elif kind not in self.reward_models:
                known = ", ".join(sorted(self.reward_models)) or "none"
                raise ConfigError(
                    f"problem {sample.problem.id!r} is to be scored by the reward model {kind!r}, and this "
                    f"run has: {known}; take reward=r1_reasoning and problems without meta.{KIND}"
                )
            else:
                by_kind.setdefault(kind, []).append(index)
        for kind, indices in by_kind.items():
            found = self.reward_models[kind]([samples[index] for index in indices])
            scores.update(zip(indices, found, strict=True))
        return [scores[index] for index in range(len(samples))]
